"""The drift gate: measures held against the thresholds of params.yaml, and Evidently's page about them."""

import html
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.drift.distances import Drifted, drifted_columns, earlier_windows, prepared_pair
from pricewright.drift.measures import (
    YEAR,
    by_sku,
    constant_columns,
    judged_columns,
    missing_skus,
    missing_values,
    new_skus,
    orders_fall,
    price_jumps,
    price_level,
    price_shift,
    silent_weeks,
    steady_sellers_missing,
    units_level,
    units_per_order,
    usual_of,
    zero_share_change,
)
from pricewright.verdict import Check, Verdict

LOOK = 'style="font: 14px sans-serif; text-align: left; border-spacing: 12px 4px"'
NO_COLUMNS = "<!doctype html><title>drift</title><body><p>No column could be compared.</p></body>"

# Evidently gives every widget a new id (a UUID of version 7 or 32 hex digits) on every run.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=metric_)[0-9a-f]{32}")
NEEDED = ("stock_code", "week", "units", "orders", "price", "reference_price", "sold")
UNITS = {
    "drifted_columns": "of the judged columns",
    "constant_columns": "columns",
    "missing_values": "of a column's rows",
    "price_level": "times the usual price or its inverse, median SKU of the worst week",
    "price_shift": "times the usual price or its inverse, median SKU of all weeks",
    "price_jumps": "of the SKUs of the worst week at under half or over twice the usual price",
    "units_per_order": "times the usual or its inverse, median SKU of the worst week",
    "units_level": "times the usual units or its inverse, median SKU",
    "orders_fall": "times fewer orders than in the quietest earlier weeks, or than a year of growth lets expect",
    "missing_skus": "of the SKUs that sold lately",
    "new_skus": "of the SKUs that sell now",
    "steady_sellers_missing": "of the steady sellers expected in the worst week",
    "zero_share_change": "of the SKU-weeks, up or down",
    "silent_weeks": "weeks without any sale",
}


def drift_page(
    reference: pl.DataFrame, current: pl.DataFrame, thresholds: Mapping[str, float], params: Mapping[str, Any]
) -> str:
    """Evidently's page (HTML) on the columns that have a threshold, the distance from which on they have drifted.

    The page carries its own scripts and asks no server. On each side at most `sample_rows` rows, drawn with
    `seed`, take part; the other measures of the gate use all rows. Columns stand as asinh(x), which is x for
    shares and the logarithm for units, so that a few bulk orders do not fill the histogram. Equal inputs make
    equal pages.
    """
    before, now = prepared_pair(reference, current, list(thresholds), params)
    return _with_stable_ids(_run_evidently(before, now, thresholds, params)) if before.columns else NO_COLUMNS


def with_checks(page: str, checks: Sequence[Check]) -> str:
    """The page with a table of the gate's checks on top, which names what they counted."""
    cells = [(c.name, f"{c.value:.4g} {c.unit}", f"{c.warn:g}", f"{c.block:g}", c.status, c.detail) for c in checks]
    head = _row("th", ("check", "value", "warns at", "blocks at", "status", "columns"))
    rows = "\n".join(_row("td", row) for row in cells)
    table = f"<table {LOOK}>\n<caption>Checks of the gate</caption>\n{head}\n{rows}\n</table>"
    return page.replace("<body>", f"<body>\n{table}", 1)


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _run_evidently(
    reference: pl.DataFrame, current: pl.DataFrame, thresholds: Mapping[str, float], params: Mapping[str, Any]
) -> str:
    with warnings.catch_warnings():  # its imports use what numpy, litestar and Python 3.12 deprecate
        warnings.simplefilter("ignore", DeprecationWarning)
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

    columns = reference.columns
    definition = DataDefinition(numerical_columns=columns)
    sides = [Dataset.from_pandas(_to_pandas(rows), definition) for rows in (current, reference)]
    preset = DataDriftPreset(
        columns=columns,
        num_method=params["method"],
        per_column_threshold={name: thresholds[name] for name in columns},
        drift_share=float(params["thresholds"]["drifted_columns"]["block"]),
    )
    with np.errstate(invalid="ignore"):  # it also correlates the columns, and a constant one correlates with none
        run = Report([preset], include_tests=False).run(*sides)
    return str(run.get_html_str(as_iframe=False))


def _to_pandas(rows: pl.DataFrame) -> Any:
    import pandas as pd

    return pd.DataFrame({name: rows[name].to_numpy() for name in rows.columns})


def _with_stable_ids(page: str) -> str:
    """The page with its ids numbered in the order in which they come."""
    known: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        text = found.group()
        plain = f"{len(known) + 1:032x}"
        groups = f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"
        return known.setdefault(text, groups if "-" in text else plain)

    return IDS.sub(numbered, page)


