"""A small seeded share of the drill, and the drill's own eyes: what it must see, it sees."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import boto3
import pytest
from werkzeug.serving import make_server

from blocks.lake import Lake
from drill.course import Outcome, all_faults, order, run_one
from drill.crew import Crew
from drill.faults import Stage, lake_flaky, promotion_killed
from drill.faulty_lake import BUCKET, FaultyLake, faulty_lake
from drill.report import table, write
from drill.scene import Lists, Scene
from inference.dev_server import make_gateway
from inference.handler import make_app
from inference.settings import read_settings
from pricewright.release import write_bundle
from tasks.audit import audit
from tasks.releases import promote_release, write_release
from testing.asking import Asking, Tally, judge, undeserved
from testing.racing import GATES
from testing.synthetic_release import contents

STORE = f"s3://{BUCKET}/small"
SEED = 7


@pytest.fixture(scope="module")
def lake() -> Iterator[FaultyLake]:
    with faulty_lake(SEED) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=made.url, region_name="eu-west-1",
                              aws_access_key_id="test", aws_secret_access_key="test")  # fmt: skip
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield made


@pytest.fixture(scope="module")
def releases(lake: FaultyLake, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, store, made = tmp_path_factory.mktemp("bundles"), Lake(STORE, lake.environment), []
    for level in (0.0, 0.3, 0.6):
        manifest = write_bundle(folder, **contents(level=level, skus=5) | {"gates": GATES})
        write_release(store, folder, manifest)
        made.append(manifest.id)
    promote_release(store, made[0], "production", 1)
    return made


@pytest.fixture(scope="module")
def port(lake: FaultyLake, releases: list[str]) -> Iterator[int]:
    """The price API over HTTP, on the lake that breaks."""
    quick = {"PRICEWRIGHT_STORE": STORE, "PRICEWRIGHT_REFRESH_SECONDS": "0.2"}
    app = make_app(read_settings(os.environ | quick), log=lambda _: None)
    server = make_server("127.0.0.1", 0, make_gateway(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_small_share_of_the_drill_loses_nothing(
    lake: FaultyLake, releases: list[str], port: int, tmp_path: Path
) -> None:
    lists = Lists(Lake(STORE, lake.environment))
    codes = sorted(lists(releases[0]) or {})
    with Crew(tmp_path / "crew", lake.environment, stages=False) as crew, Asking(port, codes, lists, SEED) as asking:
        shop = SimpleNamespace(root=tmp_path)
        scene = Scene(shop, crew, STORE, lake, STORE, releases, asking, Random(SEED), tmp_path)
        scene.some_work = lambda: {"do": "promote", "store": STORE, "release": scene.random.choice(releases)}
        at, outcomes = Stage(scene, lasts=1.0), []
        for act in (promotion_killed, lake_flaky):
            outcomes.append(Outcome(act.__name__))
            run_one(at, act, outcomes[-1])
    assert [one.lost for one in outcomes] == [[], []]
    assert asking.whole.asked > 20 and asking.whole.answers["network"] > 5
    assert [checked.findings for checked in audit(Lake(STORE), None)] == [()] * 6


def answer(**changed: object) -> dict[str, object]:
    right = {"release": "r1", "stock_code": "A", "model": "network", "current_price": 2.0, "optimal_price": 3.0,
             "expected_sales": 9.0}  # fmt: skip
    return right | changed


KNOWN = {"A": answer(guardrail_low=1.0, guardrail_high=4.0)}


@pytest.mark.parametrize(("status", "content", "why"), [
    (200, answer(), ""),
    (200, answer(optimal_price=3.1), "its price list says 3.0"),
    (200, answer(expected_sales=9.1), "expected_sales"),
    (200, answer(release="r2"), "no release"),
    (200, answer(stock_code="B"), "not in the price list"),
    (200, answer(model="svr", optimal_price=3.5), ""),
    (200, answer(model="svr", optimal_price=4.5), "outside of 1.0 to 4.0"),
    (200, {"release": "r1", "prices": [answer(), answer(release="r0")]}, "it mixes r1 and r0"),
    (422, {"status": 422}, ""),
    (422, {"message": "no"}, "no declared error"),
    (500, {"status": 500}, "no declared error"),
])  # fmt: skip
def test_an_answer_is_held_against_the_price_list_of_its_release(status: int, content: dict, why: str) -> None:
    found = judge(status, content, "A", lambda release: KNOWN if release == "r1" else None)
    assert (why in found) if why else not found


@pytest.mark.parametrize(("status", "path", "deserved"), [
    (404, "/v1/predict-price/A", False),
    (404, "/v1/predict-price/B", True),
    (404, "/v1/predict-price/NO-SUCH-SKU", True),
    (422, "/v1/predict-price/A", False),
    (422, "/v1/predict-price/A?num_price_bins=1", True),
    (405, "/v1/predict-price/A", False),
    (503, "/v1/predict-price/A", True),
    (200, "/v1/predict-price/A", True),
])  # fmt: skip
def test_an_error_that_a_question_does_not_deserve_is_a_wrong_answer(status: int, path: str, deserved: bool) -> None:
    asked = path.rpartition("/")[2].partition("?")[0]
    assert (undeserved(status, path, asked.replace("NO-SUCH-SKU", "A"), {"A"}) == "") is deserved


def test_a_request_that_nobody_answers_is_lost(monkeypatch: pytest.MonkeyPatch, free_port) -> None:
    monkeypatch.setattr("testing.asking.PATIENCE", 0.2)
    with Asking(free_port(), ["A"], lambda _: None, SEED, threads=1) as asking:
        threading.Event().wait(0.5)
    assert asking.whole.unanswered and asking.whole.lost == asking.whole.unanswered


def test_each_fault_comes_once_and_then_any_the_same_for_the_same_seed() -> None:
    names = sorted(all_faults(platform=True))
    first, again = order(names, SEED), order(names, SEED)
    taken = [next(first) for _ in range(3 * len(names))]
    assert sorted(taken[: len(names)]) == names and taken == [next(again) for _ in taken]
    assert len(names) == 23


def test_what_a_fault_cost_is_written_down_and_the_drill_goes_on(tmp_path: Path) -> None:
    def breaks(_: Stage) -> None:
        raise AssertionError("a row is gone")

    quiet = SimpleNamespace(take=Tally)
    scene = SimpleNamespace(asking=quiet, glance=lambda: ["a pointer is bent"], lake=SimpleNamespace(become=id))
    outcome = Outcome("a fault")
    run_one(Stage(scene), breaks, outcome)
    assert outcome.lost == ["AssertionError in breaks: a row is gone", "a pointer is bent"]
    assert "| a fault |           1 |    2 |" in table({"a fault": outcome})
    page = tmp_path / "drill.md"
    outcomes = {"a fault": outcome, "b": Outcome("b")}
    write(page, outcomes, Tally(), [0, 1], {"lake": "ok"}, 1, 2, "")
    page.write_text(f"what it is\n\n{page.read_text()}\nwhat it found\n")
    text = write(page, outcomes, Tally(), [0, 1], {"lake": "ok"}, 1, 2, "")
    shown = page.read_text()
    assert shown.startswith("what it is") and shown.endswith("what it found\n"), "words by hand stay"
    assert shown.count("| a fault |") == 1 and text.strip() in shown
    assert "a row is gone" in text and "- b: the time was up" in text and "RLIMIT_FSIZE" in text
