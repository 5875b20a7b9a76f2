"""Judges lines: sale, cancellation, or quarantined with a reason; counts where every row went."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from pricewright.ingest.columns import WORDS
from pricewright.ingest.equal_rows import NTH
from pricewright.ingest.lines import first_reason
from pricewright.ingest.times import Period
from pricewright.units import counted, rounded, written

TRANSACTION = (
    "row", "source", "invoice", "stock_code", "description", "quantity", "cancelled", "cancelled_in_week",
    "units", "invoice_time", "unit_price", "customer_id", "country", "unit_cost", "category", "promotion", "channel",
    "in_stock", "store", "zone", "brand", "tax_rate", "competitor_price",
)  # fmt: skip
CANCELLATION = "cancellation"  # settled by pricewright/ingest/cancellations.py
NO_PRODUCT = "not a product"
FAR = "date far from all others"
GIVEN = tuple(f"given_{word}" for word in WORDS)
REJECTED = ("row", "source", "reason", "detail", "invoice_time", *GIVEN)
UNMATCHED = "cancellation without sale"
SUMS = ("accepted", "quarantined", "duplicates", "cancelled_units", "taken_units", "units", "rows_without_customer",
        "rows_with_unit_cost", "equal_rows")  # fmt: skip
MOST_CODES = 20  # codes without a product that the counts name
Counts = dict[str, Any]


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


def settle(cancellation_lines: pl.DataFrame, sales: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Cancellations with their reason (was a sale found?) and a detail that names the rows they cancel."""
    where = sales.select("line", pl.col("row").alias("sold_row"), pl.col("source").alias("sold_source"))
    named = pairs.join(where, left_on="sale", right_on="line").join(
        cancellation_lines.select("line", "source"), left_on="cancellation", right_on="line", maintain_order="left"
    )
    elsewhere = (
        pl.when(pl.col("source") != pl.col("sold_source"))
        .then(pl.format(" in {}", "sold_source"))
        .otherwise(pl.lit(""))
    )
    found = (
        named.with_columns(pl.format("{} of row {}{}", written(pl.col("units")), "sold_row", elsewhere).alias("part"))
        .sort("cancellation", "sale")
        .group_by("cancellation", maintain_order=True)
        .agg(pl.col("part").str.join(", "), pl.col("units").sum().alias("matched"))
    )
    joined = cancellation_lines.join(found, left_on="line", right_on="cancellation", how="left", maintain_order="left")
    rest = rounded(pl.col("quantity").abs() - pl.col("matched").fill_null(0))
    missing = pl.when(rest > 0).then(pl.format("no sale for {}", written(rest)))
    return joined.with_columns(
        pl.when(pl.col("part").is_null()).then(pl.lit(UNMATCHED)).otherwise(pl.lit(CANCELLATION)).alias("reason"),
        pl.concat_str([pl.format("cancels {}", "part"), missing], separator="; ", ignore_nulls=True).alias("detail"),
    ).select(cancellation_lines.columns)


def quarantine(rejected: pl.DataFrame, named: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """row, source, reason, detail, invoice_time (null when unreadable), and `given_<word>`, the file's own text.

    `named` are the tables by word, one after the other as the lines in `rejected` count them.
    """
    parts, start = [], 0
    for table in named:
        inside = rejected.filter(pl.col("line").is_between(start, start + table.height, closed="left"))["line"] - start
        parts.append(given_texts(table[inside.to_list()] if len(inside) else table.clear()))
        start += table.height
    return pl.concat([rejected.select(REJECTED[:5]), pl.concat(parts)], how="horizontal")


def given_texts(table: pl.DataFrame) -> pl.DataFrame:
    """The file's own text of every word, as the columns GIVEN; `table` is named by the words."""
    return table.select(
        (pl.col(word).cast(pl.String) if word in table.columns else pl.lit(None, pl.String)).alias(f"given_{word}")
        for word in WORDS
    )


def count_part(accepted: pl.DataFrame, rejected: pl.DataFrame, duplicates: int) -> Counts:
    """The numbers of a part of the rows that add up with those of other parts; times as text, empty where none is."""
    taken = rejected.filter(pl.col("reason").str.starts_with(CANCELLATION))["quantity"].abs()
    return {
        "accepted": accepted.height,
        "quarantined": rejected.height,
        "duplicates": duplicates,
        "reasons": dict(rejected["reason"].value_counts().iter_rows()),
        "cancelled_units": counted(accepted["cancelled"].sum()),
        "taken_units": counted(taken.sum()),
        "units": counted(accepted["units"].sum()),
        "rows_without_customer": accepted["customer_id"].null_count(),
        "rows_with_unit_cost": int(accepted["unit_cost"].count()),
        "equal_rows": int((accepted[NTH] > 0).sum()),
        "no_products": dict(_no_products(rejected).iter_rows()),
        "first_time": str(accepted["invoice_time"].min() or ""),
        "last_time": str(accepted["invoice_time"].max() or ""),
    }


def count(parts: Iterable[Mapping[str, Any]], rows: int, skus: int, customers: int, weeks: int) -> Counts:
    """Rows read and where they went, quarantined rows by reason, units cancelled, and what the sales cover."""
    parts = list(parts)
    total = {name: counted(sum(part[name] for part in parts)) for name in SUMS}
    reasons, codes = _sum(parts, "reasons"), _sum(parts, "no_products")
    times = [part[name] for part in parts for name in ("first_time", "last_time") if part[name]]
    taken = total.pop("taken_units")
    return total | {
        "rows": rows,
        "reasons": dict(_by_rows(reasons)),
        "no_products": dict(_by_rows(codes)[:MOST_CODES]),
        "cancelled_units_without_sale": counted(taken - total["cancelled_units"]),
        "skus": skus,
        "customers": customers,
        "weeks": weeks,
        "first_time": min(times, default=""),
        "last_time": max(times, default=""),
    }


def _no_products(rejected: pl.DataFrame) -> pl.DataFrame:
    """Rows by code, of the codes that are not products, whose case does not count."""
    return rejected.filter(pl.col("reason") == NO_PRODUCT)["stock_code"].str.to_uppercase().value_counts()


def _sum(parts: Iterable[Mapping[str, Any]], name: str) -> Counter[str]:
    return sum((Counter(part[name]) for part in parts), Counter())


def _by_rows(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
