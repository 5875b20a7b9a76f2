"""What a reviewer reads: what the plan promises and its proof, the moves that matter, a sentence per gate, the rest
folded."""

import shlex
from collections.abc import Mapping
from typing import Any

from tasks.candidate import Candidate
from tasks.gates import GATES
from tasks.markdown import count, links, per_cent, shown, table
from tasks.pages import readable_moves

Table = list[dict[str, Any]]
RANK = ("block", "warn", "ok")


def review_page(candidate: Candidate, trouble: str = "") -> str:
    """Markdown; `trouble` says why the last answer was not taken."""
    against = f"`{candidate.served}`" if candidate.served else "nothing yet"
    parts = [
        f"# {candidate.release} for {candidate.channel}",
        f"**The last answer was not taken**: {shown(trouble)}" if trouble else "",
        f"**{promise(candidate.promise)}**" if candidate.promise else "",
        shown(candidate.proof),
        f"Served now: {against}.",
        "## To decide",
        to_decide(candidate),
        "## Moves that bring most",
        table(readable_moves(candidate.moves)),
        "## Gates",
        "\n".join(f"- {sentence}" for sentence in gate_sentences(candidate.gates)),
        "## Reports",
        links(candidate.links),
        folded("All checks", table(readable_checks(candidate.gates))),
        folded("Forecast errors, one week ahead on the last full weeks", table(candidate.metrics)),
    ]
    return "\n\n".join(part for part in parts if part)


def summary(candidate: Candidate) -> str:
    """One line for a notice: the promise, and what the gates did not say ok to."""
    warned = f" {', '.join(candidate.warned)} did not say ok." if candidate.warned else " All gates say ok."
    return f"{promise(candidate.promise)}{warned}" if candidate.promise else warned.strip()


def promise(plan: Mapping[str, Any]) -> str:
    """What the plan promises of a week's sales, with its 90 % interval; money is the shop's own."""
    change = f"{per_cent(plan['uplift'])} (90 %: {per_cent(plan['uplift_low'])} to {per_cent(plan['uplift_high'])})"
    if not plan["moved"]:
        return f"The plan leaves all {count(plan['skus'])} prices as they are."
    return (
        f"The plan moves {count(plan['moved'])} of {count(plan['skus'])} prices. It promises {change} weekly sales, "
        f"{count(plan['sales_now'])} to {count(plan['sales'])}; a gain has a probability of "
        f"{per_cent(plan['probability'], sign=False)}."
    )


def gate_sentences(checks: Table) -> list[str]:
    """A sentence per gate: what it says, of how many checks, and the checks that made it say so."""
    by_gate = {gate: [check for check in checks if check["gate"] == gate] for gate in GATES}
    return [_sentence(gate, some) for gate, some in by_gate.items()]


def _sentence(gate: str, checks: Table) -> str:
    if not checks:
        return f"**{gate}** has said nothing."
    worst = min((check["status"] for check in checks), key=RANK.index)
    if worst == "ok":
        return f"{gate}: ok, {len(checks)} checks."
    why = "; ".join(_measured(check) for check in checks if check["status"] == worst)
    return f"**{gate} {worst}s**, {len(checks)} checks: {why}."


def _measured(check: Mapping[str, Any]) -> str:
    words = f"{check['name']} is {value_of(check, 'value')} {check.get('unit', '')}".strip()
    detail = f" ({shown(check['detail'])})" if check["detail"] else ""
    return f"{shown(words)}{detail}, it {check['status']}s at {value_of(check, check['status'])}"


def value_of(check: Mapping[str, Any], name: str) -> str:
    """A number of a check as it is read: a share of something in per cent, anything else in few digits."""
    value = check[name]
    is_share = str(check.get("unit", "")).startswith("of ") and abs(value) <= 1
    return per_cent(value, sign=False) if is_share else shown(float(value))


def readable_checks(checks: Table) -> Table:
    """A row per check, its numbers with their unit."""
    numbers = ("value", "warn", "block")
    return [
        {"gate": check["gate"], "check": check["name"], "status": check["status"]}
        | {name: value_of(check, name) for name in numbers}
        | {"counts": check.get("unit", ""), "detail": check["detail"]}
        for check in checks
    ]


def to_decide(candidate: Candidate) -> str:
    """The commands, ready to be copied; the form asks for what the last one prints."""
    reason = " --override 'why it is served all the same'" if candidate.warned else ""
    gates = ", ".join(candidate.warned)
    needs = f" {gates} did not say ok: approving needs a reason, the same in the form." if candidate.warned else ""
    release, channel = shlex.quote(candidate.release), shlex.quote(candidate.channel)
    approve, reject = f"pricewright approve {release}{reason}", f"pricewright reject {release} --note 'why not'"
    sign = f"pricewright sign {release} --channel {channel} --reviewer 'your name'{reason}"
    return (
        f"In a terminal:\n\n```\n{approve}\n{reject}\n```\n\n"
        f"Or in this form: fill it in as this says it, and paste what it prints as the token.{needs}\n\n"
        f"```\n{sign}\n```"
    )


def folded(title: str, content: str) -> str:
    """Markdown that a browser shows after a click."""
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
