"""Whatever comes between the calls of promotions, roll-backs and retention, the pointer is a register that is compared
and swapped, and what it names is whole. Steps are drawn from one seed: a failure comes again, its steps printed."""

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from blocks.channel import Channel, Pointer, Seen
from blocks.lake import Blob, Lake
from blocks.lease import REMOVAL, ReleaseInUse
from pricewright.core.errors import ChannelConflict, LakeError, ReleaseError
from pricewright.core.manifest import MANIFEST, release_key
from tasks.releases import look_over
from tests.tasks.simulation import Actor, Begun, Clock, Killed, Op, Stepped, is_linearizable, keep, promote, write_small

RELEASES, ACTORS = 6, 3


def folder() -> str:
    return tempfile.mkdtemp(prefix="lake-")


class Promotions(RuleBasedStateMachine):
    """Six releases, of which production serves the oldest, and served the next."""

    store: Callable[[], str] = staticmethod(folder)
    lake_of: type[Stepped] = Stepped
    channel_of: type[Channel] = Channel

    def __init__(self) -> None:
        super().__init__()
        self.url = self.store()
        self.lake, self.clock = Lake(self.url, sync=lambda _: None), Clock()
        self.history: list[Op] = []
        self.movers: list[Begun] = []
        self.keepers: list[Actor] = []
        self.tick = 0

    @initialize()
    def open(self) -> None:
        self.releases = [write_small(self.lake, number) for number in range(RELEASES)]
        for number in (1, 0):
            self.begin(self.releases[number])
            self.movers[-1].actor.run()
            self.settle()

    def begin(self, release: str) -> None:
        lake = self.lake_of(self.url, sync=lambda _: None)
        seen, by = Channel(self.lake).see(), f"{len(self.history)}-{self.tick}"
        channel = self.channel_of(lake)
        actor = Actor(lake, lambda lake: promote(lake, channel, seen, release, by, self.clock), self.clock())
        self.movers.append(Begun(actor, self.tick, by, release, named(seen)))

    @precondition(lambda self: len(self.movers) < ACTORS)
    @rule(number=st.integers(0, RELEASES - 1))
    def begin_a_promotion(self, number: int) -> None:
        """Of a release that is made once more, where retention has removed it and nobody is about to touch it."""
        if not self.lake.list(f"releases/{self.releases[number]}") and not self.keepers:
            write_small(self.lake, number)
        self.begin(self.releases[number])

    @precondition(lambda self: len(self.movers) < ACTORS)
    @rule()
    def begin_a_roll_back(self) -> None:
        seen = Channel(self.lake).see()
        if seen.pointer and seen.pointer.previous:
            self.begin(seen.pointer.previous)

    @precondition(lambda self: len(self.keepers) < 2)
    @rule()
    def begin_retention(self) -> None:
        lake = self.lake_of(self.url, sync=lambda _: None)
        self.keepers.append(Actor(lake, lambda lake: keep(lake, self.clock), self.clock()))

    @rule(minutes=st.sampled_from([1, 61, 61]))
    def a_run_retains(self, minutes: int) -> None:
        """To its end, while all others stand still."""
        self.clock.pass_by(minutes)
        self.begin_retention()
        actor = self.keepers[-1]
        while not actor.done:
            actor.step()
            self.look()

    @precondition(lambda self: self.movers or self.keepers)
    @rule(whom=st.integers(0, ACTORS + 1), calls=st.integers(1, 8))
    def step(self, whom: int, calls: int) -> None:
        actor = self.one(whom)
        for _ in range(calls):
            actor.step()
            self.look()

    @precondition(lambda self: self.movers or self.keepers)
    @rule(whom=st.integers(0, ACTORS + 1), writes=st.integers(1, 2))
    def step_to_a_write(self, whom: int, writes: int) -> None:
        """It stands before its next write, or the one after that."""
        actor = self.one(whom)
        for _ in range(writes):
            actor.step()
            while not (actor.done or actor.writes):
                actor.step()
            self.look()

    @precondition(lambda self: self.movers or self.keepers)
    @rule(whom=st.integers(0, ACTORS + 1))
    def run(self, whom: int) -> None:
        actor = self.one(whom)
        while not actor.done:
            actor.step()
            self.look()

    @precondition(lambda self: len(self.movers) < ACTORS)
    @rule(number=st.integers(0, RELEASES - 1), writes=st.integers(1, 3))
    def begin_a_promotion_that_stands_before_a_write(self, number: int, writes: int) -> None:
        self.begin_a_promotion(number)
        self.step_to_a_write(len(self.movers) - 1, writes)

    @precondition(lambda self: self.movers or self.keepers)
    @rule(whom=st.integers(0, ACTORS + 1))
    def lose_a_reply(self, whom: int) -> None:
        self.one(whom).step("lose")

    @precondition(lambda self: self.movers or self.keepers)
    @rule(whom=st.integers(0, ACTORS + 1))
    def kill(self, whom: int) -> None:
        """Not whoever slept beyond its lease: to die just then, before it looks again, is left to an audit."""
        if self.clock() - self.one(whom).started < REMOVAL / 2:
            self.one(whom).step("kill")

    @rule(minutes=st.sampled_from([1, 20, 61, 130]))
    def time_passes(self, minutes: int) -> None:
        self.clock.pass_by(minutes)

    def one(self, whom: int) -> Actor:
        actors = [begun.actor for begun in self.movers] + self.keepers
        return actors[whom % len(actors)]

    @invariant()
    def look(self) -> None:
        """What a price API sees, after every call."""
        self.tick += 1
        seen = Channel(self.lake).see()
        if not self.history or self.history[-1].kind != "read" or self.history[-1].value != seen.release:
            self.history.append(Op("read", self.tick, self.tick, value=seen.release))
        self.settle()

    def settle(self) -> None:
        """Write down how those ended who are done."""
        for begun in [begun for begun in self.movers if begun.actor.done]:
            self.movers.remove(begun)
            self.history += ops(begun, self.tick)
        for actor in [actor for actor in self.keepers if actor.done]:
            self.keepers.remove(actor)
            assert isinstance(actor.outcome, list | LakeError | ChannelConflict | Killed), actor.outcome

    def teardown(self) -> None:
        try:
            if hasattr(self, "releases"):
                self.check()
        finally:
            for actor in [begun.actor for begun in self.movers] + self.keepers:
                while not actor.done:
                    actor.step("kill")
            if "://" not in self.url:
                shutil.rmtree(self.url, ignore_errors=True)

    def check(self) -> None:
        for actor in [begun.actor for begun in self.movers] + self.keepers:
            while not actor.done:
                actor.step()
                self.look()
        self.settle()
        assert is_linearizable(self.history), self.history
        pointer = Channel(self.lake).read()
        for release in filter(None, (pointer.release, pointer.previous) if pointer else ()):
            look_over(self.lake, release)
        for release in self.releases:
            if self.lake.find(release_key(release, MANIFEST)):
                look_over(self.lake, release)
        self.clock.pass_by(61)  # whatever was left behind runs out
        newest = self.releases[-1]
        if self.lake.find(release_key(newest, MANIFEST)):
            assert promote(self.lake, Channel(self.lake), Channel(self.lake).see(), newest, "last", self.clock)


