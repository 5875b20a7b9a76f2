"""The auditor says nothing of a lake that is whole, and names every invariant that is broken, each broken once."""

import json
import shutil
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blocks.lake import Lake
from pricewright.audit import account_for
from pricewright.core.errors import LakeError, PricewrightError
from pricewright.release import write_bundle
from tasks.audit import audit
from tasks.lock import object_key
from tasks.releases import promote_release, write_release
from tasks.run import kept, open_run
from tasks.stage import perform
from tasks.stages import STAGES
from tasks.workspace import Workspace
from testing.synthetic_release import contents
from testing.weekly_shop import WeeklyShop, all_weeks, corrected

WEEK = all_weeks()[4]
GATES = {gate: {"status": "ok", "checks": []} for gate in ("drift", "proof", "fairness")}
RAW = f"raw/week={WEEK}/part.parquet"


def build(root: Path) -> None:
    with open_run(root, "exports", "lake") as run, kept(run):
        perform(STAGES["ingest"], run)
        perform(STAGES["feature"], run)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> WeeklyShop:
    """A lake with a history, and two releases of which one is served."""
    made = WeeklyShop(tmp_path_factory.mktemp("audited") / "shop")
    made.deliver()
    made.add("twice.parquet", made.of(WEEK))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        build(made.root)
    lake = Lake(str(made.root / "lake"))
    for level in (0.0, 0.5):
        manifest = write_bundle(made.root / "bundles", **contents(level=level, skus=5) | {"gates": GATES})
        write_release(lake, made.root / "bundles", manifest)
        promote_release(lake, manifest.id, "production", 1)
    return made


@pytest.fixture
def lake(built: WeeklyShop, tmp_path: Path) -> WeeklyShop:
    """Its lake alone, copied: what most of the checks look at."""
    other = copy(built)
    other.root = tmp_path / "shop"
    shutil.copytree(built.root / "lake", other.root / "lake")
    return other


