"""Matches each cancellation to the latest earlier lines of the same customer and SKU.

First at the same price, then at any. A line without a customer is matched to one single line of the same SKU,
price and country, not older than `guest_days`, that has all the units left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from pricewright.ingest.rules import TRANSACTION, is_far, settle
from pricewright.ingest.survey import Survey
from pricewright.partitions import week_of
from pricewright.units import DECIMALS, rounded

PAIRS = {"cancellation": pl.Int64, "sale": pl.Int64, "units": pl.Float64}
GUEST = ["stock_code", "unit_price", "country", "store"]  # what a sale to nobody known and its cancellation share
SOURCE_ROW = ("source", "row")


def match_cancellations(
    sales: pl.DataFrame, cancellation_lines: pl.DataFrame, params: Mapping[str, Any]
) -> pl.DataFrame:
    """Pairs (taking, sale, units): this many units of line `sale` are cancelled by line `cancellation`.

    Both frames have line, stock_code, customer_id, country, store, unit_price, invoice_time, quantity. The units of a
    sale are never cancelled twice, and no cancellation takes back more units than it names.
    """
    guest = pl.col("customer_id").is_null()
    days = timedelta(days=int(params["guest_days"]))
    steps = [
        (~guest, ["customer_id", "stock_code", "unit_price"], None),
        (~guest, ["customer_id", "stock_code"], None),
        (guest, GUEST, days),
    ]
    pairs = pl.DataFrame(schema=PAIRS)
    for who, same, window in steps:
        left, wanted = (
            _left(sales.filter(who), pairs, "sale"),
            _left(cancellation_lines.filter(who), pairs, "cancellation"),
        )
        pairs = pl.concat([pairs, _match(left, wanted, same, window)])
    return pairs


def _left(lines: pl.DataFrame, pairs: pl.DataFrame, side: str) -> pl.DataFrame:
    """The lines with the units that no pair has used up yet, and at least one."""
    used = pairs.group_by(side).agg(pl.col("units").sum().alias("used"))
    left = lines.join(used, left_on="line", right_on=side, how="left")
    left = left.with_columns(rounded(pl.col("quantity").abs() - pl.col("used").fill_null(0)).alias("left"))
    return left.filter(pl.col("left") > 0)


def _match(
    sales: pl.DataFrame, cancellation_lines: pl.DataFrame, same: list[str], window: timedelta | None
) -> pl.DataFrame:
    """Pairs among lines that agree in the columns `same`; `window` is for guests."""
    keys = cancellation_lines.select(same).unique(maintain_order=True).with_row_index("key")
    events = [
        lines.join(keys, on=same, how="inner", nulls_equal=True).select(
            "key", "invoice_time", pl.lit(takes).alias("takes"), "line", "left"
        )
        for lines, takes in ((sales, False), (cancellation_lines, True))
    ]
    ordered = pl.concat(events).sort("key", "invoice_time", "takes", "line")
    return pl.DataFrame(list(_walk(ordered.iter_rows(), window)), schema=PAIRS, orient="row")


def cancelled_units(sales: pl.DataFrame, cancellation_lines: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """line, cancelled, cancelled_in_week of the sales of which units were cancelled: at any time later, and in the
    week of the sale itself."""
    return (
        pairs.join(_monday(cancellation_lines, "cancellation"), on="cancellation")
        .join(_monday(sales, "sale"), on="sale", suffix="_of_sale")
        .group_by(line="sale")
        .agg(
            cancelled=rounded(pl.col("units").sum()),
            cancelled_in_week=rounded(pl.col("units").filter(pl.col("monday") == pl.col("monday_of_sale")).sum()),
        )
    )


def less_cancelled(sales: pl.DataFrame, cancelled: pl.DataFrame) -> pl.DataFrame:
    """Sales with what was cancelled of them, and the units that stayed sold."""
    joined = sales.join(cancelled, on="line", how="left", maintain_order="left")
    return joined.with_columns(pl.col("cancelled", "cancelled_in_week").fill_null(0)).with_columns(
        rounded(pl.col("quantity") - pl.col("cancelled")).alias("units")
    )


def _monday(lines: pl.DataFrame, name: str) -> pl.DataFrame:
    """The week of each line, with the line's number under the given name."""
    return lines.select(pl.col("line").alias(name), monday=pl.col("invoice_time").dt.truncate("1w"))


