"""The settlement of a source: which units of which sales were cancelled, and what became of every cancellation.

It looks at the lines that take back and at the sales that share a key with one of them, wherever they lie, and at no
other line; `day` lets it end early, so that a week can be seen as the shop saw it then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pricewright.ingest.cancellations import match_cancellations
from pricewright.ingest.intake import cancelled_units
from pricewright.ingest.quarantine import settle
from pricewright.ingest.rules import is_far
from pricewright.ingest.survey import Survey
from pricewright.partitions import week_of

PLACE = ("source", "row")


@dataclass(frozen=True)
class Settlement:
    """Both frames name lines by line, source and row. cancelled: of the sales that lost units, with cancelled and
    cancelled_in_week; answers: of all cancellations, with their reason and detail."""

    cancelled: pl.DataFrame
    answers: pl.DataFrame


def settle_source(survey: Survey, params: Mapping[str, Any], before: date | None = None) -> dict[str, Settlement]:
    """The settlement of every week that has a part in it; `before` leaves out the lines of that day and later ones."""
    takings = survey.takings()
    known = pl.col("customer_id").is_not_null()
    keys = [
        takings.filter(known).select("customer_id", "stock_code").unique(),
        takings.filter(~known).select("customer_id", "stock_code", "unit_price", "country").unique(),
    ]
    sales = survey.sales_like(keys)
    inside = ~is_far(survey.main) if survey.main else pl.lit(True)
    if before is not None:
        inside &= pl.col("invoice_time").dt.date() < before
    takings, sales = takings.filter(inside), sales.filter(inside)
    pairs = match_cancellations(sales, takings, params)
    cancelled = cancelled_units(sales, takings, pairs).join(sales.select("line", *PLACE, "invoice_time"), on="line")
    asked = takings.with_columns(pl.lit(None, pl.String).alias(name) for name in ("reason", "detail"))
    return _by_week(cancelled, settle(asked, sales, pairs))


def _by_week(cancelled: pl.DataFrame, answers: pl.DataFrame) -> dict[str, Settlement]:
    cancelled = cancelled.select("line", *PLACE, "cancelled", "cancelled_in_week", week=week_of("invoice_time"))
    answers = answers.select("line", *PLACE, "reason", "detail", week=week_of("invoice_time"))
    parts = [
        {
            str(week): part.drop("week").sort("line")
            for (week,), part in frame.partition_by("week", as_dict=True).items()
        }
        for frame in (cancelled, answers)
    ]
    nothing = [frame.drop("week").clear() for frame in (cancelled, answers)]
    return {
        week: Settlement(*(part.get(week, none) for part, none in zip(parts, nothing, strict=True)))
        for week in sorted({*parts[0], *parts[1]})
    }


def unsettled() -> Settlement:
    """The settlement of a week that has no part in any."""
    place = {"line": pl.Int64, "source": pl.String, "row": pl.Int64}
    return Settlement(
        pl.DataFrame(schema=place | {"cancelled": pl.Float64, "cancelled_in_week": pl.Float64}),
        pl.DataFrame(schema=place | {"reason": pl.String, "detail": pl.String}),
    )
