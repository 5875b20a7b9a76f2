"""The quick, seeded share of `make fuzz`, and every input that once did harm."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from inference.handler import App
from tests.fuzz.events import EVENTS, event_from
from tests.fuzz.mutate import mutations
from tests.fuzz.targets import TARGETS, Wrong, check_reply, seeds
from tests.fuzz.try_out import try_out
from tests.synthetic_shop import Shop

COUNTS = {"events": 1500, "manifest": 4000, "onnx": 3000, "arrays": 250, "files": 25, "tables": 25}
FOUND = sorted((Path(__file__).parent / "found").glob("*"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    shop = Shop(tmp_path_factory.mktemp("fuzz"))
    shop.point(shop.write())
    return shop.app()


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_is_nearly_right_does_harm(name: str) -> None:
    for data in (*seeds()[name], *mutations(seeds()[name], COUNTS[name], seed=7)):
        fault = try_out(TARGETS[name], data)
        assert fault is None, f"{fault.story}\n{data!r}"


@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(event=EVENTS)
def test_any_event_is_answered_and_never_with_an_error_of_ours(app: App, event: Any) -> None:
    check_reply(event, app)


@pytest.mark.parametrize("path", FOUND, ids=[path.name for path in FOUND])
def test_what_once_did_harm_does_none_any_more(path: Path) -> None:
    fault = try_out(TARGETS[path.name.split("-")[0]], path.read_bytes())
    assert fault is None, fault.story


# Requests that were answered with a 500, or that ended the function.
HARMFUL: dict[str, Any] = {
    "half a surrogate as a SKU": {"stock_code": "\ud800"},
    "headers that are a list": {"httpMethod": "GET", "path": "/v1/ready", "headers": ["x"]},
    "headers that are a number": {"httpMethod": "GET", "path": "/v1/ready", "headers": 3},
    "a query that is a text": {"httpMethod": "GET", "path": "/v1/skus", "queryStringParameters": "a=b"},
    "a limit in other digits": {"httpMethod": "GET", "path": "/v1/skus", "queryStringParameters": {"limit": "²"}},
    "a limit of 5,000 digits": {
        "httpMethod": "GET",
        "path": "/v1/skus",
        "queryStringParameters": {"limit": "9" * 5000},
    },
    "brackets, deep": {"httpMethod": "POST", "path": "/v1/prices", "body": "[" * 200_000},
    "a cost with 400 digits": {"stock_codes": ["20007"], "unit_cost": 10**400},
    "a price with 400 digits": {"stock_code": "20007", "unitprice_max": 10**400},
}


@pytest.mark.parametrize("what", HARMFUL)
def test_a_request_that_once_did_harm_is_a_problem_of_its_sender(app: App, what: str) -> None:
    answer = app(HARMFUL[what])
    status = answer.get("statusCode", answer.get("status"))
    assert status in (400, 404, 422), answer


def test_five_thousand_skus_that_nobody_knows_are_answered_at_once(app: App) -> None:
    """Near matches of each of them would take a minute."""
    codes = [f"2{number:04}{'X' * 40}" for number in range(4999)]
    event = {"stock_codes": [*codes, "20007"]}
    assert try_out(lambda _: check_reply(event, app), b"", longest=2.0) is None
    answer = app(event)
    assert len(answer["unknown"]) == 4999 and len(answer["prices"]) == 1
    assert "20007" in app({"stock_codes": ["2000X", "20014"]})["unknown"][0]["hint"]


def test_the_checks_of_fuzzing_see_what_is_wrong() -> None:
    """A fuzzer that notices nothing finds nothing."""

    def failing(event: Any) -> Any:
        return {"statusCode": 500, "headers": {"content-type": "application/json"}, "body": "{}"}

    with pytest.raises(Wrong, match="status 500"):
        check_reply({}, failing)  # type: ignore[arg-type]
    assert try_out(lambda _: [][1], b"").kind == "crash"
    assert try_out(lambda _: check_reply({}, failing), b"").kind == "wrong"
    assert try_out(lambda _: sum(range(3_000_000)), b"", longest=0.001).kind == "hang"


def test_bytes_make_events_of_every_kind() -> None:
    made = [event_from(data) for data in mutations(seeds()["events"], 400, seed=1)]
    objects = [event for event in made if isinstance(event, dict)]
    assert any("requestContext" in event and "version" in event for event in objects)
    assert any("httpMethod" in event for event in objects) and any("stock_codes" in event for event in objects)
    assert len({json.dumps(event, default=str)[:200] for event in made}) > 200
