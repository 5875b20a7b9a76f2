"""What is in the panel and what is not, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pricewright.partitions import iso_week
from pricewright.units import counted


@dataclass(frozen=True)
class Said:
    """Numbers of one week's transactions. units: of all lines; sold_units: of the sales; unsold: SKUs with lines only
    that were cancelled in the week."""

    week: date
    units: float
    sold_units: float
    unsold: Collection[str]


def count(
    said: Sequence[Said], carried: pl.DataFrame, kept: pl.DataFrame, listed: int, weeks: pl.DataFrame, later: set[str]
) -> dict[str, Any]:
    """Numbers of the feature stage; units + units_dropped of each reason = units of the transactions.

    said: of all weeks; carried: of all SKUs after the last full week, kept: of the panel's; weeks: as open_weeks gives
    them; later: SKUs of the weeks after the last full one.
    """
    first, last, coming = weeks["week"][0], weeks["week"][-2], weeks["week"][-1]
    accepted = sum(week.units for week in said)
    in_weeks = sum(week.sold_units for week in said if week.week < coming)
    in_panel, skus = counted(kept["all_units"].sum()), kept.height
    everything = later.union(carried["stock_code"], *(week.unsold for week in said))
    return {
        "rows": int(kept["age"].sum()),
        "skus": skus,
        "catalog_skus": listed,
        "weeks": weeks.height - 1,
        "closed_weeks": (last - first).days // 7 + 2 - weeks.height,
        "first_week": iso_week(first),
        "last_week": iso_week(last),
        "coming_week": iso_week(coming),
        "units": in_panel,
        "units_dropped": {
            "too_few_selling_weeks": counted(in_weeks - in_panel),
            "week_cut_off": counted(accepted - in_weeks),
        },
        "skus_dropped": {
            "too_few_selling_weeks": carried.height - skus,
            "week_cut_off": len(everything) - carried.height,
        },
        "skus_without_price": {"no_longer_sold": skus - listed},
    }
