"""A release in memory: its catalog, its models, and which of them are resting after a failure."""

from collections.abc import Callable
from typing import NamedTuple

from inference.artifacts import Artifacts
from inference.breaker import Breaker
from inference.catalog import Catalog
from inference.models import Models
from inference.settings import Settings
from pricewright.core.errors import PricewrightError, ReleaseError
from pricewright.core.models import LIST_MODEL, NETWORK
from pricewright.core.release.manifest import CATALOG, HISTORY


class Release(NamedTuple):
    """What one release needs to answer; models are opened when they are asked."""

    id: str
    artifacts: Artifacts
    catalog: Catalog
    models: Models
    breaker: Breaker

    @property
    def tiers(self) -> tuple[str, ...]:
        """Who answers, in this order: the release's models, and last its price list, which cannot fail."""
        return (*self.catalog.models, LIST_MODEL)

    @property
    def source(self) -> str:
        """`lake`, or `image` for the one baked in."""
        return self.artifacts.source


def load(artifacts: Artifacts, settings: Settings, clock: Callable[[], float], *, thorough: bool) -> Release:
    """Read what the first answer needs; all of it, and the network too, where a release that works is to give way.

    Raises PricewrightError when a file is missing, altered or cannot be used.
    """
    try:
        catalog = Catalog(artifacts.arrays(CATALOG), lambda: artifacts.arrays(HISTORY))
        models = Models(artifacts, catalog, settings.model_seconds)
        if thorough:
            catalog.check()
            models.open(NETWORK)
    except PricewrightError:
        raise
    except Exception as error:  # whatever is in it, the release that works goes on
        raise ReleaseError(f"release {artifacts.manifest.id} cannot be used: {type(error).__name__} {error}") from error
    return Release(artifacts.manifest.id, artifacts, catalog, models, Breaker(settings.retry_seconds, clock))
