"""A release: the immutable bundle of files that the price API loads; its id follows from its content.

Importing this package costs nothing: inference takes manifest.py from it and has numpy only.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricewright.release.manifest import BACKTEST, FILES, PRICE_CHANGES, PRICE_LIST, Manifest, release_id

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["FILES", "Manifest", "release_id", "verify_bundle", "write_bundle"]


def write_bundle(
    folder: Path,
    models: "Mapping[str, bytes]",
    catalog_arrays: "Mapping[str, NDArray[np.generic]]",
    price_list: "pl.DataFrame",
    backtest: "pl.DataFrame",
    plan: Mapping[str, Any],
    price_changes: "pl.DataFrame",
    metrics: Mapping[str, Any],
    gates: Mapping[str, Any],
    lineage: Mapping[str, Any],
    week: str,
    created: str,
) -> Manifest:
    """Write the files of a release to `<folder>/<id>/` and return its manifest.

    The same content gives the same bytes and the same id; metrics, gates, lineage and `created` (UTC, ISO 8601)
    are in the manifest only. Raises ReleaseError when the content does not pass verify_bundle; nothing is left then.
    """
    from pricewright.release.bundle import write_files

    manifest = Manifest({}, week, created, metrics, gates, lineage)
    tables = {PRICE_LIST: price_list, BACKTEST: backtest, PRICE_CHANGES: price_changes}
    return write_files(folder, models, catalog_arrays, tables, plan, manifest)


def verify_bundle(read: Callable[[str], bytes], manifest: Manifest) -> None:
    """Raise ReleaseError for the first thing in a release that is missing, altered, or must not be served.

    read: the bytes of a file by its name in the release; raises FileNotFoundError or a PricewrightError.
    """
    from pricewright.release.verify import verify_files

    verify_files(read, manifest)
