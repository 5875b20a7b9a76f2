"""How long a history must be for models to be searched, learnt and judged on weeks that they have not seen."""

from collections.abc import Mapping
from typing import Any


def weeks_needed(params: Mapping[str, Any]) -> int:
    """The least full weeks of sales, by all of params.yaml: those held out, those without lags, one to learn from."""
    tune, train = params["tune"], params["train"]
    searched = int(tune["judged_weeks"]) + int(tune["validation_weeks"])
    calibration = max(int(train["calibration_weeks"]), int(train["network"]["calibration_weeks"]))
    held_out = max(searched, int(train["backtest_weeks"]) + calibration)
    return held_out + int(params["network"]["level"]["first_weeks"]) + 1
