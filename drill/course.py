"""The course of a drill: each fault once in an order that the seed gives, then any of them until the time is up."""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from drill.deliveries import DELIVERIES, OUT_OF_ORDER
from drill.faults import LIBFAKETIME, WITHOUT_PLATFORM, Stage
from drill.platform_faults import WITH_PLATFORM
from drill.scene import WEEKS_TAKEN
from testing.asking import dice

Act = Callable[[Stage], None]
Tell = Callable[[str], None]


@dataclass
class Outcome:
    """What came of a fault so far."""

    name: str
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # from when nothing was broken any more until all was done
    answered: int = 0
    tried_again: int = 0
    why_not: str = ""


def all_faults(*, platform: bool) -> dict[str, Act]:
    """What can be drilled, by name."""
    deliveries: dict[str, Act] = {name: _delivery(deliver) for name, deliver in DELIVERIES.items()}
    return {**WITHOUT_PLATFORM, **(WITH_PLATFORM if platform else {}), **deliveries}


def _delivery(deliver: Callable[..., None]) -> Act:
    def act(at: Stage) -> None:
        at.mark()
        deliver(at.scene)

    return act


def order(names: list[str], seed: int) -> Iterator[str]:
    """Each once, shuffled; then any, for ever."""
    throw = dice(seed)
    yield from throw.sample(names, len(names))
    while True:
        yield throw.choice(names)


def drill(at: Stage, faults: Mapping[str, Act], seed: int, seconds: float, tell: Tell) -> dict[str, Outcome]:
    """Until the time is up and each fault was there once: what was begun before is finished."""
    outcomes = {name: Outcome(name) for name in faults}
    until = time.monotonic() + seconds
    at.scene.asking.take()
    possible = [name for name in faults if not _impossible(name, outcomes[name])]
    for name in order(possible, seed):
        if time.monotonic() > until and all(outcomes[each].tried for each in possible):
            break
        if name == OUT_OF_ORDER and at.scene.late_by < WEEKS_TAKEN:
            continue  # all weeks are there
        done = outcomes[name]
        known = len(done.lost)
        run_one(at, faults[name], done)
        tell(f"{name}: {done.seconds[-1]:.1f} s, {len(done.lost)} lost, {done.answered} requests answered")
        for words in done.lost[known:]:
            tell(f"  lost: {words[:300]}")
    return outcomes


def run_one(at: Stage, act: Act, outcome: Outcome) -> None:
    """Break one thing; what is lost is written down, and the drill goes on."""
    at.mark()
    outcome.tried += 1
    try:
        act(at)
    except Exception as error:  # noqa: BLE001  whatever it is, it is written down and makes the drill fail
        where = traceback.extract_tb(error.__traceback__)[-1]
        outcome.lost.append(f"{type(error).__name__} in {where.name}: {error}")
    finally:
        at.scene.lake.become("well")
    outcome.seconds.append(time.monotonic() - at.healed)
    tally = at.scene.asking.take()
    outcome.lost += tally.lost + at.scene.glance()
    outcome.answered += tally.asked - len(tally.lost)
    outcome.tried_again += tally.tried_again


def _impossible(name: str, outcome: Outcome) -> bool:
    if name == "clock jumps" and LIBFAKETIME is None:
        outcome.why_not = "libfaketime is not installed (apt-get install libfaketime)"
    return bool(outcome.why_not)
