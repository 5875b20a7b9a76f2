"""What a flow may be asked for by anyone who can start a run, and what a person decides."""

from typing import Any

import pytest
from pydantic import ValidationError

from flows.forms import BackfillRequest, OwnBackfillRequest, OwnRefreshRequest, RefreshRequest

WEEKS = {"first_week": "2011-W10", "last_week": "2011-W10"}


@pytest.mark.parametrize("promote", [{"channel": "production"}, {"override": "I want it"}])
def test_a_request_neither_moves_production_nor_overrules_a_gate(promote: dict[str, str]) -> None:
    parameters = {"promote": promote}
    for kind, more in ((RefreshRequest, {}), (BackfillRequest, WEEKS)):
        with pytest.raises(ValidationError, match=r"promote\.(channel|override)"):
            kind(parameters=parameters, **more)
    assert OwnRefreshRequest(parameters=parameters).laid_over == parameters
    assert OwnBackfillRequest(parameters=parameters, **WEEKS).parameters == parameters


@pytest.mark.parametrize("parameters", [{}, {"promote": {"override": "", "smoke_skus": 1}}, {"promote": None}])
def test_a_request_without_a_channel_means_staging(parameters: dict[str, Any]) -> None:
    asked = RefreshRequest(parameters=parameters).laid_over
    assert asked["promote"] == {"channel": "staging"} | (parameters.get("promote") or {})


def test_a_value_beyond_its_bounds_is_no_request() -> None:
    beyond = {"price": {"minimum_probability": 1.7}}
    for kind, more in ((RefreshRequest, {}), (BackfillRequest, WEEKS)):
        with pytest.raises(ValidationError, match=r"minimum_probability is 1\.7: it must be less than"):
            kind(parameters=beyond, **more)


def test_another_channel_is_taken_as_it_is() -> None:
    asked = RefreshRequest(parameters={"promote": {"channel": "trial"}, "train": {"seed": 7}})
    assert asked.laid_over == {"promote": {"channel": "trial"}, "train": {"seed": 7}}
