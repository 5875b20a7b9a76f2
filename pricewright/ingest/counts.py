"""Where every row went, in numbers: what the metrics of the stage say."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pricewright.ingest.rules import CANCELLATION

SUMS = ("accepted", "quarantined", "duplicates", "cancelled_units", "taken_units", "units", "rows_without_customer",
        "rows_with_unit_cost")  # fmt: skip
Counts = dict[str, Any]


def count_part(accepted: pl.DataFrame, rejected: pl.DataFrame, duplicates: int) -> Counts:
    """The numbers of a part of the rows that add up with those of other parts; times as text, empty where none is."""
    taken = rejected.filter(pl.col("reason").str.starts_with(CANCELLATION))["quantity"].abs()
    return {
        "accepted": accepted.height,
        "quarantined": rejected.height,
        "duplicates": duplicates,
        "reasons": dict(rejected["reason"].value_counts().iter_rows()),
        "cancelled_units": int(accepted["cancelled"].sum()),
        "taken_units": int(taken.sum()),
        "units": int(accepted["units"].sum()),
        "rows_without_customer": accepted["customer_id"].null_count(),
        "rows_with_unit_cost": int(accepted["unit_cost"].count()),
        "first_time": str(accepted["invoice_time"].min() or ""),
        "last_time": str(accepted["invoice_time"].max() or ""),
    }


def count(parts: Iterable[Mapping[str, Any]], rows: int, skus: int, customers: int, weeks: int) -> Counts:
    """Rows read and where they went, quarantined rows by reason, units cancelled, and what the sales cover."""
    parts = list(parts)
    total = {name: sum(int(part[name]) for part in parts) for name in SUMS}
    reasons: Counter[str] = sum((Counter(part["reasons"]) for part in parts), Counter())
    times = [part[name] for part in parts for name in ("first_time", "last_time") if part[name]]
    taken = total.pop("taken_units")
    return total | {
        "rows": rows,
        "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "cancelled_units_without_sale": taken - total["cancelled_units"],
        "skus": skus,
        "customers": customers,
        "weeks": weeks,
        "first_time": min(times, default=""),
        "last_time": max(times, default=""),
    }