def _walk(events: Iterable[tuple[Any, ...]], window: timedelta | None) -> Iterable[tuple[int, int, float]]:
    """Pairs, in order of time within each key: sales are stacked, cancellations take from the top."""
    stack: list[list[Any]] = []
    current = None
    for key, time, takes, line, units in events:
        if key != current:
            stack, current = [], key
        if not takes:
            stack.append([line, units, time])
        elif window is None:
            yield from _take(stack, line, units)
        else:
            yield from _take_one(stack, line, units, time - window)


def _take(stack: list[list[Any]], cancellation: int, units: float) -> Iterable[tuple[int, int, float]]:
    """Take units from as many of the latest sales as it needs."""
    while units and stack:
        sale = stack[-1]
        taken = min(units, sale[1])
        yield cancellation, sale[0], taken
        units, sale[1] = round(units - taken, DECIMALS), round(sale[1] - taken, DECIMALS)
        if not sale[1]:
            stack.pop()


def _take_one(stack: list[list[Any]], cancellation: int, units: float, oldest: Any) -> Iterable[tuple[int, int, float]]:
    """Take all units from the latest sale that has them left, or none."""
    for position in range(len(stack) - 1, -1, -1):
        sale = stack[position]
        if sale[2] < oldest:
            return
        if sale[1] >= units:
            yield cancellation, sale[0], units
            sale[1] = round(sale[1] - units, DECIMALS)
            if not sale[1]:
                del stack[position]
            return


@dataclass(frozen=True)
class Settlement:
    """Both frames name lines by line, source and row. cancelled: of the sales that lost units, with cancelled and
    cancelled_in_week; answers: of all cancellations, with their reason and detail."""

    cancelled: pl.DataFrame
    answers: pl.DataFrame


def settle_source(survey: Survey, params: Mapping[str, Any], before: date | None = None) -> dict[str, Settlement]:
    """The settlement of every week that has a part in it; `before` leaves out the lines of that day and later ones."""
    cancellation_lines = survey.cancellation_lines()
    known = pl.col("customer_id").is_not_null()
    keys = [
        cancellation_lines.filter(known).select("customer_id", "stock_code").unique(),
        cancellation_lines.filter(~known).select("customer_id", *GUEST).unique(),
    ]
    sales = survey.sales_like(keys)
    inside = ~is_far(survey.main) if survey.main else pl.lit(True)
    if before is not None:
        inside &= pl.col("invoice_time").dt.date() < before
    cancellation_lines, sales = cancellation_lines.filter(inside), sales.filter(inside)
    pairs = match_cancellations(sales, cancellation_lines, params)
    cancelled = cancelled_units(sales, cancellation_lines, pairs).join(
        sales.select("line", *SOURCE_ROW, "invoice_time"), on="line"
    )
    asked = cancellation_lines.with_columns(pl.lit(None, pl.String).alias(name) for name in ("reason", "detail"))
    return _by_week(cancelled, settle(asked, sales, pairs))


def _by_week(cancelled: pl.DataFrame, answers: pl.DataFrame) -> dict[str, Settlement]:
    cancelled = cancelled.select("line", *SOURCE_ROW, "cancelled", "cancelled_in_week", week=week_of("invoice_time"))
    answers = answers.select("line", *SOURCE_ROW, "reason", "detail", week=week_of("invoice_time"))
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
    line_schema = {"line": pl.Int64, "source": pl.String, "row": pl.Int64}
    return Settlement(
        pl.DataFrame(schema=line_schema | {"cancelled": pl.Float64, "cancelled_in_week": pl.Float64}),
        pl.DataFrame(schema=line_schema | {"reason": pl.String, "detail": pl.String}),
    )


def known_before(transactions: pl.DataFrame, cancelled: pl.DataFrame, end: date) -> pl.DataFrame:
    """The transactions before the day `end`, as an ingest on that morning would have given them.

    cancelled: source, row, cancelled, cancelled_in_week of the sales of which units had been cancelled by then
    (Intake.cancelled_by). Taking back what is matched today would not do: a later cancellation can take the units that
    an earlier one would have taken.
    """
    lines = transactions.filter(pl.col("invoice_time").dt.date() < end).with_row_index("line")
    lines = lines.drop("cancelled", "cancelled_in_week", "units").with_columns(pl.col("line").cast(pl.Int64))
    then = lines.select("line", "source", "row").join(cancelled, on=["source", "row"])
    return less_cancelled(lines, then.drop("source", "row")).select(TRANSACTION)
