"""What makes a readable row no sale of a product: the first rule that holds is the reason for its quarantine."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pricewright.ingest.lines import first_reason
from pricewright.ingest.periods import Period

CANCELLATION = "cancellation"  # settled by pricewright/ingest/cancellations.py
NO_PRODUCT = "not a product"
FAR = "date far from all others"


def judge(lines: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    """The lines with `reason` and `detail`; null where a line sells a product. Lines that take back: CANCELLATION.

    Each line is judged by itself, so that lines can be judged table by table; what all lines together say of a date
    comes after it: `judge_dates`.
    """
    negative = pl.col("quantity") < 0
    cancels = pl.col("invoice").str.contains(params["cancellation_invoice"] or "$^")
    takes_back = negative | cancels
    nothing = (pl.col("quantity") == 0) & (pl.col("in_stock").is_null() | takes_back)  # else: whether it could sell
    return lines.with_columns(
        *first_reason(
            [
                (_no_product(params), NO_PRODUCT, "stock_code"),
                (nothing, "quantity is zero", ""),
                (pl.col("too_many"), "quantity not plausible", "quantity"),
                (negative & (pl.col("unit_price") == 0), "stock adjustment", "quantity"),
                (pl.col("unit_price") <= 0, "price not above zero", "unit_price"),
                (pl.col("too_dear"), "price not plausible", "unit_price"),
                (takes_back, CANCELLATION, ""),
            ]
        )
    )


def judge_dates(judged: pl.DataFrame, period: Period | None) -> pl.DataFrame:
    """The judged lines, those outside of the main period with FAR as their reason, unless they sell no product."""
    if period is None:
        return judged
    far = is_far(period) & pl.col("reason").ne_missing(NO_PRODUCT)
    return judged.with_columns(
        pl.when(far).then(pl.lit(FAR)).otherwise("reason").alias("reason"),
        pl.when(far).then(pl.col("invoice_time").cast(pl.String)).otherwise("detail").alias("detail"),
    )


def is_far(period: Period) -> pl.Expr:
    """Whether a line's time lies outside of the period."""
    return ~pl.col("invoice_time").is_between(period.first, period.last)


def _no_product(params: Mapping[str, Any]) -> pl.Expr:
    """Codes that one of the patterns `not_products` matches whole, or that `product_code`, if given, does not match."""
    listed = pl.col("stock_code").str.contains(f"(?i)^(?:{'|'.join(params['not_products']) or '$^'})$")
    if not params["product_code"]:
        return listed
    return listed | ~pl.col("stock_code").str.contains(f"(?i)^(?:{params['product_code']})$")
