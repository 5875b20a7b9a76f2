"""How many products' prices ever moved: the others say nothing of how demand answers to a price."""

import polars as pl

from pricewright.core.price_features import SAME_PRICE
from pricewright.network.basis import NORMAL_MAD
from pricewright.network.regular import OUTLYING


def ever_moved(panel: pl.DataFrame) -> int:
    """How many SKUs' prices moved at least once, of those that the panel has.

    Of a price that moves nearly every week only steps that stand out count: see least_steps of pricewright/proof.
    """
    price = pl.col("list_price" if "list_price" in panel.columns else "price")
    by_time = panel.with_columns(at=pl.col("week").rank("dense").cast(pl.Int64)).sort("stock_code", "at")
    step = price.cast(pl.Float64).log().diff().abs().over("stock_code")
    next_to = (pl.col("at").diff() == 1).over("stock_code")
    steps = by_time.select("stock_code", step=step, next_to=next_to).filter("next_to")
    usual = NORMAL_MAD * pl.col("step").median().over("stock_code")
    moved = steps.filter(pl.col("step") > pl.max_horizontal(pl.lit(SAME_PRICE), OUTLYING * usual))
    return moved["stock_code"].n_unique()
