"""Every run has a name that says what it does, from its first second on, and says its failures in a line."""

import importlib
from pathlib import Path

import pytest
from prefect import Flow

from tasks.prefect_tasks import log_failures_in_a_line, name_after_start

ROOT = Path(__file__).parents[2]
FLOWS = sorted(path.stem for path in (ROOT / "flows").glob("*.py") if "\n@flow" in path.read_text())


def flow_of(name: str) -> "Flow[..., object]":
    found: Flow[..., object] = getattr(importlib.import_module(f"flows.{name}"), name)
    return found


@pytest.mark.parametrize("name", FLOWS)
def test_a_run_is_called_after_its_flow_and_what_it_was_asked_for(name: str) -> None:
    called = flow_of(name).flow_run_name
    if callable(called):
        assert called is name_after_start
        return
    assert called is not None and called.startswith(f"{name.replace('_', '-')} {{request.")


@pytest.mark.parametrize("name", FLOWS)
def test_a_failure_is_one_line_in_the_log_of_every_flow(name: str) -> None:
    assert log_failures_in_a_line in flow_of(name).on_running_hooks
