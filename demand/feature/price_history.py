"""How dear a SKU is and how its price moved so far; the row's own price comes in by demand/price_features.py."""

import polars as pl

from demand.feature.past import before, mean_before
from demand.price_features import SAME_PRICE

LOG_PRICE = pl.col("price").log()
MOVED = (LOG_PRICE.diff().abs() > SAME_PRICE).cast(pl.Float64)

PRICE_HISTORY: dict[str, pl.Expr] = {
    "price_level": before(LOG_PRICE),
    "price_spread_13": before(LOG_PRICE).rolling_std(13, min_samples=2),
    "price_moves_13": mean_before(MOVED, 13),
    "price_before_against_usual": before(LOG_PRICE) - before(LOG_PRICE).rolling_median(26, min_samples=1),
}
