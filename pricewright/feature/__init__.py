"""From sales lines to the weekly panel: what every SKU sold, at which price, and what was known the week before."""

from pricewright.feature.features import FEATURES, features_of
from pricewright.feature.panel import Panel, build_panel

__all__ = ["FEATURES", "Panel", "build_panel", "features_of"]
