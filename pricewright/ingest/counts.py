"""Where every row went, in numbers: what the metrics of the stage say."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pricewright.ingest.equal_rows import NTH
from pricewright.ingest.rules import CANCELLATION, NO_PRODUCT
from pricewright.units import counted

SUMS = ("accepted", "quarantined", "duplicates", "cancelled_units", "taken_units", "units", "rows_without_customer",
        "rows_with_unit_cost", "equal_rows")  # fmt: skip
MOST_CODES = 20  # codes without a product that the counts name
Counts = dict[str, Any]


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
    """Rows by code, of the codes that are no products, whose case does not count."""
    return rejected.filter(pl.col("reason") == NO_PRODUCT)["stock_code"].str.to_uppercase().value_counts()


def _sum(parts: Iterable[Mapping[str, Any]], name: str) -> Counter[str]:
    return sum((Counter(part[name]) for part in parts), Counter())


def _by_rows(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
