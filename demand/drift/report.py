"""Evidently compares the distributions and makes the page an operator looks at."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from demand.errors import ParameterError
from demand.price_features import log_price_ratio

METHODS = ("psi", "wasserstein", "hellinger", "jensenshannon")  # distances: tests find everything in many rows
LEAST_ROWS = 2

# Evidently gives every widget a new id (a UUID of version 7 or 32 hex digits) on every run.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=metric_)[0-9a-f]{32}")


def report_drift(
    reference: pl.DataFrame, current: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]
) -> tuple[float, str]:
    """Share of the columns whose distance is at least `column_threshold`, NaN without columns; and the page (HTML).

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
        return float("nan"), "<!doctype html><title>drift</title><p>No column could be compared.</p>"
    values, page = _run_evidently(before.select(kept), now.select(kept), params)
    threshold = float(params["column_threshold"])
    return sum(not value < threshold for value in values) / len(kept), _with_stable_ids(page)


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
