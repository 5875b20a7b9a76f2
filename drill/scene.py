"""What is drilled: a shop on a small disk, its lake, the crew that works there, and who asks for prices."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from blocks.channel import Channel
from blocks.lake import Lake
from drill.crew import Crew, Job
from drill.faulty_lake import FaultyLake
from pricewright.core.errors import LakeError
from pricewright.core.manifest import PRICE_LIST, release_key
from tasks.audit import check_channels
from tasks.audit_data import METRICS, present
from tasks.lock import outputs, read_lock, read_object
from testing.asking import Asking, by_sku
from testing.weekly_shop import WeeklyShop

TRIES = 6  # until a job that something broke has to have come to its end
UNDELIVERED, WEEKS_TAKEN = 6, 2  # weeks that come while the drill is on, and at once


class Lists:
    """The price list of every release, by SKU, read straight from the lake; a release never changes."""

    def __init__(self, lake: Lake, more: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._lake = lake
        self._known: dict[str, Mapping[str, Mapping[str, Any]]] = dict(more or {})

    def __call__(self, release: str) -> Mapping[str, Mapping[str, Any]] | None:
        """None where there is no such release."""
        if release not in self._known:
            blob = self._lake.find(release_key(release, PRICE_LIST))
            if blob is None:
                return None
            self._known[release] = by_sku(blob.body)
        return self._known[release]


@dataclass
class Scene:
    """`served`: the lake that the price API follows; `store`: the lake that the crew's runs publish to."""

    shop: WeeklyShop
    crew: Crew
    store: str
    lake: FaultyLake
    served: str
    releases: list[str]
    asking: Asking
    random: Random
    folder: Path
    late_by: int = UNDELIVERED
    jobs: int = 0

    def quiet_lake(self, store: str = "") -> Lake:
        """The lake, for looking: only while it is well."""
        return Lake(store or self.store, self.lake.environment)

    @property
    def weeks(self) -> list[str]:
        """Those that were delivered."""
        delivered: list[str] = self.shop.weeks[: len(self.shop.weeks) - self.late_by]
        return delivered

    def coming(self) -> tuple[str, str]:
        """The next two weeks, which count as delivered from now on."""
        first, second = self.shop.weeks[len(self.weeks) :][:WEEKS_TAKEN]
        self.late_by -= WEEKS_TAKEN
        return first, second

    def of(self, week: str) -> pl.DataFrame:
        """The lines of a week, as the market made them."""
        lines: pl.DataFrame = self.shop.of(week)
        return lines

    def add(self, name: str, lines: pl.DataFrame) -> None:
        """A file arrives, whole or not at all."""
        self.shop.source.mkdir(exist_ok=True)
        beside = self.shop.source / f".{name}"
        lines.write_parquet(beside)
        beside.replace(self.shop.source / name)

    def start(self, do: str = "", week: str = "", **how: Any) -> Job:
        """A weekly run or a backfill of the shop, or what `do` names."""
        self.jobs += 1
        if do:
            return self.crew.start(do, **how)
        at = {"root": str(self.shop.root), "source": str(self.shop.source), "store": self.store}
        if week:
            return self.crew.start("backfill", **at, first=week, last=week)
        return self.crew.start("weekly", **at, **how)

    def run(self, week: str = "", expected: int | None = 0, **how: Any) -> dict[str, Any]:
        """Wait for the end of one; raises AssertionError when it ends otherwise than expected (None: either way)."""
        job = self.start(week=week, **how)
        code = job.wait()
        if expected is not None and code != expected:
            raise AssertionError(
                f"a run ended with {code}: {job.outcome().get('message', '')} {job.outcome().get('trace')}"
            )
        return job.outcome()

    def finish(self, **what: Any) -> int:
        """Until a job comes to its end, as a scheduler would: how often it was tried. Raises AssertionError."""
        for number in range(1, TRIES + 1):
            job = self.start(**what)
            if job.wait() == 0:
                return number
        raise AssertionError(f"{what or 'a weekly run'} failed {TRIES} times: {job.outcome()}")

    def some_work(self) -> dict[str, Any]:
        """A weekly run of a new delivery, a backfill, or a promotion: what is going on when something breaks."""
        kind = self.random.choice(("weekly", "backfill", "promotion"))
        if kind == "promotion":
            return {"do": "promote", "store": self.served, "release": self.random.choice(self.releases)}
        week = self.random.choice(self.weeks)
        factor = self.random.randint(2, 9)
        lines = self.of(week).with_columns(Quantity=pl.col("Quantity") * factor)
        self.add(f"{week}.parquet", lines)
        return {"week": week} if kind == "backfill" else {}

    def counts(self) -> dict[str, Any]:
        """What the last ingest counted."""
        content = read_object(self.quiet_lake(), outputs(read_lock(self.quiet_lake()))[METRICS])
        return dict(json.loads(content))

    def held(self) -> dict[str, str]:
        """What the lake's folders hold."""
        lake = self.quiet_lake()
        return {key: md5 for name in ("raw", "quarantine", "panel") for key, md5 in present(lake, name).items()}

    def pointer(self) -> str:
        """The release that production serves."""
        pointer = Channel(self.quiet_lake(self.served)).read()
        return pointer.release if pointer else ""

    def glance(self) -> list[str]:
        """What is wrong with the pointers, at once after something broke."""
        try:
            return [f"{f.what}: {f.seen}" for f in check_channels(self.quiet_lake(self.served)).findings]
        except LakeError as error:
            return [error.message]
