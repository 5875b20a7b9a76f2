"""Evidently compares the distributions and makes the page an operator looks at."""

import html
import re
import warnings
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.core.price_features import log_price_ratio
from pricewright.verdict import Check

METHODS = ("psi", "wasserstein", "hellinger", "jensenshannon")  # distances: tests find everything in many rows
LEAST_ROWS = 2
LOOK = 'style="font: 14px sans-serif; text-align: left; border-spacing: 12px 4px"'
NO_COLUMNS = "<!doctype html><title>drift</title><body><p>No column could be compared.</p></body>"

# Evidently gives every widget a new id (a UUID of version 7 or 32 hex digits) on every run.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=metric_)[0-9a-f]{32}")


class DriftReport(NamedTuple):
    """share: of the columns that drifted, NaN without columns; drifted: their names, the furthest first; page: HTML."""

    share: float
    drifted: list[str]
    page: str


def report_drift(
    reference: pl.DataFrame, current: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]
) -> DriftReport:
    """The columns whose distance is at least `column_threshold`, or no number.

    The page carries its own scripts and asks no server. On each side at most `sample_rows` rows, drawn with
    `seed`, take part; the other measures of the gate use all rows. Columns stand as asinh(x), which is x for
    shares and the logarithm for units, so that a few bulk orders do not fill the histogram. Equal inputs make
    equal pages.
    """
    if params["method"] not in METHODS:
        raise ParameterError(f"drift.method is {params['method']!r}: it must be one of {', '.join(METHODS)}.")
    before, now = (_prepared(rows, columns, params) for rows in (reference, current))
    kept = [name for name in before.columns if name in now.columns and _usable(before[name]) and _usable(now[name])]
    if not kept:
        return DriftReport(float("nan"), [], NO_COLUMNS)
    values, page = _run_evidently(before.select(kept), now.select(kept), params)
    drifted = _furthest_first(dict(zip(kept, values, strict=True)), float(params["column_threshold"]))
    return DriftReport(len(drifted) / len(kept), drifted, _with_stable_ids(page))


def with_checks(page: str, checks: Sequence[Check]) -> str:
    """The page with a table of the gate's checks on top, which names what they counted."""
    cells = [(c.name, f"{c.value:.4g} {c.unit}", f"{c.warn:g}", f"{c.block:g}", c.status, c.detail) for c in checks]
    head = _row("th", ("check", "value", "warns at", "blocks at", "status", "columns"))
    rows = "\n".join(_row("td", row) for row in cells)
    table = f"<table {LOOK}>\n<caption>Checks of the gate</caption>\n{head}\n{rows}\n</table>"
    return page.replace("<body>", f"<body>\n{table}", 1)


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _furthest_first(distances: Mapping[str, float], threshold: float) -> list[str]:
    """Columns at or beyond the threshold; those whose distance is NaN come first."""
    drifted = {name: distance for name, distance in distances.items() if not distance < threshold}
    return sorted(drifted, key=lambda name: -drifted[name] if drifted[name] == drifted[name] else -inf)


def _prepared(rows: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]) -> pl.DataFrame:
    """The sampled rows as asinh of the columns, with the ratio of price to reference price as one more."""
    sample = rows.sample(min(int(params["sample_rows"]), rows.height), seed=int(params["seed"]))
    ratio = log_price_ratio(sample["price"].to_numpy(), sample["reference_price"].to_numpy())
    numbers = [pl.col(name).cast(pl.Float64).arcsinh() for name in columns if name in rows.columns]
    frame = sample.select(pl.Series("log_price_ratio", ratio), *numbers)
    return frame.select(pl.when(pl.all().is_finite()).then(pl.all()))


def _usable(column: pl.Series) -> bool:
    return column.count() >= LEAST_ROWS


def _run_evidently(
    reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]
) -> tuple[list[float], str]:
    """Distance of every column in their order, and the page."""
    with warnings.catch_warnings():  # its imports use what numpy, litestar and Python 3.12 deprecate
        warnings.simplefilter("ignore", DeprecationWarning)
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

    columns = reference.columns
    definition = DataDefinition(numerical_columns=columns)
    sides = [Dataset.from_pandas(_to_pandas(rows), definition) for rows in (current, reference)]
    threshold = float(params["column_threshold"])
    preset = DataDriftPreset(
        columns=columns,
        num_method=params["method"],
        num_threshold=threshold,
        drift_share=float(params["thresholds"]["drifted_columns"]["block"]),
    )
    with np.errstate(invalid="ignore"):  # it also correlates the columns, and a constant one correlates with none
        run = Report([preset], include_tests=False).run(*sides)
    drift = {m["config"]["column"]: float(m["value"]) for m in run.dict()["metrics"] if "column" in m["config"]}
    return [drift[name] for name in columns], run.get_html_str(as_iframe=False)


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
