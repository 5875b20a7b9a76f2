"""What makes a readable row no sale of a product: the first rule that holds is the reason for its quarantine."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from demand.ingest.lines import first_reason

CANCELLATION = "cancellation"  # settled by demand/ingest/cancellations.py


def judge(lines: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    """The lines with `reason` and `detail`; null where a line sells a product. Lines that take back: CANCELLATION."""
    first, last = _main_period(lines["invoice_time"], int(params["largest_gap_days"]))
    negative = pl.col("quantity") < 0
    takes_back = negative | pl.col("invoice").str.contains(params["cancellation_invoice"])
    return lines.with_columns(
        *first_reason(
            [
                (_no_product(params), "not a product", "stock_code"),
                (~pl.col("invoice_time").is_between(first, last), "date far from all others", "invoice_time"),
                (pl.col("quantity") == 0, "quantity is zero", ""),
                (pl.col("quantity").abs() > int(params["largest_quantity"]), "quantity not plausible", "quantity"),
                (negative & (pl.col("unit_price") == 0), "stock adjustment", "quantity"),
                (pl.col("unit_price") <= 0, "price not above zero", "unit_price"),
                (pl.col("unit_price") > float(params["largest_price"]), "price not plausible", "unit_price"),
                (takes_back, CANCELLATION, ""),
            ]
        )
    )


def _no_product(params: Mapping[str, Any]) -> pl.Expr:
    """Codes that one of the patterns `not_products` matches whole, or that `product_code`, if given, does not match."""
    listed = pl.col("stock_code").str.contains(f"(?i)^(?:{'|'.join(params['not_products']) or '$^'})$")
    if not params["product_code"]:
        return listed
    return listed | ~pl.col("stock_code").str.contains(f"(?i)^(?:{params['product_code']})$")


def _main_period(times: pl.Series, gap_days: int) -> tuple[Any, Any]:
    """First and last time of the period with most lines, where periods are apart by more than `gap_days` days."""
    if len(times) == 0:
        return None, None
    day = times.sort().to_frame("time")
    period = day.with_columns(
        (pl.col("time").diff() > timedelta(days=gap_days)).fill_null(False).cum_sum().alias("period")
    )
    spans = period.group_by("period").agg(
        pl.len(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    )
    longest = spans.sort(["len", "period"], descending=True).row(0, named=True)
    return longest["first"], longest["last"]
