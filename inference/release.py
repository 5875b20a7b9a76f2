"""A release in memory: its catalog, its models, and which of them are resting after a failure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from demand.release.manifest import CATALOG, HISTORY, MODELS
from inference.artifacts import Artifacts
from inference.breaker import Breaker
from inference.catalog import Catalog
from inference.models import Models
from inference.settings import Settings


@dataclass(frozen=True)
class Release:
    """What one release needs to answer; models are opened when they are asked."""

    id: str
    artifacts: Artifacts
    catalog: Catalog
    models: Models
    breaker: Breaker = field(compare=False)

    @property
    def source(self) -> str:
        """`lake`, or `image` for the one baked in."""
        return self.artifacts.source


def load(artifacts: Artifacts, settings: Settings, clock: Callable[[], float], *, network: bool) -> Release:
    """Read the catalog, and the network too where `network` says that nothing less will do.

    Raises PricewrightError when a file is missing, altered or cannot be used.
    """
    catalog = Catalog(artifacts.read(CATALOG), lambda: artifacts.read(HISTORY))
    models = Models(artifacts, catalog, settings.model_seconds)
    if network:
        models.open(MODELS[0])
    return Release(artifacts.manifest.id, artifacts, catalog, models, Breaker(settings.retry_seconds, clock))
