"""kill -9 at every step: the channel loads, serves the old release or the new one, and a second try completes."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from blocks.channel import Channel
from blocks.lake import Lake
from tasks import promote
from tasks.releases import now, promote_release, roll_back_release, verify_release
from tasks.retention import retain
from tasks.smoke import PriceApi
from tasks.stage import report_nothing
from tasks.workspace import Workspace
from testing.synthetic_release import FILES, fill
from tests.tasks.conftest import Drill

pytestmark = pytest.mark.platform

KILLED = -9
Make = Callable[[str, int], tuple[Workspace, list[str]]]


def serves(store: str) -> str:
    """The release that answers: the handler loads it through the channel, no model of it fails."""
    api = PriceApi(store)
    answer = api.price(str(api.skus(1)[0]["stock_code"]))
    assert answer["model"] == "network" and not answer["fallbacks"] and not answer["release_trouble"]
    return str(answer["release"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Releases in a lake, one after the other; in the workspace: one more to be promoted."""

    def make(store: str, releases: int) -> tuple[Workspace, list[str]]:
        root = tmp_path_factory.mktemp("shop")
        levels = [number / 4 for number in range(releases + 1)]
        made = [str(promote.work(fill(root, store, level), report_nothing)["release"]) for level in levels[:-1]]
        return fill(root, store, levels[-1]), made

    return make


def drills(store: str, drill: Drill, do: str, stride: int = 1, **how: Any) -> Iterator[tuple[str, int]]:
    """A fresh copy of the lake for each step, and the drill's exit code there; until it lives through all its steps."""
    objects = {key: Lake(store).read(key).body for key in Lake(store).list("")}
    for steps in count(0, stride):
        lake = f"{store}-{do.replace(' ', '-')}-{steps}"
        for key, body in objects.items():
            Lake(lake).write_new(key, body)
        code = drill(do, store=lake, steps=steps, **how)
        assert code in (0, KILLED)
        yield lake, code
        if code == 0:
            return


def test_a_promotion_killed_at_any_step_leaves_a_lake_that_answers_and_completes_when_repeated(
    lake_url: str, made: Make, drill: Drill
) -> None:
    at, (old,) = made(lake_url, 1)
    seen: list[str] = []
    for store, _ in drills(lake_url, drill, "promote", root=str(at.root)):
        seen.append(serves(store))
        new = promote.work(at, report_nothing, Lake(store))["release"]  # which reads it back and asks it for prices
        pointer = Channel(Lake(store)).read()
        assert (pointer.release, pointer.previous) == (new, old)
    assert len(seen) > 2 * len(FILES), "each file is written and read back"
    assert old in seen and seen == [old] * seen.count(old) + [new] * seen.count(new), "once moved, it stays"


def test_a_roll_back_killed_at_any_step_leaves_a_lake_that_answers_and_completes_when_repeated(
    lake_url: str, made: Make, drill: Drill
) -> None:
    _, (old, new) = made(lake_url, 2)
    seen: list[str] = []
    for store, _ in drills(lake_url, drill, "roll back"):
        seen.append(serves(store))
        if seen[-1] == new:
            roll_back_release(Lake(store), "production")
        assert serves(store) == old
    assert seen == [new] * seen.count(new) + [old] * seen.count(old) and seen.count(new) > 3


def test_retention_killed_at_any_step_leaves_what_is_served_and_completes_an_hour_later(
    lake_url: str, made: Make, drill: Drill, later: Callable[..., Any]
) -> None:
    _, (oldest, old, new) = made(lake_url, 3)
    stride = 3 if "://" in lake_url else 1  # the steps are the same; S3 over HTTP takes its time
    for store, _ in drills(lake_url, drill, "retain", stride):
        lake = Lake(store)
        assert serves(store) == new
        verify_release(lake, old)
        retain(lake, 1, "ann", later(hours=1))
        assert {key.split("/")[1] for key in lake.list("releases")} == {old, new}
        assert not lake.list(f"holds/{oldest}.json")


@pytest.fixture
def later() -> Callable[..., Any]:
    """A clock that is so much ahead."""
    from datetime import timedelta

    return lambda **by: lambda: now() + timedelta(**by)


def test_of_sixteen_processes_that_promote_at_once_one_wins_and_the_others_name_it(
    lake_url: str, tmp_path: Path, drill: Drill
) -> None:
    from testing.racing import sixteen

    first, rivals = sixteen(lake_url, tmp_path)
    promote_release(Lake(lake_url), first, "production", 1)
    outcomes = dict(drill("race", store=lake_url, releases=rivals))
    (winner,) = (release for release, outcome in outcomes.items() if outcome == "won")
    pointer = Channel(Lake(lake_url)).read()
    assert (pointer.release, pointer.previous) == (winner, first), "no lost update"
    lost = [outcome for outcome in outcomes.values() if outcome != "won"]
    assert len(lost) == 15 and all(f"to {winner} by {pointer.promoted_by}" in words for words in lost)
    assert serves(lake_url) == winner
