"""The platform listens on this machine alone, and its key is where only its owner reads it."""

import stat
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments.stack import make_stack, programs, supervisor_file
from tests.canaries import written
from tests.deployments.conftest import Platform
from tests.listening import family, listening, needs_proc


def test_every_server_of_the_stack_is_set_to_listen_on_this_machine_alone(tmp_path: Path) -> None:
    stack = make_stack(tmp_path, "lake", 8080, 4200, 6400)
    commands = {name: program.command for name, program in programs(stack).items()}
    assert "--bind 127.0.0.1" in commands["redis"] and "--host 127.0.0.1" in commands["prefect"]
    assert stack.environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == stack.ui
    assert "--host" not in commands["api"], "this machine alone is its default"
    assert "0.0.0.0" not in " ".join(commands.values())
    assert "chmod=0600" in supervisor_file(stack, {}), "supervisord listens on a socket of its owner"


@pytest.mark.platform
@needs_proc
def test_nothing_that_up_started_listens_to_other_machines(platform: Platform) -> None:
    process = int((Path(platform.stack.folder) / "supervisord.pid").read_text())
    addresses = {one: listening(one) for one in family(process)}
    assert len([one for one in addresses.values() if one]) >= 3, "Prefect, Redis, the price API"
    assert {address for one in addresses.values() for address in one} == {"127.0.0.1"}


def test_every_stack_has_a_log_in_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    one, again = (make_stack(tmp_path / "a", "lake", 8080, 4200, 6400).environment for _ in range(2))
    other = make_stack(tmp_path / "b", "lake", 8080, 4200, 6400).environment
    assert one["PREFECT_API_AUTH_STRING"] == one["PREFECT_SERVER_API_AUTH_STRING"] == again["PREFECT_API_AUTH_STRING"]
    assert one["PREFECT_API_AUTH_STRING"] != other["PREFECT_API_AUTH_STRING"]
    assert len(one["PREFECT_API_AUTH_STRING"]) >= len("prefect:") + 64


@pytest.mark.platform
def test_the_log_in_is_in_files_of_its_owner_and_nowhere_else(platform: Platform, weekly: FlowRun) -> None:
    assert weekly.state is not None
    secret = platform.stack.environment["PREFECT_API_AUTH_STRING"].removeprefix("prefect:").encode()
    found = {Path(where) for where, body in written(platform.checkout.root) if secret in body}
    assert {path.name for path in found} == {"stack.json", "prefect.key", "prefect.env"}
    linked = Path(platform.stack.folder) / "up.log"  # as the link that opens the UI
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in [*found, linked])


@pytest.mark.platform
def test_the_approval_key_is_in_two_files_of_its_owner_and_nowhere_else(platform: Platform, weekly: FlowRun) -> None:
    """In no log, state, parameter, artifact, release or lock of the runs, however they ended."""
    assert weekly.state is not None
    key = platform.stack.environment["PRICEWRIGHT_APPROVAL_KEY"].encode()
    searched = [(where, key in body) for where, body in written(platform.checkout.root)]
    found = {where for where, there in searched if there}
    folder = Path(platform.stack.folder)
    assert found == {str(folder / "stack.json"), str(folder / "approval.key")}
    for path in found:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    names = " ".join(where for where, _ in searched)
    assert all(part in names for part in ("prefect.db (rows)", "api.log", "worker.log", "manifest.json", "dvc.lock"))