@pytest.fixture
def shop(built: WeeklyShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeeklyShop:
    made = built.copy(tmp_path / "shop")
    monkeypatch.chdir(made.root)
    return made


def found(shop: WeeklyShop, *, workspace: bool = True, fresh: bool = False) -> dict[str, str]:
    """What was wrong, by check."""
    own = Workspace(shop.root) if workspace else None
    checks = list(audit(Lake(str(shop.root / "lake")), own, fresh=fresh))
    assert all(all(finding) for checked in checks for finding in checked.findings), "what, seen, rule and hint"
    return {c.name: " | ".join(f"{f.what}: {f.seen}" for f in c.findings) for c in checks if c.findings}


def change(path: Path, how: Callable[[bytes], bytes]) -> None:
    path.write_bytes(how(path.read_bytes()))


def pointer(shop: WeeklyShop) -> Path:
    return shop.root / "lake" / "channels" / "production.json"


def served(shop: WeeklyShop, name: str) -> Path:
    return shop.root / "lake" / "releases" / json.loads(pointer(shop).read_text())["release"] / name


def test_a_lake_that_is_whole_has_no_findings_and_a_fresh_build_gives_the_same_bytes(shop: WeeklyShop) -> None:
    before = shop.held()
    assert found(shop, fresh=True) == {}
    assert found(shop, workspace=False) == {}
    assert shop.held() == before, "an audit changes nothing"


def test_every_file_of_the_source_is_accounted_for(built: WeeklyShop) -> None:
    words = {checked.name: checked.words for checked in audit(Lake(str(built.root / "lake")), None)}
    rows = sum(built.of(week).height for week in all_weeks()) + built.of(WEEK).height
    assert f"{rows:,} of 25 files" in words["rows"]
    assert "2 releases, 20 files" in words["releases"]


def lose_a_row(shop: WeeklyShop) -> None:
    path = shop.root / "lake" / RAW
    pl.read_parquet(path).slice(1).write_parquet(path)


def double_a_row(shop: WeeklyShop) -> None:
    path = shop.root / "lake" / RAW
    rows = pl.read_parquet(path)
    pl.concat([rows, rows.head(1)]).write_parquet(path)


def invent_a_file(shop: WeeklyShop) -> None:
    path = shop.root / "lake" / RAW
    pl.read_parquet(path).with_columns(source=pl.lit("nobody.csv")).write_parquet(path)


def tear_a_partition(shop: WeeklyShop) -> None:
    change(shop.root / "lake" / RAW, lambda body: body[:50])


def add_a_week(shop: WeeklyShop) -> None:
    folder = shop.root / "lake" / "panel"
    shutil.copytree(folder / f"week={WEEK}", folder / "week=2031-W01")


def flip(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def alter_an_object(shop: WeeklyShop) -> None:
    largest = max((shop.root / "lake" / "dvc").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    largest.chmod(0o644)
    copied = largest.read_bytes()
    largest.unlink()  # it may be a hard link into the cache
    largest.write_bytes(flip(copied))


def lose_an_object(shop: WeeklyShop) -> None:
    lock = shop.root / "lake" / "lineage" / "2024-W24" / "dvc.lock"
    lines = lock.read_text().splitlines()
    md5 = lines[next(n for n, line in enumerate(lines) if "work/coming" in line) + 2].split()[-1]
    (shop.root / "lake" / object_key(md5)).unlink()


def point(shop: WeeklyShop, **changed: Any) -> None:
    pointer(shop).write_text(json.dumps(json.loads(pointer(shop).read_text()) | changed))


BREAKS: dict[str, tuple[str, str, Callable[[WeeklyShop], Any]]] = {
    "a row is lost": ("rows", "neither accepted nor quarantined", lose_a_row),
    "a row is there twice": ("rows", "1 are there more than once", double_a_row),
    "rows of a file that nobody read": ("rows", "nobody.csv", invent_a_file),
    "a partition is torn": ("rows", "rows: ", tear_a_partition),
    "a week that no build made": ("folders", "1 not named (first: panel/week=2031-W01", add_a_week),
    "a week of the lake is altered": ("folders", f"1 altered (first: {RAW}", lose_a_row),
    "a week of the lake is gone": ("folders", "1 missing", lambda s: (s.root / "lake" / RAW).unlink()),
    "a file of a release is altered": ("releases", "sha256", lambda s: change(served(s, "svr.onnx"), flip)),
    "a file of a release is gone": ("releases", "svr.onnx", lambda s: served(s, "svr.onnx").unlink()),
    "a manifest is no manifest": ("releases", "not a valid", lambda s: served(s, "manifest.json").write_text("{}")),
    "a pointer is no pointer": ("channels", "not a channel pointer", lambda s: pointer(s).write_text("null")),
    "a pointer to nowhere": ("channels", "2011-W48-00000000", lambda s: point(s, release="2011-W48-00000000")),
    "a previous release that is gone": ("channels", "2011-W48-1", lambda s: point(s, previous="2011-W48-1")),
    "a pointer moved at no time": ("channels", "moved at 'soon'", lambda s: point(s, promoted_at="soon")),
    "a pointer moved by nobody": ("channels", "by nobody", lambda s: point(s, promoted_by="")),
    "what a lock names is altered": ("lineage", "has the MD5", alter_an_object),
    "what a lock names is gone": ("lineage", "work/coming.parquet: the lake has no dvc/", lose_an_object),
    "a lock that cannot be read": ("lineage", "cannot be read", lambda s: add_lock(s, "a: b: c")),
}  # fmt: skip


def add_lock(shop: WeeklyShop, text: str) -> None:
    path = shop.root / "lake" / "lineage" / "2020-W01" / "dvc.lock"
    path.parent.mkdir()
    path.write_text(text)


@pytest.mark.parametrize("broken", BREAKS)
def test_each_broken_invariant_of_a_lake_is_found_and_named(lake: WeeklyShop, broken: str) -> None:
    check, words, do = BREAKS[broken]
    do(lake)
    assert words in found(lake, workspace=False)[check]


def test_a_result_that_was_changed_by_hand_is_found(shop: WeeklyShop) -> None:
    path = shop.root / "work" / "catalog.parquet"
    body = path.read_bytes()
    path.unlink()  # it may be a hard link into the cache
    path.write_bytes(flip(body))
    assert found(shop) == {"workspace": "dvc.lock: work/catalog.parquet is modified"}


def test_a_panel_that_is_not_that_of_its_source_is_found_by_a_fresh_build_alone(shop: WeeklyShop) -> None:
    shop.add(f"{WEEK}.parquet", corrected(shop.of(WEEK)))
    assert found(shop) == {}
    assert f"altered (first: panel/week={WEEK}/part.parquet" in found(shop, fresh=True)["fresh build"]
    (shop.source / f"{WEEK}.parquet").write_bytes(b"no Parquet")
    assert "no Parquet file" in found(shop, fresh=True)["fresh build"]


def test_a_lake_that_cannot_be_read_is_an_error_and_no_finding(built: WeeklyShop) -> None:
    class Away(Lake):
        def list(self, prefix: str) -> dict[str, int]:
            raise LakeError(f"the lake {self.url} refuses: connection refused")

    with pytest.raises(LakeError, match="refuses"):
        list(audit(Away(str(built.root / "lake")), None))


def test_without_a_workspace_nothing_can_be_built_anew(built: WeeklyShop) -> None:
    with pytest.raises(PricewrightError, match="nothing can be rebuilt"):
        found(built, workspace=False, fresh=True)


def test_totals_that_do_not_add_up_are_found() -> None:
    rows = pl.DataFrame({"source": ["a.csv", "a.csv"], "row": [2, 3]})
    nothing = rows.clear()
    metrics = {"rows": 3, "accepted": 2, "quarantined": 0, "duplicates": 1, "read_as": {"a.csv": {"rows": 3}}}
    assert account_for(metrics, rows, nothing) == []
    (short,) = account_for(metrics | {"duplicates": 0}, rows, nothing)[:1]
    assert short.seen == "2 accepted, quarantined or duplicates" and short.rule == "all 3 that were read"
    (beyond,) = account_for(metrics, pl.DataFrame({"source": ["a.csv", "a.csv"], "row": [2, 9]}), nothing)
    assert beyond.what == "a.csv" and "over 8 row numbers" in beyond.seen
