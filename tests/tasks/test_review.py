"""A reviewer reads first what is promised and how much of such promises came true, then what moves, then the rest."""

import re
from typing import Any

from pricewright.release.approval import Subject
from tasks.candidate import Candidate
from tasks.gates import GATES
from tasks.markdown import per_cent, shown, table_cells
from tasks.pages import readable_moves
from tasks.review import gate_sentences, review_page, summary, value_of

RELEASE = "2011-W48-0a1b2c3d"
PLAN = {
    "sales_now": 12_345.6, "sales": 12_469.1, "uplift": 0.01, "uplift_low": -0.002, "uplift_high": 0.0231,
    "probability": 0.921, "moved": 14, "skus": 300, "trust": 0.73,
}  # fmt: skip
MOVE = {
    "stock_code": "22423", "description": "CAKESTAND", "current_price": 12.5, "optimal_price": 10.0, "gain": 41.257,
    "sales_uplift": 0.298765, "uplift_probability": 0.8123,
}  # fmt: skip


def check(gate: str, name: str, status: str, value: float, unit: str = "") -> dict[str, Any]:
    limits = {"warn": 0.2, "block": 0.4}
    return {"gate": gate, "name": name, "value": value, **limits, "status": status, "unit": unit, "detail": ""}


CHECKS = [
    check("drift", "missing_skus", "warn", 0.2345678, "of the SKUs that sold lately"),
    check("drift", "silent_weeks", "ok", 0.0, "weeks without any sale"),
    *(check(gate, "any", "ok", 0.1) for gate in GATES if gate != "drift"),
]


def candidate(**other: Any) -> Candidate:
    about = Subject(RELEASE, "production", "ab" * 32)
    made = {"metrics": [{"model": "network", "measure": "wape", "candidate": 0.40213, "served": None}], "gates": CHECKS}
    made |= {"moves": [MOVE], "links": {}, "warned": ("drift",), "promise": PLAN, "proof": "proof ok: 0.70 came true"}
    return Candidate(**{"release": RELEASE, "channel": "production", "served": "", "subject": about} | made | other)


def test_the_page_begins_with_promise_and_proof_then_moves_then_gates_and_folds_the_rest() -> None:
    page = review_page(candidate())
    order = ["moves 14 of 300 prices", "came true", "## To decide", "## Moves", "## Gates", "<details>", "wape"]
    assert [page.index(words) for words in order] == sorted(page.index(words) for words in order)
    assert page.index("+1.0 % (90 %: -0.2 % to +2.3 %) weekly sales, 12,346 to 12,469") < page.index("## ")


def test_moves_say_money_and_per_cent_as_such() -> None:
    (row,) = readable_moves([MOVE])
    assert (row["now"], row["proposed"], row["change"], row["gain a week"]) == ("12.50", "10.00", "-20.0 %", "+41.26")
    assert (row["its sales"], row["probability"]) == ("+29.9 %", "81.2 %")


def test_each_gate_is_a_sentence_and_one_that_warns_says_why() -> None:
    sentences = gate_sentences(CHECKS)
    assert len(sentences) == len(GATES)
    (warning,) = [words for words in sentences if "warns" in words]
    assert "missing_skus is 23.5 % of the SKUs that sold lately, it warns at 20.0 %" in warning
    assert "silent_weeks" not in warning
    assert gate_sentences([])[0].endswith("has said nothing.")


def test_a_share_is_in_per_cent_and_a_factor_is_not() -> None:
    assert value_of(check("drift", "x", "ok", 0.25, "of the SKUs"), "value") == "25.0 %"
    assert value_of(check("drift", "x", "ok", 0.25, "times the usual"), "value") == "0.25"


def test_the_commands_are_ready_to_be_copied_and_ask_for_a_reason_where_one_is_needed() -> None:
    for page, asks in ((review_page(candidate()), True), (review_page(candidate(warned=())), False)):
        commands = re.findall(r"^pricewright .*$", page, re.MULTILINE)
        assert [words.split()[1] for words in commands] == ["approve", "reject", "sign"]
        assert all(RELEASE in words for words in commands)
        assert [("--override" in words) for words in commands] == [asks, False, asks]


def test_the_notice_of_a_release_says_what_it_promises_and_which_gate_warned() -> None:
    assert "It promises +1.0 %" in summary(candidate()) and "drift did not say ok" in summary(candidate())
    assert summary(candidate(promise={}, warned=())) == "All gates say ok."
    stays = candidate(promise=PLAN | {"moved": 0})
    assert "leaves all 300 prices as they are" in summary(stays)


def test_numbers_are_as_long_as_they_mean_and_lists_are_words() -> None:
    assert [shown(value) for value in (0.123456, 479_076.25, 3, ["a", "b"], [], None)] == [
        "0.1235", "479,076", "3", "a, b", "-", "-",
    ]  # fmt: skip
    assert table_cells([{"a": 0.123456, "b": 12_345.6, "c": ["x", "y"], "d": None, "e": True}]) == [
        {"a": 0.1235, "b": 12_346, "c": "x, y", "d": None, "e": True}
    ]
    assert [per_cent(share) for share in (0.0, -0.00001, 0.125)] == ["0.0 %", "0.0 %", "+12.5 %"]
