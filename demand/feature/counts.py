"""What is in the panel and what is not, and why."""

from typing import Any

import polars as pl

from demand.partitions import iso_week


def count(
    transactions: pl.DataFrame, sales: pl.DataFrame, rows: pl.DataFrame, catalog: pl.DataFrame, weeks: pl.DataFrame
) -> dict[str, Any]:
    """Numbers of the feature stage; units + units_dropped of each reason = units of the transactions.

    sales and weeks: as weekly_sales and open_weeks give them; rows, catalog: the panel's.
    """
    accepted, in_weeks, in_panel = (int(frame["units"].sum()) for frame in (transactions, sales, rows))
    first, last, coming = weeks["week"][0], weeks["week"][-2], weeks["week"][-1]
    skus, listed = rows["stock_code"].n_unique(), catalog.height
    return {
        "rows": rows.height,
        "skus": skus,
        "catalog_skus": listed,
        "weeks": weeks.height - 1,
        "closed_weeks": (last - first).days // 7 + 2 - weeks.height,
        "first_week": iso_week(first),
        "last_week": iso_week(last),
        "coming_week": iso_week(coming),
        "units": in_panel,
        "units_dropped": {"too_few_selling_weeks": in_weeks - in_panel, "week_cut_off": accepted - in_weeks},
        "skus_dropped": {
            "too_few_selling_weeks": sales["stock_code"].n_unique() - skus,
            "week_cut_off": transactions["stock_code"].n_unique() - sales["stock_code"].n_unique(),
        },
        "skus_without_price": {"no_longer_sold": skus - listed},
    }
