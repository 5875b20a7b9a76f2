"""How long a history must be for models to be searched, learnt and judged on weeks that they have not seen."""

from collections.abc import Mapping
from typing import Any


def weeks_needed(params: Mapping[str, Any]) -> int:
    """The least full weeks of sales that a run needs: its models are searched for, trained and judged."""
    tune = params["tune"]
    searched = int(tune["judged_weeks"]) + int(tune["validation_weeks"])
    return max(weeks_to_train(params), searched + _to_begin(params))


def weeks_to_train(params: Mapping[str, Any]) -> int:
    """The least full weeks with which models are trained and judged: those held out, those without lags, one more."""
    train = params["train"]
    calibration = max(int(train["calibration_weeks"]), int(train["network"]["calibration_weeks"]))
    return int(train["backtest_weeks"]) + calibration + _to_begin(params)


def _to_begin(params: Mapping[str, Any]) -> int:
    return int(params["network"]["level"]["first_weeks"]) + 1
