"""A fresh machine with nothing but the lake's lock has nothing to do; two writers of the lock lose no stage."""

import multiprocessing
import shutil
import threading
from pathlib import Path

import pytest
import yaml

from blocks.lake import Lake
from pricewright.core.errors import LakeError, LedgerError
from tasks.ledger import Ledger
from tasks.lock import local_stages, newest_week, object_key, publish_lock, read_lock, restore_lock
from tasks.run import open_ledger, remote_of

WEEK = "2011-W48"
FILES = {
    ".dvc/config": "[core]\n    no_scm = true\n    analytics = false\n[cache]\n    type = reflink,copy\n",
    "dvc.yaml": """
vars: [run.yaml]
stages:
  double:
    cmd: python code.py double
    deps: ["${source}"]
    params: [double.factor]
    outs: [work/doubled]
    metrics: [work/metrics/double.json]
  sum:
    cmd: python code.py sum
    deps: [work/doubled]
    params: [sum.plus]
    outs: [work/sum.txt]
    metrics: [work/metrics/sum.json]
""",
    "params.yaml": "double: {factor: 2}\nsum: {plus: 1}\n",
    "run.yaml": "source: in.txt\n",
    "in.txt": "20",
}


class Shop:
    """A checkout of two toy stages on some machine, with a lake."""

    def __init__(self, root: Path, lake: Lake) -> None:
        self.root, self.lake = root, lake
        self.worked: list[str] = []
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def run(self) -> dict[str, str]:
        """A run of all stages, kept in the lake; how each came out."""
        ledger = open_ledger(self.root, self.lake)
        how = {name: ledger.run(name, lambda name=name: self._work(name)).how for name in ledger.stages}
        ledger.push(ledger.stages)
        publish_lock(self.lake, WEEK, local_stages(self.root, ledger.stages))
        return how

    def _work(self, stage: str) -> None:
        self.worked.append(stage)
        params = yaml.safe_load((self.root / "params.yaml").read_text())
        work = self.root / "work"
        (work / "metrics").mkdir(parents=True, exist_ok=True)
        if stage == "double":
            (work / "doubled").mkdir()
            for part in ("a", "b"):
                number = int((self.root / "in.txt").read_text()) * params["double"]["factor"]
                (work / "doubled" / part).write_text(f"{part} {number}")
        else:
            numbers = [int(path.read_text().split()[1]) for path in sorted((work / "doubled").iterdir())]
            (work / "sum.txt").write_text(str(sum(numbers) + params["sum"]["plus"]))
        (work / "metrics" / f"{stage}.json").write_text(f'{{"stage": "{stage}"}}')


@pytest.fixture
def first(tmp_path: Path, lake_url: str) -> Shop:
    """The machine on which everything was made."""
    shop = Shop(tmp_path / "first", Lake(lake_url))
    assert shop.run() == {"double": "ran", "sum": "ran"}
    return shop


def data_of(lake: Lake) -> set[str]:
    """Everything that DVC keeps in the lake, but for the numbers of the stages."""
    numbers = {object_key(out["md5"]) for stage in read_lock(lake).values() for out in stage["outs"] if
               out["path"].startswith("work/metrics")}  # fmt: skip
    return set(lake.list("dvc")) - numbers


def test_a_fresh_machine_finds_nothing_to_do_and_reads_no_data(first: Shop, tmp_path: Path) -> None:
    first.lake.remove(*(key for key in data_of(first.lake) if not key.endswith(".dir")))
    fresh = Shop(tmp_path / "fresh", first.lake)
    assert fresh.run() == {"double": "skipped", "sum": "skipped"}
    assert fresh.worked == []
    found = {path.relative_to(fresh.root).as_posix() for path in fresh.root.rglob("work/**/*") if path.is_file()}
    assert found == {"work/metrics/double.json", "work/metrics/sum.json"}
    assert (fresh.root / "work/metrics/sum.json").read_text() == '{"stage": "sum"}'


def test_one_changed_parameter_runs_its_stage_on_what_that_stage_needs(first: Shop, tmp_path: Path) -> None:
    (sum_out,) = (out["md5"] for out in read_lock(first.lake)["sum"]["outs"] if out["path"] == "work/sum.txt")
    first.lake.remove(object_key(sum_out))
    fresh = Shop(tmp_path / "fresh", first.lake)
    (fresh.root / "params.yaml").write_text("double: {factor: 2}\nsum: {plus: 5}\n")
    assert fresh.run() == {"double": "skipped", "sum": "ran"}
    assert (fresh.root / "work/sum.txt").read_text() == "85"
    assert Shop(tmp_path / "third", first.lake).run() == {"double": "skipped", "sum": "ran"}


def test_the_newest_result_is_what_the_next_machine_finds(first: Shop, tmp_path: Path) -> None:
    (first.root / "params.yaml").write_text("double: {factor: 3}\nsum: {plus: 1}\n")
    first.run()
    fresh = Shop(tmp_path / "fresh", first.lake)
    (fresh.root / "params.yaml").write_text("double: {factor: 3}\nsum: {plus: 1}\n")
    assert fresh.run() == {"double": "skipped", "sum": "skipped"}
    open_ledger(fresh.root, fresh.lake).pull(["work/sum.txt"])
    assert (fresh.root / "work/sum.txt").read_text() == "121"
    assert not (fresh.root / "work/doubled").exists()


