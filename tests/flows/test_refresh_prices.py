"""The weekly job on a tiny market, as a user runs it: a process per run, its own Prefect server, a real ledger."""

import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

from blocks.lake import Lake
from tasks.provenance import origin_key
from tasks.releases import verify_release
from tasks.stages import STAGES
from testing.checkout import Checkout, make_checkout
from tests.canaries import ENVIRONMENT, leaks, written

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """With secrets in its environment, which are searched in the end."""
    return replace(make_checkout(tmp_path_factory.mktemp("checkout")), extra=ENVIRONMENT)


@pytest.fixture(scope="module")
def first(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    """The first run, which all others follow."""
    done = checkout.pricewright("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_run_without_data_ends_with_prices_that_the_api_gave(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    release = checkout.served()
    assert f"promoted: release {release}" in first.stdout
    assert "answered by" in first.stdout and " network" in first.stdout
    assert first.stderr == ""
    assert len(first.stdout.splitlines()) < 40, "nothing noisy"
    manifest = verify_release(Lake(str(checkout.root / "lake")), release)
    assert "unknown" not in manifest.lineage.values()
    timed = [line.split()[0] for line in first.stdout.splitlines() if line.startswith("  ") and " s  " in line]
    assert timed == ["ingest", "feature", "drift", "tune", "train", "fairness", "promote"]


def test_every_row_read_is_somewhere(first: subprocess.CompletedProcess[str], checkout: Checkout) -> None:
    counts = json.loads((checkout.root / "work/metrics/ingest.json").read_text())
    assert counts["accepted"] + counts["quarantined"] + counts["duplicates"] == counts["rows"]
    lake = Lake(str(checkout.root / "lake"))
    assert lake.list("raw") and lake.list("quarantine") and lake.list("panel") and lake.list("lineage")


def test_the_run_is_a_prefect_flow_with_a_task_per_stage(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    (database,) = checkout.root.glob("**/prefect.db")
    with sqlite3.connect(database) as connection:
        flows = connection.execute("select name, state_type from flow_run").fetchall()
        tasks = connection.execute("select name, state_type from task_run").fetchall()
    week = json.loads((checkout.root / "work/metrics/feature.json").read_text())["last_week"]
    assert flows == [(f"refresh-prices {week}", "COMPLETED")]
    assert {state for _, state in tasks} == {"COMPLETED"}
    trials = [name for name, _ in tasks if " " in name]
    assert len(tasks) - len(trials) == 7
    assert sorted(trial.split()[0].split("-")[0] for trial in trials) == ["elastic_net", "lightgbm", "network", "svr"]


def test_a_second_run_skips_every_stage_and_dvc_agrees(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    again = checkout.pricewright("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count(" skipped ") == 7
    assert "nothing changed" in again.stdout
    assert checkout.repro() == []


@pytest.mark.platform
def test_a_number_of_train_runs_train_and_what_hangs_on_it(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    checkout.change(price={"bins": 20})
    assert checkout.repro() == ["train", "fairness", "promote"]
    again = checkout.pricewright("run")
    assert again.stdout.count(" skipped ") == 7, again.stdout
    released = checkout.pricewright("releases")
    assert f"{checkout.served()}" in released.stdout and len(released.stdout.splitlines()) == 3


@pytest.mark.platform
def test_a_gate_that_blocks_ends_the_run_with_1_and_leaves_the_channel(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    before = checkout.served()
    measures = yaml.safe_load((ROOT / "params.yaml").read_text())["drift"]["thresholds"]
    always = json.dumps({name: {"warn": 0, "block": 0} for name in measures})
    blocked = checkout.pricewright("run", "--param", f"drift.thresholds={always}", "--param", 'promote.override=""')
    assert blocked.returncode == 1, blocked.stdout + blocked.stderr
    assert "drift blocks" in blocked.stderr and "promote.override" in blocked.stderr
    assert "Traceback" not in blocked.stderr
    assert checkout.served() == before


@pytest.fixture(scope="module")
def elsewhere(
    first: subprocess.CompletedProcess[str], checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> Lake:
    """A lake that several checkouts share, filled by a run of the first one."""
    lake = Lake(str(tmp_path_factory.mktemp("shared") / "lake"))
    other = checkout.pricewright("run", "--store", lake.url)
    assert other.returncode == 0, other.stdout + other.stderr
    ran = [line.split()[0] for line in other.stdout.splitlines() if line[:3] == "  p" and " s  " in line]
    assert ran == ["promote"]
    return lake


@pytest.mark.platform
def test_another_store_gets_everything_and_no_stage_before_promote_runs(elsewhere: Lake, checkout: Checkout) -> None:
    assert checkout.served(elsewhere.url) == checkout.served()
    here = Lake(str(checkout.root / "lake"))
    assert elsewhere.list("panel") == here.list("panel")
    assert elsewhere.list("raw") == here.list("raw")


@pytest.fixture(scope="module")
def fresh(elsewhere: Lake, checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A container on another machine: the code and the parameters, nothing else."""
    made = replace(make_checkout(tmp_path_factory.mktemp("container")), extra=ENVIRONMENT)
    shutil.copy(checkout.root / "params.yaml", made.root / "params.yaml")
    return made


@pytest.mark.platform
def test_a_fresh_container_finds_nothing_to_do_and_downloads_no_data(
    elsewhere: Lake, fresh: Checkout, checkout: Checkout
) -> None:
    done = fresh.pricewright("run", "--store", elsewhere.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" skipped ") == 7 and "nothing changed" in done.stdout
    there = {path.name for path in (fresh.root / "work").rglob("*") if path.is_file()}
    assert there == {f"{stage}.json" for stage in STAGES}, "the numbers of the stages and nothing else"
    assert not list((fresh.root / ".dvc").glob("cache/**/*.dir"))
    assert elsewhere.list("panel") == Lake(str(checkout.root / "lake")).list("panel"), "the lake keeps what it had"


@pytest.mark.platform
def test_a_changed_number_of_the_last_stage_brings_what_that_stage_needs(elsewhere: Lake, fresh: Checkout) -> None:
    done = fresh.pricewright("run", "--store", elsewhere.url, "--param", "promote.smoke_skus=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" skipped ") == 6
    assert (fresh.root / "work/models").exists() and (fresh.root / "work/drift/report.html").exists()
    assert not (fresh.root / "work/raw").exists() and not (fresh.root / "work/panel").exists()


@pytest.mark.platform
def test_what_another_machine_made_can_be_pulled(elsewhere: Lake, fresh: Checkout, checkout: Checkout) -> None:
    done = fresh.pricewright("pull", "work/panel", "--store", elsewhere.url)
    assert done.returncode == 0, done.stdout + done.stderr
    mine, theirs = (sorted((one.root / "work/panel").rglob("*.parquet")) for one in (fresh, checkout))
    assert [path.read_bytes() for path in mine] == [path.read_bytes() for path in theirs]


@pytest.mark.platform
def test_a_release_is_followed_back_to_the_sales_lines_from_the_lake_alone(elsewhere: Lake, checkout: Checkout) -> None:
    release = checkout.served(elsewhere.url)
    shown = checkout.pricewright("lineage", release, "--store", elsewhere.url)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for words in (f"release {release}", "stages", "ingest", "parameters", "a simulated market: 24 SKUs, 60 weeks"):
        assert words in shown.stdout
    done = checkout.pricewright("lineage", "--store", elsewhere.url, "--json")
    content = json.loads(done.stdout)
    counts = json.loads((checkout.root / "work/metrics/ingest.json").read_text())
    assert content["origin"]["counts"]["ingest"]["rows"] == counts["rows"]
    assert content["parameters"]["market.skus"] == 24
    raw = checkout.root / "work/raw"
    assert content["weeks"]["raw"] == {
        path.parent.name.removeprefix("week="): hashlib.md5(path.read_bytes()).hexdigest()
        for path in raw.rglob("*.parquet")
    }
    prices = elsewhere.read(f"releases/{release}/price_list.parquet").body
    sku = str(pl.read_parquet(io.BytesIO(prices))["stock_code"][0])
    one = json.loads(checkout.pricewright("lineage", "--store", elsewhere.url, "--sku", sku, "--json").stdout)
    sold = pl.read_parquet(raw / "**/*.parquet", hive_partitioning=False).filter(pl.col("stock_code") == sku)
    assert sorted((line["source"], line["row"]) for line in one["lines"]) == sorted(sold.select("source", "row").rows())
    assert sum(week["lines"] for week in one["panel"]) <= sold.height


@pytest.mark.platform
def test_two_releases_are_compared_by_what_they_came_from(elsewhere: Lake, checkout: Checkout) -> None:
    here = Lake(str(checkout.root / "lake"))
    releases = sorted({key.split("/")[1] for key in here.list("releases")})
    assert len(releases) == 2
    done = checkout.pricewright("lineage", releases[0], "--against", releases[1], "--store", here.url, "--json")
    found = json.loads(done.stdout)
    assert set(found["parameters"]) == {"price.bins"} and 20 in found["parameters"]["price.bins"]
    assert found["data"] == found["code"] == {}
    shown = checkout.pricewright("lineage", releases[0], "--against", releases[1], "--store", here.url)
    assert "price.bins" in shown.stdout and "data: the same" in shown.stdout


@pytest.mark.platform
def test_a_bucket_gets_the_same_release_byte_for_byte_and_is_used_as_a_folder_is(
    first: subprocess.CompletedProcess[str], checkout: Checkout, s3_url: str, s3_environment: dict[str, str]
) -> None:
    at = replace(checkout, extra=s3_environment | ENVIRONMENT)
    here, there = Lake(str(checkout.root / "lake")), Lake(s3_url)
    done = at.pricewright("run", "--store", s3_url)
    assert done.returncode == 0, done.stdout + done.stderr
    release = checkout.served()
    assert f"promoted: release {release}" in done.stdout and f"{s3_url}/releases/{release}/price_list" in done.stdout
    for folder in ("raw", "quarantine", "panel", f"releases/{release}"):
        assert there.list(folder) == here.list(folder) and there.list(folder), folder
        for key in there.list(folder):
            ours, theirs = here.read(key).body, there.read(key).body
            if key.endswith("manifest.json"):  # says when it was made, under its seal, beside what it is
                made = {"created": "", "sealed": ""}
                ours, theirs = (json.dumps(json.loads(body) | made).encode() for body in (ours, theirs))
            assert ours == theirs, key
    origin = origin_key(verify_release(there, release).lineage["origin"])
    assert origin in there.list("lineage") and set(there.list("lineage")) <= set(here.list("lineage"))
    again = at.pricewright("run", "--store", s3_url)
    assert "nothing changed" in again.stdout and again.stdout.count(" skipped ") == 7
    listed = at.pricewright("releases")
    assert f"{release}" in listed.stdout and "production" in listed.stdout
    assert release in at.pricewright("price", listed_sku(here, release)).stdout


def listed_sku(lake: Lake, release: str) -> str:
    """The first SKU of a release's price list."""
    table = pl.read_parquet(lake.read(f"releases/{release}/price_list.parquet").body)
    return str(table["stock_code"][0])


@pytest.mark.platform
def test_a_file_that_cannot_be_used_ends_with_2_and_touches_no_lake(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    bad = checkout.root / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    done = checkout.pricewright("run", "--source", "bad.csv", "--store", "none")
    assert done.returncode == 2
    assert "has no column for stock_code" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.stderr
    assert not (checkout.root / "none").exists()


SECRET_URL = "s3://AKIACANARY:{}@bucket/sales"


@pytest.mark.platform
@pytest.mark.parametrize("option", ["--source", "--store"])
def test_an_address_with_a_secret_is_refused_and_repeated_nowhere(
    first: subprocess.CompletedProcess[str], checkout: Checkout, option: str
) -> None:
    before = (checkout.root / "run.yaml").read_bytes()
    done = checkout.pricewright("run", option, SECRET_URL.format(ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]))
    assert done.returncode == 2 and "more than a bucket" in done.stderr and "Traceback" not in done.stderr
    assert (checkout.root / "run.yaml").read_bytes() == before


@pytest.mark.platform
def test_a_lake_that_refuses_is_an_error_without_the_key(
    first: subprocess.CompletedProcess[str], checkout: Checkout, s3_environment: dict[str, str]
) -> None:
    at = replace(checkout, extra=s3_environment | ENVIRONMENT)
    done = at.pricewright("run", "--store", "s3://no-such-bucket/shop", "--param", "promote.smoke_skus=3")
    assert done.returncode == 1 and "no-such-bucket" in done.stderr


@pytest.mark.platform
def test_none_of_these_runs_wrote_a_secret_of_their_environment_anywhere(
    first: subprocess.CompletedProcess[str], elsewhere: Lake, fresh: Checkout, checkout: Checkout
) -> None:
    """Logs, artifacts, states, parameters, lakes, locks, reports: of runs that went well, failed, were refused."""
    searched = list(written(checkout.root, fresh.root, Path(elsewhere.url)))
    printed = [("the terminal", text.encode()) for text in (*checkout.printed, *fresh.printed)]
    assert leaks([*searched, *printed]) == []
    names = " ".join(where for where, _ in searched)
    for needed in (
        "prefect.db (rows)",
        "run.yaml",
        "dvc.lock",
        "work/metrics",
        "lineage/",
        "manifest.json",
        "report.html",
    ):
        assert needed in names, "the search looked there"
    assert len(printed) > 20 and any("error:" in text for text in checkout.printed)
