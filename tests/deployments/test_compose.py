"""The server's platform in compose.yaml: every line means something, and nothing in it is open or unpinned."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.compose_secrets import make_secrets, write_secrets
from deployments.healthy import answers, services_live

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deployments" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"] == "no"}
OURS = {name for name, service in SERVICES.items() if "build" in service}


def known_to_prefect() -> set[str]:
    """Every variable that Prefect, or its Redis messaging, reads."""
    from prefect.settings import Settings
    from prefect.settings.legacy import _get_settings_fields
    from prefect_redis.client import RedisMessagingSettings

    names = {name.upper() for name in _get_settings_fields(Settings)}
    return names | {f"PREFECT_REDIS_MESSAGING_{name.upper()}" for name in RedisMessagingSettings.model_fields}


def test_the_file_is_what_the_compose_specification_allows() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_platform_is_all_there() -> None:
    stores, nodes = {"postgres", "messages", "cache"}, {"api-1", "api-2", "services", "proxy"}
    assert set(SERVICES) == stores | nodes | {"database", "deploy", "worker", "desk", "watch"}
    assert sorted(ONE_SHOT) == ["database", "deploy"]
    assert SERVICES["database"]["command"] == ["prefect", "server", "database", "upgrade", "--yes"]
    for node in ("api-1", "api-2"):
        assert "--no-services" in SERVICES[node]["command"]
    assert SERVICES["services"]["command"] == ["prefect", "server", "services", "start"]


def test_only_one_node_registers_the_blocks() -> None:
    register = "PREFECT_API_BLOCKS_REGISTER_ON_START"
    answers = [SERVICES[name]["environment"][register] for name in ("api-1", "api-2", "services")]
    assert answers == ["true", "false", "false"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_watched_bounded_and_starts_after_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    own = r"pricewright/platform:\$\{PRICEWRIGHT_VERSION:-\d+\.\d+\.\d+\}"
    pinned = r"[a-z]+:\d+\.\d+(\.\d+)?-alpine@sha256:[0-9a-f]{64}"
    assert re.fullmatch(own if name in OURS else pinned, service["image"]), "an exact version, and what it is"
    assert ("healthcheck" in service) != (name in ONE_SHOT)
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    for needed, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert how == {"condition": wanted}
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", sorted(OURS))
def test_prefect_knows_every_variable_that_it_is_given(name: str) -> None:
    given = {variable for variable in SERVICES[name]["environment"] if variable.startswith("PREFECT_")}
    given |= {secret for secret in SERVICES[name]["secrets"] if secret.startswith("PREFECT_")}
    assert given <= known_to_prefect()
    assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_no_secret_stands_in_an_environment_and_none_has_a_default() -> None:
    made = set(make_secrets())
    assert set(COMPOSE["secrets"]) == made
    for name, service in SERVICES.items():
        assert set(service.get("secrets", [])) <= made
        assert not made & set(service.get("environment", {})), name
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"${{PRICEWRIGHT_SECRETS:?a folder}}/{name}"}
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == made


def test_secrets_are_new_each_time_written_once_and_in_a_closed_folder(tmp_path: Path) -> None:
    assert make_secrets()["REDIS_PASSWORD"] != make_secrets()["REDIS_PASSWORD"]
    folder = tmp_path / "secrets"
    assert set(write_secrets(folder)) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o077 == 0
    password = (folder / "REDIS_PASSWORD").read_text()
    assert f":{password}@messages:6379/1" in (folder / "PREFECT_SERVER_DOCKET_URL").read_text()
    with pytest.raises(FileExistsError, match="holds PREFECT_SERVER_DATABASE_PASSWORD already"):
        write_secrets(folder)


def test_the_entry_point_makes_variables_of_secrets_and_becomes_the_command(tmp_path: Path) -> None:
    entry = (ROOT / "deployments/entrypoint.sh").read_text().replace("/run/secrets", str(tmp_path))
    (tmp_path / "REDIS_PASSWORD").write_text("a b$c'd")
    script = tmp_path / "entry"
    script.write_text(entry)
    command = ["sh", str(script), sys.executable, "-c", "import os; print(os.environ['REDIS_PASSWORD'])"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "a b$c'd\n"


def test_the_image_has_all_that_a_run_needs_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "deployments/platform.Dockerfile").read_text()
    kept = {line[1:] for line in (ROOT / "deployments/platform.Dockerfile.dockerignore").read_text().splitlines()}
    needed = {"dvc.yaml", "params.yaml", "prefect.yaml", ".dvc/config", ".dvcignore"}
    needed |= {"requirements.lock", "pyproject.toml"}
    assert needed <= kept
    assert {"pricewright", "tasks", "flows", "blocks", "inference", "cli", "deployments"} <= kept
    assert "USER 10001" in dockerfile and "PREFECT_SERVER_EPHEMERAL_ENABLED=false" in dockerfile
    assert "no_scm = true" in (ROOT / ".dvc/config").read_text(), "an image has no .git"


def test_nobody_who_does_not_answer_is_healthy(redis_url: str) -> None:
    assert not answers("http://127.0.0.1:9/api/health")
    assert not services_live({"PREFECT_SERVER_DOCKET_URL": redis_url})
    assert not services_live({"PREFECT_SERVER_DOCKET_URL": "redis://127.0.0.1:9/1"})
    assert not services_live({})
