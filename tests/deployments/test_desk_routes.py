"""The desk's routes over a real lake: what is decided is there, what is exported is what was accepted."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from blocks.lake import Lake
from deployments.desk_routes import add_desk
from inference.dev_server import make_gateway
from inference.settings import Settings
from tasks.desk import Desk
from tasks.smoke import PriceApi
from tests.synthetic_shop import Shop

KEY = "k" * 40


@pytest.fixture
def client(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv("PRICEWRIGHT_APPROVAL_KEY", KEY)
    shop = Shop(tmp_path / "lake")
    shop.point(shop.write())
    api = shop.app()
    desk = Desk(Lake(str(shop.folder)), PriceApi.through(api))
    client = add_desk(make_gateway(api), desk, Settings(currency="GBP", locale="en-GB")).test_client()
    client.lake = Lake(str(shop.folder))  # type: ignore[attr-defined]
    client.shop = shop  # type: ignore[attr-defined]
    return client


def moves(client: FlaskClient) -> list[dict]:
    rows = client.get("/v1/plan").get_json()["plan"]
    return [row for row in rows if row["optimal_price"] != row["current_price"]]


def decide(client: FlaskClient, verdict: str, *rows: dict, **more: object) -> int:
    release = client.get("/v1/ready").get_json()["release"]
    asked = {"release": release, "decision": verdict, "by": "Ada", "reason": "", "moves": list(rows)} | more
    return client.post("/desk/decisions", json=asked).status_code


def test_an_accepted_price_is_signed_in_the_lake_and_on_the_list(client: FlaskClient) -> None:
    first, second, *_ = moves(client)
    assert decide(client, "accept", first, second) == 201
    assert decide(client, "reject", second, reason="a price point") == 201
    found = client.get("/desk/decisions").get_json()
    assert {it["stock_code"]: it["decision"] for it in found["decisions"]} == {
        first["stock_code"]: "accept", second["stock_code"]: "reject",
    }  # fmt: skip
    assert all(it["signed"] and it["stands"] for it in found["decisions"]) and found["trouble"] == {}
    assert len(client.lake.list("decisions")) == 2  # type: ignore[attr-defined]
    text = client.get("/desk/accepted.csv").get_data().decode("utf-8-sig")
    assert f"£{first['optimal_price']:.2f}" in text and second["stock_code"] not in text
    book = client.get("/desk/accepted.xlsx")
    assert book.data[:2] == b"PK" and ".xlsx" in book.headers["content-disposition"]


def test_a_rejected_price_stays_out_of_the_next_plan_while_nothing_changed(client: FlaskClient) -> None:
    (first, *_) = moves(client)
    decide(client, "reject", first, reason="no")
    shop = client.shop  # type: ignore[attr-defined]
    shop.point(shop.write(descriptions={0: "ANOTHER RELEASE"}))
    shop.clock.seconds += 60
    (it,) = client.get("/desk/decisions").get_json()["decisions"]
    assert it["stands"] and it["release"] != client.get("/v1/ready").get_json()["release"]
    assert client.get("/desk/accepted.csv").get_data().count(b"\r\n") == 1


def test_a_decision_about_a_release_that_is_gone_is_refused(client: FlaskClient) -> None:
    (first, *_) = moves(client)
    assert decide(client, "accept", first, release="2011-W40-0a1b2c3d") == 422
    assert client.lake.list("decisions") == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "how",
    [
        {"data": "{}", "content_type": "text/plain"},
        {"data": "[1]", "content_type": "application/json"},
        {"data": "{", "content_type": "application/json"},
        {"data": b" " * (1 << 21), "content_type": "application/json"},
        {"json": {"decision": "accept", "moves": 3}},
        {"json": {"decision": ["accept"], "moves": []}},
        {"json": {}, "headers": {"origin": "https://elsewhere.example"}},
    ],
)
def test_what_is_no_decision_of_the_page_is_refused(client: FlaskClient, how: dict) -> None:
    answer = client.post("/desk/decisions", **how)
    assert answer.status_code == 422 and answer.get_json()["detail"]
    assert client.lake.list("decisions") == {}  # type: ignore[attr-defined]


def test_past_changes_and_promises_are_those_of_the_release(client: FlaskClient) -> None:
    found = client.get("/desk/proof").get_json()
    assert found["changes"] == [] and [it["release"] for it in found["promises"]] == [found["release"]]
    promised = client.get("/v1/plan?limit=1").get_json()["promise"]
    assert found["promises"][0]["uplift_low"] == promised["uplift_low"] is not None


def test_without_a_release_the_desk_says_so(tmp_path) -> None:
    shop = Shop(tmp_path / "empty")
    api = shop.app()
    gateway = add_desk(make_gateway(api), Desk(Lake(str(shop.folder)), PriceApi.through(api)), Settings())
    answer = gateway.test_client().get("/desk/decisions")
    assert answer.status_code == 503 and "no release" in answer.get_json()["detail"]