def named(seen: Seen) -> tuple[str, str] | None:
    return (seen.pointer.release, seen.pointer.promoted_by) if seen.pointer else None


def ops(begun: Begun, tick: int) -> list[Op]:
    """What a promotion did to the pointer, as far as its outcome tells."""
    found, start, by = begun.actor.outcome, begun.start, begun.by
    swap = Op("swap", start, tick, by, begun.release, begun.seen)
    if isinstance(found, Pointer):
        if found.promoted_by == by:
            return [swap]
        return [Op("read", start, tick, value=begun.release)]  # it was served already
    unsure = Op("swap", start, math.inf, by, begun.release, begun.seen, sure=False)
    if isinstance(found, Killed | LakeError):
        return [unsure]
    if isinstance(found, ReleaseError) and "was removed while" in str(found):
        return [Op("swap", start, tick, by, begun.release, begun.seen, sure=False),
                Op("undo", start, tick, by, sure=False)]  # fmt: skip
    assert isinstance(found, ChannelConflict | ReleaseInUse | ReleaseError), found
    return []


def trial(examples: int, steps: int = 25) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip


def test_a_pointer_on_a_folder_is_linearizable_and_names_what_is_whole() -> None:
    run_state_machine_as_test(Promotions, settings=trial(25))


def test_a_pointer_on_s3_is_linearizable_and_names_what_is_whole(s3_url: str) -> None:
    numbers = iter(range(1000))

    class OnS3(Promotions):
        store = staticmethod(lambda: f"{s3_url}/{next(numbers)}")

    run_state_machine_as_test(OnS3, settings=trial(2, 15))


class LooksOnce(Channel):
    """It does not look whether the release is still there once the pointer has moved."""

    def _take_back_unless_there(self, pointer: Pointer, before: Seen) -> None:
        pass


