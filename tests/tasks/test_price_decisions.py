"""Decisions about single prices: kept for good, signed, and in force until what they are about changes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.approval_key import ApprovalKey
from blocks.lake import Lake
from pricewright.core.errors import ApprovalError, ParameterError
from tasks.price_decisions import Decisions, decide, keep

RELEASE, NOW = "2011-W48-0a1b2c3d", datetime(2011, 12, 6, 9, tzinfo=UTC)
KEY = ApprovalKey(secret=SecretStr("k" * 40))


def row(code: str, now: float = 4.0, proposed: float = 3.5, asked: int = 2, store: str | None = None) -> dict[str, Any]:
    return {"stock_code": code, "store": store, "current_price": now, "optimal_price": proposed, "asked_weeks": asked}


PLAN = [row("A"), row("B"), row("C", proposed=4.0), row("A", store="North")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def one(lake: Lake, verdict: str, *codes: str, later: int = 0, key: ApprovalKey | None = KEY, **more: Any) -> None:
    asked = [{"stock_code": code, **more} for code in codes]
    keep(lake, decide(PLAN, RELEASE, verdict, "Ada", "too bold", asked, NOW + timedelta(seconds=later)), key)


def standing(lake: Lake, plan: list[dict[str, Any]] = PLAN) -> dict[str, tuple[str, float | None, bool]]:
    found = Decisions(lake, KEY).standing(plan)
    return {str(it.move.item): (it.decision.decision, it.move.price, it.stands) for it in found}


def test_the_latest_decision_about_an_item_counts_and_none_is_lost(lake: Lake) -> None:
    one(lake, "accept", "A", "B")
    one(lake, "set", "B", later=1, price=3.79)
    one(lake, "reject", "A", later=2)
    assert standing(lake) == {"A": ("reject", None, True), "B": ("set", 3.79, True)}
    one(lake, "withdraw", "A", later=3)
    assert standing(lake) == {"B": ("set", 3.79, True)}
    assert len(lake.list(f"decisions/{RELEASE}")) == 4


def test_a_price_of_a_store_is_decided_apart_from_that_of_another(lake: Lake) -> None:
    one(lake, "accept", "A", store="North")
    assert standing(lake) == {"A@North": ("accept", 3.5, True)}


@pytest.mark.parametrize(
    ("verdict", "later", "stands"),
    [
        ("reject", row("A"), True),
        ("reject", row("A", now=4.2), True),
        ("reject", row("A", proposed=3.4), False),
        ("reject", row("A", asked=3), False),
        ("accept", row("A", asked=3), True),
        ("accept", row("A", now=3.5), False),
        ("accept", row("A", proposed=3.6), False),
        ("accept", row("A", proposed=3.502), True),
    ],
)
def test_a_decision_stands_until_what_it_was_about_changes(
    lake: Lake, verdict: str, later: dict[str, Any], stands: bool
) -> None:
    one(lake, verdict, "A")
    assert standing(lake, [later])["A"][2] is stands


@pytest.mark.parametrize(
    ("verdict", "by", "reason", "asked", "rule"),
    [
        ("maybe", "Ada", "", [{"stock_code": "A"}], "one of accept, reject, set, withdraw"),
        ("accept", "  ", "", [{"stock_code": "A"}], "who decides is needed"),
        ("reject", "Ada", " ", [{"stock_code": "A"}], "a rejection needs a reason"),
        ("reject", "Ada", "x" * 501, [{"stock_code": "A"}], "at most 500 are kept"),
        ("accept", "Ada", "", [], "1 to 5000 are possible"),
        ("accept", "Ada", "", [{"stock_code": "D"}], "D is not in the plan"),
        ("accept", "Ada", "", [{"stock_code": "C"}], "nothing to accept"),
        ("accept", "Ada", "", [{"stock_code": "A"}, {"stock_code": "A"}], "twice"),
        ("set", "Ada", "", [{"stock_code": "A"}], "price of A is None"),
        ("set", "Ada", "", [{"stock_code": "A", "price": float("nan")}], "above 0"),
        ("set", "Ada", "", [{"stock_code": "A", "price": True}], "above 0"),
    ],
)
def test_what_is_no_decision_says_which_rule_it_breaks(
    verdict: str, by: str, reason: str, asked: list[dict[str, Any]], rule: str
) -> None:
    with pytest.raises(ParameterError, match=rule):
        decide(PLAN, RELEASE, verdict, by, reason, asked, NOW)


@pytest.mark.parametrize(("name", "value"), [("by", "Eve"), ("at", "2012-01-01T00:00:00.000000Z"), ("price", 0.01)])
def test_a_decision_that_was_altered_counts_for_nothing_and_is_named(lake: Lake, name: str, value: Any) -> None:
    one(lake, "accept", "A")
    one(lake, "accept", "B", later=1)
    key = min(lake.list("decisions"))
    path = Path(lake.url) / key
    content = json.loads(path.read_text())
    (content["moves"][0] if name == "price" else content)[name] = value
    path.write_text(json.dumps(content))
    decisions = Decisions(lake, KEY)
    assert [it.move.stock_code for it in decisions.standing(PLAN)] == ["B"]
    assert list(decisions.trouble) == [key]


def test_an_object_that_is_no_decision_hides_no_other(lake: Lake) -> None:
    one(lake, "accept", "A")
    lake.write_new(f"decisions/{RELEASE}/00-broken.json", b"{")
    decisions = Decisions(lake, KEY)
    assert len(decisions.standing(PLAN)) == 1
    assert "is not a decision" in decisions.trouble[f"decisions/{RELEASE}/00-broken.json"]


def test_the_signature_of_a_price_lets_no_release_in(lake: Lake) -> None:
    one(lake, "accept", "A")
    (decision,) = Decisions(lake, KEY).all()
    with pytest.raises(ApprovalError, match="no approval"):
        KEY.read(decision.token)


def test_without_a_key_a_decision_is_kept_unsigned(lake: Lake) -> None:
    one(lake, "accept", "A", key=None)
    (found,) = Decisions(lake).standing(PLAN)
    assert found.as_dict()["signed"] is False and found.stands