def test_everything_can_be_pulled(first: Shop, tmp_path: Path) -> None:
    fresh = Shop(tmp_path / "fresh", first.lake)
    open_ledger(fresh.root, fresh.lake).pull()
    assert (fresh.root / "work/sum.txt").read_text() == "81"
    assert (fresh.root / "work/doubled/b").read_text() == "b 40"


def test_results_that_changed_here_are_not_taken_for_those_of_the_lake(first: Shop, tmp_path: Path) -> None:
    fresh = Shop(tmp_path / "fresh", first.lake)
    fresh.run()
    (fresh.root / "work/sum.txt").write_text("7")
    assert fresh.run() == {"double": "skipped", "sum": "ran"}


def test_a_second_push_has_nothing_to_do_and_only_new_files_go(first: Shop) -> None:
    ledger = Ledger(first.root, remote_of(first.lake))
    assert ledger.push(ledger.stages) == 0
    before = set(first.lake.list("dvc"))
    (first.root / "params.yaml").write_text("double: {factor: 2}\nsum: {plus: 9}\n")
    first.run()
    assert len(set(first.lake.list("dvc")) - before) == 1, "the sum; its metrics are the same"


def test_a_lake_on_the_same_disk_takes_links_no_copies(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", Lake(str(tmp_path / "lake")))
    shop.run()
    kept = [path for path in (tmp_path / "lake/dvc").rglob("*") if path.is_file()]
    assert len(kept) == 6
    assert {path.stat().st_nlink for path in kept} == {2}


def test_what_the_lake_refuses_is_an_error_and_no_lock_is_written(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", Lake(str(tmp_path / "lake")))
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake/dvc").write_text("a file where a folder has to be")
    with pytest.raises(LakeError, match="did not take"):
        shop.run()
    assert read_lock(shop.lake) == {}


def test_a_lock_without_its_data_in_the_lake_saves_no_work(first: Shop, tmp_path: Path) -> None:
    first.lake.remove(*first.lake.list("dvc"))
    assert restore_lock(tmp_path, first.lake) == frozenset()
    assert not (tmp_path / "dvc.lock").exists()
    assert Shop(tmp_path / "fresh", first.lake).run() == {"double": "ran", "sum": "ran"}


def test_what_a_stage_needs_and_nobody_has_is_named(first: Shop, tmp_path: Path) -> None:
    first.lake.remove(*(key for key in data_of(first.lake) if not key.endswith(".dir")))
    fresh = Shop(tmp_path / "fresh", first.lake)
    (fresh.root / "params.yaml").write_text("double: {factor: 2}\nsum: {plus: 5}\n")
    with pytest.raises(LakeError, match=r"work/doubled cannot be had from .*/dvc"):
        fresh.run()
    (tmp_path / "nothing").mkdir()
    bare = Shop(tmp_path / "nothing", Lake(str(tmp_path / "empty")))
    with pytest.raises(LedgerError, match="stage sum needs work/doubled"):
        open_ledger(bare.root, bare.lake).run("sum", lambda: None)


def test_the_newest_week_is_the_one(lake_url: str) -> None:
    lake = Lake(lake_url)
    assert (newest_week(lake), read_lock(lake)) == ("", {})
    for week in ("2011-W48", "2011-W50", "2011-W49"):
        publish_lock(lake, week, {"double": {"cmd": week}})
    assert newest_week(lake) == "2011-W50"
    assert read_lock(lake)["double"]["cmd"] == "2011-W50"
    assert read_lock(lake, "2011-W49")["double"]["cmd"] == "2011-W49"


def test_racing_threads_lose_no_stage(lake_url: str) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        publish_lock(Lake(lake_url), WEEK, {f"stage{number}": {"cmd": str(number)}})

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {name: stage["cmd"] for name, stage in read_lock(Lake(lake_url)).items()} == {
        f"stage{number}": str(number) for number in range(8)
    }


def write_many(url: str, name: str) -> None:
    """What one of the racing processes does."""
    for number in range(4):
        publish_lock(Lake(url), WEEK, {f"{name}{number}": {"cmd": name}})


def test_racing_processes_lose_no_stage(lake_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(lake_url, name)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert set(read_lock(Lake(lake_url))) == {f"{name}{number}" for name in "abc" for number in range(4)}


def test_a_writer_replaces_its_own_stages_and_keeps_those_of_others(lake_url: str) -> None:
    lake = Lake(lake_url)
    publish_lock(lake, WEEK, {"ingest": {"cmd": "theirs"}, "train": {"cmd": "theirs"}})
    publish_lock(lake, WEEK, {"train": {"cmd": "ours"}})
    assert read_lock(lake) == {"ingest": {"cmd": "theirs"}, "train": {"cmd": "ours"}}


def test_the_cache_of_the_machine_is_no_condition(first: Shop) -> None:
    """Whoever empties cache and work keeps the lock: the lake has the rest."""
    shutil.rmtree(first.root / ".dvc/cache")
    shutil.rmtree(first.root / "work")
    first.worked.clear()
    assert first.run() == {"double": "skipped", "sum": "skipped"}
    assert first.worked == []
