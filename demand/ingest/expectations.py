"""Great Expectations, without disk, network, analytics or progress bars: what it observes in transactions."""

import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

import polars as pl

SUITE = "transactions"
NEEDED = ("invoice", "stock_code", "invoice_time", "unit_price", "quantity", "units")


def observe(
    accepted: pl.DataFrame, measured: Mapping[str, float], thresholds: Mapping[str, Mapping[str, float]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Accepted rows that break each promise of a transaction, and the measures as Great Expectations saw them.

    A value is NaN, and so blocks, where an expectation could not run.
    """
    with warnings.catch_warnings(action="ignore"):  # of its own imports, which our tests would take for errors
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        lines = _validate(gx, context, "lines", accepted.select(NEEDED), _promises(gx.expectations))
        limits = _limits(gx.expectations, measured, thresholds)
        numbers = _validate(gx, context, "measures", pl.DataFrame([dict(measured)]), limits)
    broken = {name: _broken_rows(result) for name, result in lines.items()}
    return broken, {name: _observed(result) for name, result in numbers.items()}


def _promises(expect: Any) -> dict[str, Any]:
    """What holds for every accepted transaction, whatever file it came from."""
    present = {f"{column} is given": expect.ExpectColumnValuesToNotBeNull(column=column) for column in NEEDED}
    return present | {
        "unit_price is above zero": expect.ExpectColumnValuesToBeBetween(
            column="unit_price", min_value=0, strict_min=True
        ),
        "quantity is at least one": expect.ExpectColumnValuesToBeBetween(column="quantity", min_value=1),
        "units are not negative": expect.ExpectColumnValuesToBeBetween(column="units", min_value=0),
        "units are at most the quantity": expect.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="quantity", column_B="units", or_equal=True
        ),
    }


def _limits(
    expect: Any, measured: Mapping[str, float], thresholds: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """Each measure stays on the better side of its block threshold."""
    limits = {}
    for name in measured:
        warn, block = (float(thresholds[name][level]) for level in ("warn", "block"))
        if warn > block:  # less is worse
            limits[name] = expect.ExpectColumnMinToBeBetween(column=name, min_value=block, strict_min=True)
        else:
            limits[name] = expect.ExpectColumnMaxToBeBetween(column=name, max_value=block, strict_max=True)
    return limits


def _validate(gx: Any, context: Any, name: str, frame: pl.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Any]:
    """Every expectation's result, by the name it has here."""
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame.to_pandas()})
    for known_as, expectation in expectations.items():
        expectation.meta = {"name": known_as}
    found = batch.validate(gx.ExpectationSuite(SUITE, expectations=list(expectations.values())))
    return {result.expectation_config.meta["name"]: result for result in found.results}


def _broken_rows(result: Any) -> float:
    if result.exception_info["raised_exception"]:
        return float("nan")
    return float(result.result["unexpected_count"])


def _observed(result: Any) -> float:
    if result.exception_info["raised_exception"]:
        return float("nan")
    return float(result.result["observed_value"])
