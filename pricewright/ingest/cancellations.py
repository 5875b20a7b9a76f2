"""Cancellations and the sales they cancel: the latest earlier lines of the same customer and SKU.

First at the same price, then at any. A line without a customer is matched to one single line of the same SKU,
price and country, not older than `guest_days`, that has all the units left.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from pricewright.units import DECIMALS, rounded

PAIRS = {"taking": pl.Int64, "sale": pl.Int64, "units": pl.Float64}


def match_cancellations(sales: pl.DataFrame, takings: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    """Pairs (taking, sale, units): so many units of line `sale` are cancelled by line `taking`.

    Both frames have line, stock_code, customer_id, country, unit_price, invoice_time, quantity. The units of a
    sale are never cancelled twice, and no cancellation takes back more units than it names.
    """
    guest = pl.col("customer_id").is_null()
    days = timedelta(days=int(params["guest_days"]))
    steps = [
        (~guest, ["customer_id", "stock_code", "unit_price"], None),
        (~guest, ["customer_id", "stock_code"], None),
        (guest, ["stock_code", "unit_price", "country"], days),
    ]
    pairs = pl.DataFrame(schema=PAIRS)
    for who, same, window in steps:
        left, wanted = _left(sales.filter(who), pairs, "sale"), _left(takings.filter(who), pairs, "taking")
        pairs = pl.concat([pairs, _match(left, wanted, same, window)])
    return pairs


def _left(lines: pl.DataFrame, pairs: pl.DataFrame, side: str) -> pl.DataFrame:
    """The lines with the units that no pair has used up yet, and at least one."""
    used = pairs.group_by(side).agg(pl.col("units").sum().alias("used"))
    left = lines.join(used, left_on="line", right_on=side, how="left")
    left = left.with_columns(rounded(pl.col("quantity").abs() - pl.col("used").fill_null(0)).alias("left"))
    return left.filter(pl.col("left") > 0)


def _match(sales: pl.DataFrame, takings: pl.DataFrame, same: list[str], window: timedelta | None) -> pl.DataFrame:
    """Pairs among lines that agree in the columns `same`; `window` is for guests."""
    keys = takings.select(same).unique(maintain_order=True).with_row_index("key")
    events = [
        lines.join(keys, on=same, how="inner", nulls_equal=True).select(
            "key", "invoice_time", pl.lit(takes).alias("takes"), "line", "left"
        )
        for lines, takes in ((sales, False), (takings, True))
    ]
    ordered = pl.concat(events).sort("key", "invoice_time", "takes", "line")
    return pl.DataFrame(list(_walk(ordered.iter_rows(), window)), schema=PAIRS, orient="row")


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


def _take(stack: list[list[Any]], taking: int, units: float) -> Iterable[tuple[int, int, float]]:
    """Take units from as many of the latest sales as it needs."""
    while units and stack:
        sale = stack[-1]
        taken = min(units, sale[1])
        yield taking, sale[0], taken
        units, sale[1] = round(units - taken, DECIMALS), round(sale[1] - taken, DECIMALS)
        if not sale[1]:
            stack.pop()


def _take_one(stack: list[list[Any]], taking: int, units: float, oldest: Any) -> Iterable[tuple[int, int, float]]:
    """Take all units from the latest sale that has them left, or none."""
    for position in range(len(stack) - 1, -1, -1):
        sale = stack[position]
        if sale[2] < oldest:
            return
        if sale[1] >= units:
            yield taking, sale[0], units
            sale[1] = round(sale[1] - units, DECIMALS)
            if not sale[1]:
                del stack[position]
            return
