"""A release: the immutable bundle of files that the price API loads; its id follows from its content."""

from pricewright.core.manifest import FILES, Manifest, release_id
from pricewright.release.bundle import verify_bundle, write_bundle

__all__ = ["FILES", "Manifest", "release_id", "verify_bundle", "write_bundle"]