class Measured(NamedTuple):
    """The value of a measure, and the columns it counted, the worst first."""

    value: float
    columns: Sequence[str] = ()


def assess_drift(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> tuple[Verdict, str]:
    """The verdict on the newest panel rows (`current`) against those before (`reference`), and the page (HTML)."""
    verdict, compared = _judge(reference, current, params)
    return verdict, with_checks(drift_page(reference, current, compared.thresholds, params), verdict.checks)


def judge_drift(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> Verdict:
    """The verdict alone, in a tenth of the time that the page takes.

    `params` is the section `drift` of params.yaml. Season moves the level of units and thereby the lags; so those
    have wide thresholds, and what no season moves (usual prices, units per order, steady sellers) has narrow ones
    and is taken from the worst week, so that a feed that broke last week is not averaged away. Raises
    ParameterError when a frame is empty, lacks a column, or a threshold is missing.
    """
    return _judge(reference, current, params)[0]


def _judge(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> tuple[Verdict, Drifted]:
    _check(reference, current)
    compared = drifted_columns(reference, current, judged_columns(reference, params["not_judged"]), params)
    drifted = Measured(compared.share, compared.names)
    alone = next(earlier_windows(reference, params), None) is None
    if alone and current.height < int(params["least_rows"]):  # nothing tells how far chance moves them
        drifted = Measured(0.0, [f"{current.height} rows are too few to compare in a history this short"])
    measured = measure(reference, current, params) | {"drifted_columns": drifted}
    first_year = reference["week"].n_unique() < YEAR
    checks = tuple(_held(name, measured[name], params["thresholds"], first_year) for name in UNITS)
    return Verdict("drift", checks, _hint(checks)), compared


def measure(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> dict[str, Measured]:
    """Every measure of the gate that does not need Evidently, by its name."""
    of_columns = _measure_columns(reference, current, params)
    return of_columns | {name: Measured(value) for name, value in _measure_sales(reference, current, params).items()}


def _measure_columns(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> dict[str, Measured]:
    frozen = constant_columns(reference, current, float(params["constant_share"]), params["not_judged"])
    rises = missing_values(reference, current)
    emptied = [name for name, rise in rises.items() if rise > 0]
    return {
        "constant_columns": Measured(len(frozen), frozen),
        "missing_values": Measured(max(rises.values(), default=1.0), emptied),
    }


def _measure_sales(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> dict[str, float]:
    weeks = int(params["reference_weeks"])
    usual = usual_of(reference, weeks)
    before, now = by_sku(reference), by_sku(current)
    return {
        "price_level": price_level(current, usual),
        "price_shift": price_shift(current, usual),
        "price_jumps": price_jumps(current, usual),
        "units_per_order": units_per_order(current, usual),
        "units_level": units_level(current, usual),
        "orders_fall": orders_fall(reference, current),
        "missing_skus": missing_skus(before, now),
        "new_skus": new_skus(before, now),
        "steady_sellers_missing": steady_sellers_missing(now, usual_of(before, weeks), int(params["steady_skus"])),
        "zero_share_change": zero_share_change(before, now, weeks),
        "silent_weeks": silent_weeks(current),
    }


def _check(reference: pl.DataFrame, current: pl.DataFrame) -> None:
    for name, rows in (("reference", reference), ("current", current)):
        missing = [column for column in NEEDED if column not in rows.columns]
        if rows.height == 0 or missing:
            raise ParameterError(
                f"the {name} weeks have {rows.height} panel rows and lack the columns {missing}: "
                "drift needs rows with all of them on both sides."
            )


def _held(name: str, measured: Measured, thresholds: Mapping[str, Any], first_year: bool) -> Check:
    """The value held against its limits; in a first year, whose quiet seasons nobody knows, against a wider one."""
    if name not in thresholds:
        raise ParameterError(f"drift.thresholds has no {name}: every measure needs warn and block.")
    limits = thresholds[name]
    warn, block = float(limits["warn"]), float(limits["block"])
    if first_year:
        block = float(limits.get("first_year", block))
    return Check(name, float(measured.value), warn, block, UNITS[name], detail=", ".join(measured.columns))


def _hint(checks: tuple[Check, ...]) -> str:
    blocking = [check.name for check in checks if check.status == "block"]
    if not blocking:
        return ""
    return (
        f"look at {', '.join(blocking)} in the drift report; repair the feed and run again, or, when the shop itself "
        f"has changed, raise drift.thresholds.{blocking[0]}.block in params.yaml."
    )
