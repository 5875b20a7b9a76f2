"""A person's decision about a candidate: asked for in the UI or by the command line, believed only when signed."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from prefect import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from blocks.approval_key import ApprovalKey, load_approval_key
from pricewright.core.errors import ApprovalError
from pricewright.release.approval import Approval
from tasks.candidate import Candidate
from tasks.releases import now
from tasks.review import review_page

ATTEMPTS = 10  # answers that are not taken before the run gives up


class DecisionForm(RunInput):
    """The form in the UI; `pricewright approve` and `reject` fill it in."""

    decision: Literal["approve", "reject"] = Field(description="Shall this release be served?")
    reviewer: str = Field(min_length=2, max_length=80, description="Who decides; the same as in the token.")
    override: str = Field(default="", max_length=500, description="Why, where a gate warned; the manifest keeps it.")
    note: str = Field(default="", max_length=500, description="Anything else that should be remembered.")
    token: str = Field(min_length=20, max_length=4000, description="The signature: `pricewright sign` prints it.")


def await_decision(candidate: Candidate, hours: float) -> Approval:
    """Suspend the run until somebody decides; no process is held meanwhile, the flow starts from the top afterwards.

    An answer that does not hold is asked for again. Raises ApprovalError when too many did not.
    """
    timeout = int(timedelta(hours=hours).total_seconds())
    return take_first_sound(candidate, lambda number, page: _suspend(number, page, timeout))


def take_first_sound(candidate: Candidate, answer: Callable[[int, str], DecisionForm]) -> Approval:
    """The first answer that holds; `answer(number, page)` gives the number-th, and returns at once if it was given."""
    trouble = ""
    for number in range(ATTEMPTS):
        form = answer(number, review_page(candidate, trouble))
        try:
            return check_answer(form, candidate)
        except ApprovalError as error:
            trouble = error.message
    raise ApprovalError(f"{ATTEMPTS} answers were not taken, the last because: {trouble}")


def check_answer(form: DecisionForm, candidate: Candidate, key: ApprovalKey | None = None) -> Approval:
    """The decision in a form, checked with this key, else with that of the run.

    Raises ApprovalError when it is not signed so, or approves a warning without a reason.
    """
    approval = (key or load_approval_key(os.environ)).verify(form.token, candidate.release, now())
    said = (form.decision, form.reviewer, form.override)
    signed = (approval.decision, approval.reviewer, approval.override)
    if said != signed:
        raise ApprovalError(f"the form says {said}, the token was signed for {signed}.", hint="sign what you fill in.")
    check_reason(approval, candidate)
    return approval


def check_reason(approval: Approval, candidate: Candidate) -> None:
    """Raises ApprovalError when a release whose gates did not say ok is approved without a reason."""
    if approval.decision == "approve" and candidate.warned and not approval.override.strip():
        gates = ", ".join(candidate.warned)
        raise ApprovalError(
            f"gate {gates} of {candidate.release} did not say ok: approving needs a reason.",
            hint='give it as override, or --override "why".',
        )


def _suspend(number: int, page: str, timeout: int) -> DecisionForm:
    form = DecisionForm.with_initial_data(description=page)
    answer: DecisionForm = suspend_flow_run(wait_for_input=form, timeout=timeout, key=f"decision-{number}")
    return answer
