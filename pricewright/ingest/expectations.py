"""Great Expectations, without disk, network, analytics or progress bars: what it observes in transactions."""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

SUITE = "transactions"
NEEDED = ("invoice", "stock_code", "invoice_time", "unit_price", "quantity", "units")
# What holds for every accepted transaction, whatever file it came from: the promise, and when a row breaks it.
PROMISES: dict[str, pl.Expr] = {
    **{f"{name} is given": pl.col(name).is_null() for name in NEEDED},
    "unit_price is given": pl.col("unit_price").is_null() | pl.col("unit_price").is_nan(),
    "unit_price is above zero": pl.col("unit_price") <= 0,
    "quantity is above zero, or zero with in_stock known": (pl.col("quantity") <= 0)
    & ((pl.col("quantity") < 0) | pl.col("in_stock").is_null()),
    "units are not negative": pl.col("units") < 0,
    "units are at most the quantity": pl.col("units") > pl.col("quantity"),
}


@dataclass(frozen=True)
class Observed:
    """What was seen of one expectation; NaN where it could not run."""

    value: float
    met: bool


@dataclass(frozen=True)
class Limit:
    """A measured value and the one at which it blocks."""

    value: float
    block: float
    larger_is_worse: bool


def broken_promises(accepted: pl.DataFrame) -> dict[str, int]:
    """How many accepted rows break each promise; counted per week, for no history fits into one frame of pandas."""
    return accepted.select(breaks.sum().alias(name) for name, breaks in PROMISES.items()).row(0, named=True)


def observe(
    broken: Sequence[Mapping[str, int]], limits: Mapping[str, Limit]
) -> tuple[dict[str, Observed], dict[str, Observed]]:
    """Accepted rows that break each promise of a transaction, and the measures, each with what was expected of them.

    broken: what broken_promises found in each part of the accepted rows.
    """
    with warnings.catch_warnings(action="ignore"):  # of its own imports, which our tests would take for errors
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        measured = pl.DataFrame([{name: limit.value for name, limit in limits.items()}])
        counted = pl.DataFrame(broken, schema=dict.fromkeys(PROMISES, pl.Int64))
        lines = _validate(gx, context, "lines", counted, _promises(gx.expectations))
        measures = _validate(gx, context, "measures", measured, _bounds(gx.expectations, limits))
    return _seen(lines), _seen(measures)


def _promises(expect: Any) -> dict[str, Any]:
    """No row of any part breaks a promise."""
    return {name: expect.ExpectColumnSumToBeBetween(column=name, min_value=0, max_value=0) for name in PROMISES}


def _bounds(expect: Any, limits: Mapping[str, Limit]) -> dict[str, Any]:
    """Each measure stays on the better side of the value at which it blocks."""
    return {
        name: expect.ExpectColumnMaxToBeBetween(column=name, max_value=limit.block, strict_max=True)
        if limit.larger_is_worse
        else expect.ExpectColumnMinToBeBetween(column=name, min_value=limit.block, strict_min=True)
        for name, limit in limits.items()
    }


def _validate(gx: Any, context: Any, name: str, frame: pl.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Any]:
    """Every expectation's result, by the name it has here."""
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame.to_pandas()})
    for known_as, expectation in expectations.items():
        expectation.meta = {"name": known_as}
    found = batch.validate(gx.ExpectationSuite(SUITE, expectations=list(expectations.values())))
    return {result.expectation_config.meta["name"]: result for result in found.results}


def _seen(results: Mapping[str, Any]) -> dict[str, Observed]:
    """The observed value of every result, and whether the expectation was met."""
    return {
        name: Observed(float("nan"), False)
        if result.exception_info["raised_exception"]
        else Observed(float(result.result["observed_value"]), bool(result.success))
        for name, result in results.items()
    }
