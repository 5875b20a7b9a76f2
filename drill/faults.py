"""What breaks while something is at work, is put right again, and how long recovery took; no platform is needed."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill.crew import Crew
from drill.deliveries import expect
from drill.machine import filled
from drill.scene import Scene
from testing.synthetic_release import fill

LASTS = 6.0  # seconds that an outage takes
KILLED = -9
LIBFAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
JUMPS = ("-3d", "+3d", "+59m")


@dataclass
class Stage:
    """What a fault may break, and when it was put right; without a platform, for the short drill of the tests."""

    scene: Scene
    platform: Any = None
    weekly: Any = None
    disk: str = ""  # the small disk that the workspace is on; empty: none could be made
    lasts: float = LASTS
    healed: float = 0.0

    def mark(self) -> None:
        """From now on, nothing is broken any more but what was."""
        self.healed = time.monotonic()


Fault = Callable[[Stage], None]


def wait_a_little(at: Stage, most: float = 2.0) -> None:
    """A seeded moment, so that no two faults meet the work at the same moment."""
    time.sleep(at.scene.random.uniform(0.05, most))


def work_killed(at: Stage) -> None:
    """kill -9 of a weekly run, a backfill or a promotion, twice, at moments of their own; then it is finished."""
    work = at.scene.some_work()
    for _ in range(2):
        job = at.scene.start(**work)
        wait_a_little(at, 4.0)
        job.kill()
        at.mark()
        expect(job.wait() in (KILLED, 0), f"it ended as {job.outcome()}")
    at.scene.finish(**work)


def promotion_killed(at: Stage) -> None:
    """kill -9 of promotions at moments of their own; the pointer is at the old release or at the new one."""
    for _ in range(4):
        before, release = at.scene.pointer(), at.scene.random.choice(at.scene.releases)
        job = at.scene.start("promote", store=at.scene.served, release=release)
        wait_a_little(at, 0.7)
        job.kill()
        at.mark()
        job.wait()
        expect(at.scene.pointer() in (before, release), f"production serves {at.scene.pointer()}")
    at.scene.finish(do="promote", store=at.scene.served, release=release)


@contextmanager
def lake(at: Stage, mode: str) -> Iterator[None]:
    """The lake is slow, flaky or down for as long as the context lasts."""
    at.scene.lake.become(mode)
    try:
        yield
    finally:
        at.scene.lake.become("well")
        at.mark()


def lake_slow(at: Stage) -> None:
    """Every call takes 0.4 s more."""
    with lake(at, "slow"):
        job = at.scene.start(**(work := at.scene.some_work()))
        time.sleep(at.lasts)
    if job.wait():
        at.scene.finish(**work)


def lake_flaky(at: Stage) -> None:
    """One call in five fails, a third of these after it was done."""
    with lake(at, "flaky"):
        work = at.scene.some_work()
        job = at.scene.start(**work)
        at.scene.start("promote", store=at.scene.served, release=at.scene.random.choice(at.scene.releases)).wait()
        job.wait()
    at.scene.finish(**work)


def lake_down(at: Stage) -> None:
    """No call is answered."""
    work = at.scene.some_work()
    job = at.scene.start(**work)
    wait_a_little(at)
    with lake(at, "down"):
        time.sleep(at.lasts)
    if job.wait():
        at.scene.finish(**work)


def disk_full(at: Stage) -> None:
    """No byte left where the workspace is; then in a lake that is a folder."""
    work = at.scene.some_work()
    work = {} if "do" in work else work
    with _full(at) as limit:
        job = at.scene.start(**work, **limit)
        job.wait()
        expect((job.code != 0 and "error" in job.outcome()) or not limit, f"on a full disk it ended as {job.outcome()}")
    at.scene.finish(**work)
    folder = at.scene.shop.root / "full"
    elsewhere, store = at.scene.folder / "elsewhere", str(folder / "lake")
    for needed in (folder, elsewhere):
        needed.mkdir(exist_ok=True)
    workspace = fill(elsewhere, store)
    publish = {"do": "publish", "store": store, "root": str(workspace.root)}
    with _full(at, 2048) as limit:
        job = at.scene.start(**publish, **limit)
        job.wait()
        expect(
            job.code == 1 and job.outcome().get("error") == "LakeError", f"on a full disk it ended as {job.outcome()}"
        )
    at.scene.finish(**publish)
    shutil.rmtree(folder)


@contextmanager
def _full(at: Stage, largest: int = 65_536) -> Iterator[dict[str, Any]]:
    """The disk has no byte left; without a small disk, the job may write no file larger than this."""
    if not at.disk:
        yield {"largest": largest}
    else:
        with filled(at.scene.shop.root):
            yield {}
    at.mark()


def two_schedulers(at: Stage) -> None:
    """Two runs of one workspace begin at once: one works, the other says so. And two promotions: one wins."""
    work = at.scene.some_work()
    jobs = [at.scene.start(**({} if "do" in work else work)) for _ in range(2)]
    outcomes = sorted((job.wait(), str(job.outcome().get("message", ""))) for job in jobs)
    expect(outcomes[0][0] == 0, f"neither of two runs came to its end: {outcomes}")
    expect(outcomes[1][0] == 0 or "another run works" in outcomes[1][1], f"the second run ended as {outcomes[1]}")
    rivals = at.scene.random.sample(at.scene.releases, 2)
    jobs = [at.scene.start("promote", store=at.scene.served, release=release) for release in rivals]
    ends = [(job.wait(), str(job.outcome().get("error", ""))) for job in jobs]
    expect(any(code == 0 for code, _ in ends), f"neither of two promotions won: {ends}")
    expect({error for code, error in ends if code} <= {"ChannelConflict"}, f"they ended as {ends}")
    expect(at.scene.pointer() in rivals, "a third release is served")


def clock_jumps(at: Stage) -> None:
    """Promotions by machines whose clocks are days off, in turns with one whose clock is right."""
    for jump in JUMPS:
        clock = {"LD_PRELOAD": str(LIBFAKETIME), "FAKETIME": jump, "DONT_FAKE_MONOTONIC": "1"}
        with Crew(at.scene.folder / f"clock{jump}", at.scene.lake.environment, clock, stages=False) as crew:
            job = crew.do("promote", store=at.scene.served, release=at.scene.random.choice(at.scene.releases))
            good = job.code == 0 or job.outcome().get("error") == "ChannelConflict"
            expect(good, f"with a clock {jump} off, a promotion ended as {job.outcome()}")
        at.mark()
        at.scene.finish(do="promote", store=at.scene.served, release=at.scene.random.choice(at.scene.releases))


WITHOUT_PLATFORM: dict[str, Fault] = {
    "kill -9 of a weekly run or a backfill": work_killed,
    "kill -9 of a promotion": promotion_killed,
    "lake slow": lake_slow,
    "lake fails 20 % of calls": lake_flaky,
    "lake fails completely": lake_down,
    "disk full": disk_full,
    "two schedulers": two_schedulers,
    "clock jumps": clock_jumps,
}
