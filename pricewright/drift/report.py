"""The page an operator looks at: Evidently's pictures of the distributions, and the checks of the gate."""

import html
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pricewright.drift.distances import prepared_pair
from pricewright.verdict import Check

LOOK = 'style="font: 14px sans-serif; text-align: left; border-spacing: 12px 4px"'
NO_COLUMNS = "<!doctype html><title>drift</title><body><p>No column could be compared.</p></body>"

# Evidently gives every widget a new id (a UUID of version 7 or 32 hex digits) on every run.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=metric_)[0-9a-f]{32}")


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
