"""What reaches the source: the week twice, late, corrected, out of order, with another schema, with prices in pence.

Each changes the source, says what the next run is to make of it, and puts right again what nobody could use.
"""

import json
from collections.abc import Callable
from typing import Any

import polars as pl

from drill.scene import Scene
from testing.weekly_shop import corrected, late

Fault = Callable[[Scene], None]
OUT_OF_ORDER = "weeks out of order"


def expect(good: bool, what: str) -> None:
    """Raises AssertionError, which the report shows."""
    if not good:
        raise AssertionError(what)


def twice(scene: Scene) -> None:
    """The same week under a name that is new: every line of it is a duplicate."""
    week = scene.weeks[-1]
    before = scene.counts()
    scene.add(f"{week}-again-{scene.jobs}.parquet", scene.of(week))
    scene.run()
    now = scene.counts()
    expect(now["accepted"] == before["accepted"], f"{now['accepted']} accepted, {before['accepted']} before")
    expect(now["duplicates"] > before["duplicates"], "no duplicates")


def late_lines(scene: Scene) -> None:
    """More lines of a week that is long over."""
    week = scene.random.choice(scene.weeks[2:-2])
    before = scene.counts()
    scene.add(f"{week}-late.parquet", late(scene.of(week)))
    scene.run(week)
    expect(scene.counts()["rows"] > before["rows"], "the late lines were not read")


def corrected_lines(scene: Scene) -> None:
    """The file of a week once more, with other quantities."""
    week = scene.random.choice(scene.weeks[2:-2])
    scene.add(f"{week}.parquet", corrected(scene.of(week)))
    scene.run(week)


def out_of_order(scene: Scene) -> None:
    """A week before the one that comes before it."""
    first, second = scene.coming()
    scene.add(f"{second}.parquet", scene.of(second))
    scene.run()
    scene.add(f"{first}.parquet", scene.of(first))
    scene.run()


def other_schema(scene: Scene) -> None:
    """A column that lost its name is refused, and nothing is written; one more column, in another order, is taken."""
    week = scene.weeks[-1]
    lines, before = scene.of(week), scene.held()
    scene.add(f"{week}.parquet", lines.rename({"UnitPrice": "Amount"}))
    outcome = scene.run(expected=2)
    expect(outcome.get("error") == "SourceError", f"it ended as {outcome}")
    expect(scene.held() == before, "the lake changed although the source cannot be used")
    columns = [*reversed(lines.columns)]
    scene.add(f"{week}.parquet", lines.select(columns).with_columns(Till=pl.lit("7")))
    scene.run()


def pence(scene: Scene) -> None:
    """The newest week costs a hundred times as much: the drift gate blocks what would be learned from it."""
    week = scene.weeks[-1]
    lines = scene.of(week)
    scene.run(stages=("ingest", "feature", "drift"))
    expect("price_level" not in _blocking(scene), "the gate blocks prices before anything is wrong with them")
    scene.add(f"{week}.parquet", lines.with_columns(pl.col("UnitPrice") * 100))
    outcome = scene.run(stages=("ingest", "feature", "drift"), expected=None)
    expect(
        bool(outcome.get("error")) or "price_level" in _blocking(scene),
        f"prices in pence pass: {outcome}, {_blocking(scene)}",
    )
    scene.add(f"{week}.parquet", lines)
    scene.run(stages=("ingest", "feature", "drift"))
    expect("price_level" not in _blocking(scene), "the gate still blocks prices that were put right")


def _blocking(scene: Scene) -> str:
    verdict: dict[str, Any] = json.loads((scene.shop.root / "work" / "drift" / "verdict.json").read_text())
    return " ".join(check["name"] for check in verdict["checks"] if check.get("status") == "block")


DELIVERIES: dict[str, Fault] = {
    "the same week delivered twice": twice,
    "lines of a week that come late": late_lines,
    "a week that is corrected": corrected_lines,
    OUT_OF_ORDER: out_of_order,
    "a changed schema": other_schema,
    "prices in pence": pence,
}