class IgnoresWhatItSaw(Channel):
    """It replaces whatever is served now."""

    def point(self, release: str, by: str, now, seen=None, manifest: str = "", approval: str = "") -> Pointer:
        return super().point(release, by, now, None, manifest, approval)


class SwapsBlindly(Stepped):
    """It writes a pointer without comparing."""

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        if key.startswith("channels/"):
            expected = Lake.find(self, key)
        super().swap(key, expected, body)


class LooksBeforeItRemoves(Stepped):
    """Once a manifest is gone, retention does not look for pointers again."""

    gone = False

    def remove(self, *keys: str) -> None:
        self.gone = self.gone or any(key.endswith(MANIFEST) for key in keys)
        super().remove(*keys)

    def list(self, prefix: str) -> dict[str, int]:
        return {} if self.gone and prefix == "channels" else super().list(prefix)


class RemovesFilesFirst(Stepped):
    """The manifest goes last, so that a killed removal leaves one that promises what is not there."""

    def remove(self, *keys: str) -> None:
        manifests = [key for key in keys if key.endswith(MANIFEST)]
        for key in manifests:
            super().remove(*(other for other in Lake.list(self, str(Path(key).parent)) if other != key))
        super().remove(*keys)


@pytest.mark.parametrize(("channel", "lake"), [(IgnoresWhatItSaw, Stepped), (Channel, SwapsBlindly)])
def test_a_planted_bug_is_found(channel: type[Channel], lake: type[Stepped]) -> None:
    planted = type("Planted", (Promotions,), {"channel_of": channel, "lake_of": lake})
    with pytest.raises(AssertionError, match="swap"):
        run_state_machine_as_test(planted, settings=trial(100))


def sleep_before_the_swap(machine: Promotions) -> None:
    """A promotion sleeps for an hour before it moves the pointer; retention removes its release meanwhile."""
    machine.begin(machine.releases[2])
    machine.step_to_a_write(0, 2)
    machine.a_run_retains(61)


def sleep_before_the_removal(machine: Promotions) -> None:
    """Retention sleeps until its mark runs out, before it removes a manifest; the release is promoted meanwhile."""
    machine.begin_retention()
    machine.step_to_a_write(0, 2)
    machine.clock.pass_by(11)
    machine.begin(machine.releases[4])
    machine.run(0)


def die_within_a_removal(machine: Promotions) -> None:
    """Retention dies after its first removal."""
    machine.begin_retention()
    machine.step_to_a_write(0, 3)
    machine.kill(0)


RARE = [(sleep_before_the_swap, LooksOnce, Stepped), (sleep_before_the_removal, Channel, LooksBeforeItRemoves),
        (die_within_a_removal, Channel, RemovesFilesFirst)]  # fmt: skip


@pytest.mark.parametrize(("course", "channel", "lake"), RARE)
def test_a_planted_bug_that_needs_a_rare_course_of_steps_is_found_by_it(
    course: Callable[[Promotions], None], channel: type[Channel], lake: type[Stepped]
) -> None:
    planted = type("Planted", (Promotions,), {"channel_of": channel, "lake_of": lake})
    for kind in (Promotions, planted):
        machine = kind()
        machine.open()
        course(machine)
        if kind is planted:
            with pytest.raises(ReleaseError):
                machine.teardown()
        else:
            machine.teardown()


READS = [Op("read", 1, 1, value=None), Op("read", 5, 5, value="a")]


@pytest.mark.parametrize(
    ("swaps", "explained"),
    [
        ([Op("swap", 2, 4, "x", "a")], True),
        ([Op("swap", 6, 7, "x", "a")], False),
        ([Op("swap", 2, 4, "x", "b")], False),
        ([Op("swap", 2, math.inf, "x", "a", sure=False)], True),
        ([Op("swap", 2, 4, "x", "a"), Op("swap", 2, 4, "y", "b")], False),
        ([Op("swap", 2, 4, "y", "b"), Op("swap", 3, 4, "x", "a", ("b", "y"))], True),
        ([Op("swap", 2, 3, "x", "a"), Op("swap", 6, 7, "y", "b", ("a", "x")), Op("read", 8, 8, value="a")], False),
        ([Op("swap", 2, 7, "x", "a", sure=False), Op("undo", 2, 7, "x", sure=False), Op("read", 8, 8)], True),
    ],
)
def test_a_history_is_linearizable_when_an_order_explains_it(swaps: list[Op], explained: bool) -> None:
    assert is_linearizable([*READS, *swaps]) is explained
