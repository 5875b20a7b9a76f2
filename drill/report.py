"""docs/drill.md: what was broken how often, what was lost, how long recovery took."""

import os
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from drill.course import Outcome
from testing.asking import Tally
from testing.report import describe, markdown, write_between

SHOWN = 12  # things that were lost
PACKAGES = ("prefect", "dvc", "obstore", "redis", "moto")
COMMAND = "make drill"
CLOCKS = (
    "clock jumps: libfaketime, three days back, three days and 59 minutes ahead, in promotions (moto does not hold a \
request's time against its own, as S3 does)"
)


def table(outcomes: Mapping[str, Outcome]) -> str:
    """A row per fault; lost must be 0."""
    rows = [
        [one.name, str(one.tried), str(len(one.lost)) if one.tried else "-", _seconds(one), f"{one.answered:,}",
         f"{one.tried_again:,}"] for one in outcomes.values()
    ]  # fmt: skip
    header = ["fault", "times tried", "lost", "recovery s, median (most)", "requests meanwhile", "asked again"]
    return markdown(header, rows)


def write(
    path: Path, outcomes: Mapping[str, Outcome], requests: Tally, weekly: Sequence[int], audits: Mapping[str, str],
    seed: int, minutes: float, disk: str, load: float = 0.0,
) -> str:  # fmt: skip
    """Write the page's figures, which are also returned."""
    lost = [f"- {one.name}: {words[:600]}" for one in outcomes.values() for words in one.lost]
    answers = ", ".join(f"{name} {count:,}" for name, count in requests.answers.most_common())
    errors = ", ".join(f"{status}: {count:,}" for status, count in sorted(requests.errors.items()))
    untried = [f"- {one.name}: {one.why_not or 'the time was up'}" for one in outcomes.values() if not one.tried]
    parts = [
        f"Seed {seed}, {minutes:g} minutes of faults; disk full: {disk or 'no mount, files limited by RLIMIT_FSIZE'}; "
        f"{CLOCKS}. Load of the machine before the start: {load:.1f} on {os.cpu_count()} cores (idle: near 0).",
        table(outcomes),
        f"Price requests: {requests.asked:,}; answered by {answers}; declared errors {errors or 'none'}; wrong answers "
        f"{len(requests.wrong)}; without an answer {len(requests.unanswered)}; {requests.tried_again:,} had to be "
        f"asked again, the longest wait was {requests.longest:.1f} s.",
        f"Weekly runs on the platform: {len(weekly)}, of which {sum(code == 0 for code in weekly)} came to their end; "
        f"the others were killed or met a fault, and the next one did what was left.",
        "### The auditor afterwards\n\n"
        + "\n\n".join(f"{name}:\n\n```\n{words}\n```" for name, words in audits.items()),
    ]
    parts += ["### Lost\n\n" + "\n".join(lost[:SHOWN])] if lost else []
    parts += ["### Not tried\n\n" + "\n".join(untried)] if untried else []
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts.append(f"Measured on {date.today()}: {describe()}, {versions}.")
    write_between(path, COMMAND, parts)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _seconds(one: Outcome) -> str:
    return f"{median(one.seconds):.1f} ({max(one.seconds):.1f})" if one.seconds else "-"
