"""Where every row went, in numbers: what the metrics of the stage say."""

from typing import Any

import polars as pl

from demand.ingest.rules import CANCELLATION


def count(
    rows: int, accepted: pl.DataFrame, rejected: pl.DataFrame, pairs: pl.DataFrame, duplicates: int
) -> dict[str, Any]:
    """Rows read and where they went, quarantined rows by reason, units cancelled, and what the sales cover."""
    reasons = rejected["reason"].value_counts(sort=True).sort(["count", "reason"], descending=[True, False])
    weeks = accepted["invoice_time"].dt.strftime("%G-W%V")
    taken = rejected.filter(pl.col("reason").str.starts_with(CANCELLATION))["quantity"].abs()
    return {
        "rows": rows,
        "accepted": accepted.height,
        "quarantined": rejected.height,
        "duplicates": duplicates,
        "reasons": dict(reasons.iter_rows()),
        "cancelled_units": int(pairs["units"].sum()),
        "cancelled_units_without_sale": int(taken.sum()) - int(pairs["units"].sum()),
        "units": int(accepted["units"].sum()),
        "skus": accepted["stock_code"].n_unique(),
        "customers": accepted["customer_id"].drop_nulls().n_unique(),
        "rows_without_customer": accepted["customer_id"].null_count(),
        "rows_with_unit_cost": int(accepted["unit_cost"].count()),
        "weeks": weeks.n_unique(),
        "first_time": str(accepted["invoice_time"].min() or ""),
        "last_time": str(accepted["invoice_time"].max() or ""),
    }
