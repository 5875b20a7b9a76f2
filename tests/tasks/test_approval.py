"""What a form says counts only as it was signed."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.approval_key import ApprovalKey
from pricewright.core.errors import ApprovalError
from pricewright.release.approval import Approval, Subject
from tasks.approval import DecisionForm, check_answer
from tasks.candidate import Candidate
from tasks.releases import now

KEY = ApprovalKey(secret=SecretStr("a secret that is long enough for it"))
ABOUT = Subject("2011-W48-0a1b2c3d", "production", "ab" * 32)
SIGNED = {"decision": "approve", "reviewer": "ada", "override": "Advent", "note": "looks right"}


def candidate(warned: tuple[str, ...] = (), subject: Subject = ABOUT) -> Candidate:
    return Candidate(ABOUT.release, ABOUT.channel, "", [], [], [], {}, warned, subject)


def form(**other: Any) -> DecisionForm:
    """A form as it was signed, but for what the test says."""
    token = KEY.sign(Approval(ABOUT, expires=now() + timedelta(hours=1), **SIGNED))
    return DecisionForm(**SIGNED | {"token": token} | other)


def test_a_form_that_says_what_was_signed_is_taken() -> None:
    approval = check_answer(form(), candidate(("drift",)), KEY)
    assert (approval.decision, approval.reviewer, approval.override) == ("approve", "ada", "Advent")


@pytest.mark.parametrize(
    "other", [{"decision": "reject"}, {"reviewer": "eve"}, {"override": "another"}, {"override": ""}, {"note": "bold"}]
)
def test_a_form_that_differs_from_its_signed_token_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(ApprovalError, match="the form says"):
        check_answer(form(**other), candidate(), KEY)


def test_a_token_about_another_manifest_of_the_same_release_is_refused() -> None:
    with pytest.raises(ApprovalError, match="is about manifest"):
        check_answer(form(), candidate(subject=ABOUT._replace(manifest="cd" * 32)), KEY)


def test_a_warning_is_approved_with_a_reason_and_rejected_without() -> None:
    def signed(decision: Any) -> DecisionForm:
        answer = {"decision": decision, "reviewer": "ada"}
        token = KEY.sign(Approval(ABOUT, expires=now() + timedelta(hours=1), override=" ", **answer))
        return DecisionForm(**answer, override=" ", token=token)

    with pytest.raises(ApprovalError, match="gate drift"):
        check_answer(signed("approve"), candidate(("drift",)), KEY)
    assert check_answer(signed("reject"), candidate(("drift",)), KEY).decision == "reject"
