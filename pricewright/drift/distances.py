"""How far columns lie from the weeks before, and how far they did in the shop's own earlier weeks."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.core.price_features import log_price_ratio

METHODS = ("psi", "wasserstein", "hellinger", "jensenshannon")  # distances: tests find everything in many rows
LEAST_ROWS = 2


class Drifted(NamedTuple):
    """share: of the compared columns that drifted, NaN without columns; names: of those, the furthest first;
    thresholds: by column, the distance from which on it has drifted."""

    share: float
    names: list[str]
    thresholds: dict[str, float]


def drifted_columns(
    reference: pl.DataFrame, current: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]
) -> Drifted:
    """The columns whose distance is at or beyond their threshold, or no number."""
    found = distances(*prepared_pair(reference, current, columns, params), params)
    thresholds = column_thresholds(reference, list(found), params)
    names = [name for name, distance in found.items() if not distance < thresholds[name]]
    names.sort(key=lambda name: -found[name] if found[name] == found[name] else -inf)
    return Drifted(len(names) / len(found) if found else float("nan"), names, thresholds)


def column_thresholds(reference: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]) -> dict[str, float]:
    """By column, the distance from which on it has drifted.

    That is `column_threshold`, or `earlier_factor` times the largest distance of the shop's earlier windows of
    `weeks` weeks, each held against the weeks before it, where that is more.
    """
    thresholds = dict.fromkeys(columns, float(params["column_threshold"]))
    for before, now in earlier_windows(reference, params):
        for name, distance in distances(*prepared_pair(before, now, columns, params), params).items():
            if name in thresholds:
                thresholds[name] = max(thresholds[name], float(params["earlier_factor"]) * distance)
    return thresholds


def earlier_windows(reference: pl.DataFrame, params: Mapping[str, Any]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The newest `weeks` weeks of the reference and the weeks before them, the same for the weeks before, and so on.

    At most `earlier_windows` pairs, each with at least `reference_weeks` weeks before.
    """
    size, least = int(params["weeks"]), int(params["reference_weeks"])
    weeks = reference["week"].unique().sort()
    last = len(weeks)
    while last - size >= least and last > len(weeks) - size * int(params["earlier_windows"]):
        first, end = weeks[last - size], weeks[last - 1]
        yield reference.filter(pl.col("week") < first), reference.filter(pl.col("week").is_between(first, end))
        last -= size


def prepared_pair(
    reference: pl.DataFrame, current: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides as they are compared, with the columns that have values on both."""
    before, now = (_prepared(rows, columns, params) for rows in (reference, current))
    kept = [name for name in before.columns if name in now.columns and _usable(before[name]) and _usable(now[name])]
    return before.select(kept), now.select(kept)


def distances(reference: pl.DataFrame, current: pl.DataFrame, params: Mapping[str, Any]) -> dict[str, float]:
    """Evidently's distance of every column of a prepared pair, the same as its report says."""
    if params["method"] not in METHODS:
        raise ParameterError(f"drift.method is {params['method']!r}: it must be one of {', '.join(METHODS)}.")
    with warnings.catch_warnings():  # its imports use what numpy, litestar and Python 3.12 deprecate
        warnings.simplefilter("ignore", DeprecationWarning)
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

    import pandas as pd

    kind, found = ColumnType.Numerical, {}
    for name in reference.columns:
        before, now = (pd.Series(rows[name].drop_nulls().to_numpy()) for rows in (reference, current))
        found[name] = float(get_stattest(before, now, kind, params["method"])(before, now, kind, 1.0).drift_score)
    return found


def _prepared(rows: pl.DataFrame, columns: Sequence[str], params: Mapping[str, Any]) -> pl.DataFrame:
    """The sampled rows as asinh of the columns, with the ratio of price to reference price as one more."""
    sample = rows.sample(min(int(params["sample_rows"]), rows.height), seed=int(params["seed"]))
    ratio = log_price_ratio(sample["price"].to_numpy(), sample["reference_price"].to_numpy())
    numbers = [pl.col(name).cast(pl.Float64).arcsinh() for name in columns if name in rows.columns]
    frame = sample.select(pl.Series("log_price_ratio", ratio), *numbers)
    return frame.select(pl.when(pl.all().is_finite()).then(pl.all()))


def _usable(column: pl.Series) -> bool:
    return column.count() >= LEAST_ROWS
