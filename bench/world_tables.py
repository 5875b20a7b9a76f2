"""Tables of docs/worlds.md: what the kinds of worlds are, what can be had there, and what the product had."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from bench.plan_score import STATED, Outcome, PlanScore, Yardsticks
from pricewright.worlds import DEVELOPED_ON, Kind, World
from testing.report import markdown

Cells = Sequence[str]
T = TypeVar("T")


def kinds_table(kinds: Mapping[str, Kind]) -> str:
    """One row per kind: what it is about, and which priors it sets apart from the standard ones."""
    standard = Kind("")
    rows = []
    for name, kind in kinds.items():
        own = [field.name for field in fields(kind) if field.name not in ("about", "form")]
        apart = [
            f"{field} {_as_text(getattr(kind, field))}"
            for field in own
            if getattr(kind, field) != getattr(standard, field)
        ]
        use = "developed on" if name in DEVELOPED_ON else "held out"
        rows.append([name, use, kind.form, kind.about, "; ".join(apart) or "none"])
    return markdown(["kind", "use", "form", "about", "priors of its own"], rows)


def _as_text(value: Any) -> str:
    return "(" + ", ".join(map(str, value)) + ")" if isinstance(value, tuple) else str(value)


def yardstick_table(measured: Sequence[tuple[World, Yardsticks, float]]) -> str:
    """Means over the seeds of each kind: the oracle's gain, who attains which share of it, and true elasticities.

    The third of each: the uplift that is learnable.
    """

    def row(name: str, some: Sequence[tuple[World, Yardsticks, float]]) -> Cells:
        oracle = np.mean([y.oracle for _, y, _ in some])
        blind = ("prior", "lowest", "highest")
        uplifts = [[y.attainable for _, y, _ in some], [learnable for *_, learnable in some]]
        uplifts += [[getattr(y, rule) for _, y, _ in some] for rule in blind]
        shares = [f"{np.mean(uplift) / oracle:.2f}" for uplift in uplifts]
        own = np.quantile(np.concatenate([world.elasticity for world, *_ in some]), [0.05, 0.5, 0.95])
        raised = np.mean([y.raised for _, y, _ in some])
        return [name, f"{oracle:.1%}", f"{raised:.0%}", *shares, *(f"{e:.1f}" for e in own)]

    header = ["kind", "oracle gains", "raises", "attainable", "learnable", "prior alone"]
    header += ["lowest everywhere", "highest everywhere", "elasticity 5 %", "median", "95 %"]
    return markdown(header, _by_kind(measured, lambda one: one[0].kind, row))


def worth_table(scores: Sequence[PlanScore]) -> str:
    """What the plans earn: uplifts of a week's true expected sales, and the share of what is attainable."""

    def row(name: str, some: Sequence[PlanScore]) -> Cells:
        oracle, attainable = (np.mean([getattr(s.yardsticks, y) for s in some]) for y in ("oracle", "attainable"))
        realised, promised = (np.mean([getattr(s, y) for s in some]) for y in ("realised", "promised"))
        uplifts = [f"{u:.1%}" for u in (oracle, attainable, promised, realised)]
        captured = [s.captured for s in some if s.captured is not None]
        least = f"{min(captured):.2f}" if captured else "-"
        shares = [_mean(s.worse for s in some), _mean(s.moved for s in some), _mean(s.raised for s in some)]
        return [name, *uplifts, f"{realised / attainable:.2f}", least, *shares]

    header = ["kind", "oracle", "attainable", "promised", "realised", "captured", "least", "worse", "moved", "raised"]
    return markdown(header, _by_kind(scores, lambda score: score.kind, row))


def honesty_table(scores: Sequence[PlanScore]) -> str:
    """How far promises hold: realised over promised, and shares of the 90 % intervals that hold the truth."""

    def row(name: str, some: Sequence[PlanScore]) -> Cells:
        kept = [s.kept for s in some if s.kept is not None]
        ratios = [f"{np.mean(kept):.2f}", f"{min(kept):.2f}"] if kept else ["-", "-"]
        names = ("plan_held", "elasticity_covered", "sales_covered", "priced", "misread")
        return [name, *ratios, *(_mean(getattr(s, n) for s in some) for n in names)]

    header = ["kind", "realised / promised", "least", "plan held", "elasticity covered", "sales covered"]
    header += ["SKUs priced", "price misread"]
    return markdown(header, _by_kind(scores, lambda score: score.kind, row))


def reliability_table(scores: Sequence[PlanScore]) -> str:
    """Moves by the probability that is stated for them, over all worlds: how many of them truly gain."""
    rows = []
    for low, high in pairwise(STATED):
        some = [b for score in scores for b in score.reliability if b.low == low]
        moves = sum(b.moves for b in some)
        if moves:
            stated, gained = (sum(b.moves * getattr(b, n) for b in some) / moves for n in ("stated", "gained"))
            rows.append([f"{low:.1f} to {high:.1f}", f"{moves:,}", f"{stated:.2f}", f"{gained:.2f}"])
    return markdown(["stated probability", "moves", "mean stated", "truly gain"], rows)


def rivals_table(played: Sequence[tuple[World, Mapping[str, Outcome]]]) -> str:
    """Realised uplift of everybody's prices, means over the seeds of each kind."""
    return _of_everybody(played, "realised")


def promises_table(played: Sequence[tuple[World, Mapping[str, Outcome]]]) -> str:
    """What everybody promised, likewise."""
    return _of_everybody(played, "promised")


def _of_everybody(played: Sequence[tuple[World, Mapping[str, Outcome]]], what: str) -> str:
    names = list(played[0][1])

    def row(kind: str, some: Sequence[tuple[World, Mapping[str, Outcome]]]) -> Cells:
        return [kind, *(f"{np.mean([getattr(found[name], what) for _, found in some]):.1%}" for name in names)]

    return markdown([what, *names], _by_kind(played, lambda one: one[0].kind, row))


def _by_kind(found: Sequence[T], kind: Callable[[T], str], row: Callable[[str, Sequence[T]], Cells]) -> list[Cells]:
    """One row per kind in the order of their first appearance, and one of all."""
    kinds = list(dict.fromkeys(map(kind, found)))
    return [*(row(name, [one for one in found if kind(one) == name]) for name in kinds), row("all", found)]


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.0%}" if known else "-"
