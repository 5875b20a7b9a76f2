"""A backup model and a gate of one's own, added through the public registries alone, as docs/extending.md says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from onnx import helper

from blocks.channel import Channel
from blocks.lake import Lake
from inference.handler import make_app
from inference.settings import Settings
from pricewright.backups import REGISTRY, BackupModel, model_names
from pricewright.backups.backup import Backup
from pricewright.backups.inputs import INPUT, OUTPUT, Inputs, model_bytes
from pricewright.core.errors import GateBlocked, ParameterError
from pricewright.core.manifest import MANIFEST, Manifest
from pricewright.tuning import tune_backup
from pricewright.verdict import Check, Verdict
from tasks import promote
from tasks.candidate import examine_candidate, publish_reports, report_links
from tasks.gates import GATES, Gate, Report, write_verdict
from tasks.review import review_page
from tasks.stage import Stage, do, report_nothing
from tasks.stages import STAGES
from tasks.workspace import Workspace, configure
from testing.checkout import TINY, lay_over
from testing.synthetic_release import fill
from tests.pricewright.backups.conftest import FEATURES, simulate_panel

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class OneLevel:
    """Log units = one level for all SKUs - one slope x log price ratio."""

    name: str
    level: float
    slope: float
    width: int

    def predict_log(self, features: Any, price: Any) -> Any:
        return self.level - self.slope * price[:, 0].astype(np.float64)

    def to_onnx(self) -> bytes:
        constants = {
            "first": np.array([self.width - 3], np.int64), "last": np.array([self.width - 2], np.int64),
            "columns": np.array([1], np.int64), "level": np.array([self.level], np.float32),
            "slope": np.array([self.slope], np.float32),
        }  # fmt: skip
        nodes = [
            helper.make_node("Slice", [INPUT, "first", "last", "columns"], ["log_price_ratio"]),
            helper.make_node("Mul", ["log_price_ratio", "slope"], ["fall"]),
            helper.make_node("Sub", ["level", "fall"], [OUTPUT]),
        ]
        return model_bytes(nodes, constants, self.width, self.name)


def fit_one_level(inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int) -> Backup:
    slope = float(hyperparameters["slope"])
    level = float(np.mean(inputs.log_units + slope * inputs.log_price_ratio))
    return OneLevel("one_level", level, slope, inputs.features.shape[1] + 3)


ONE_LEVEL = BackupModel("one_level", {"slope": (0.1, 5.0)}, fit_one_level)
SEARCH = {
    "defaults": {"one_level": {"slope": 1.0}},
    "one_level": {"method": "grid", "budget": 3, "workers": 1, "space": {"slope": {"low": 0.5, "high": 3.5}}},
}


def assortment(least: int, table: str = "catalog", **how: Any) -> Gate:
    """A gate that blocks where a table of one row per SKU has fewer SKUs than that."""

    def judge(workspace: Workspace) -> Verdict:
        skus = pl.read_parquet(workspace.work / f"{table}.parquet").height
        (workspace.work / "assortment").mkdir(exist_ok=True)
        (workspace.work / "assortment" / "skus.txt").write_text(f"{skus} SKUs\n")
        return Verdict("assortment", (Check("skus", skus, least, least, larger_is_worse=False),))

    return Gate("assortment", judge=judge, **{"stage": "feature"} | how)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A tiny shop whose stages ran with both, which nobody knows any more; drift and fairness have said ok."""
    root = tmp_path_factory.mktemp("extended")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    lay_over(params, TINY | {"market": TINY["market"] | {"skus": 16}, "network": {"curves": {"sweeps": 5}}})
    params["tune"]["defaults"] |= SEARCH["defaults"] | {
        "lightgbm": params["tune"]["defaults"]["lightgbm"] | {"trees": 9}
    }
    params["tune"]["one_level"] = SEARCH["one_level"]
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    at = configure(root, store=str(root / "lake"))
    with REGISTRY.registered(ONE_LEVEL), GATES.registered(assortment(2)):
        for stage in ("ingest", "feature", "tune", "train"):
            do(STAGES[stage], at)
        for gate in ("drift", "fairness"):
            write_verdict(at, Verdict(gate, (Check("measured", 0.1, 0.5, 1.0),)))
        do(STAGES["promote"], at)
    return at


def released(workspace: Workspace) -> tuple[Path, Manifest]:
    folder = Path(workspace.store) / "releases" / Channel(Lake(workspace.store)).read().release
    return folder, Manifest.from_json((folder / MANIFEST).read_bytes())


def test_a_registered_backup_is_tuned_trained_and_released_beside_the_others(extended: Workspace) -> None:
    tuned = json.loads((extended.work / "hyperparameters.json").read_text())
    assert set(tuned) == {"network", "lightgbm", "svr", "elastic_net", "one_level"}
    assert 0.5 <= tuned["one_level"]["slope"] <= 3.5
    assert pl.read_parquet(extended.work / "backtest.parquet")["model"].unique(maintain_order=True).to_list() == [
        "network", "lightgbm", "svr", "elastic_net", "one_level",
    ]  # fmt: skip
    assert "one_level.onnx" in released(extended)[1].files
    metrics = json.loads(extended.metrics("train").read_text())
    assert STAGES["train"].summary(metrics).startswith("5 models; ")


def test_it_answers_when_the_network_and_the_backups_before_it_cannot(extended: Workspace) -> None:
    folder, _ = released(extended)
    tuned = json.loads((extended.work / "hyperparameters.json").read_text())["one_level"]
    code = pl.read_parquet(folder / "price_list.parquet")["stock_code"][0]
    for name in ("network", "lightgbm", "svr", "elastic_net"):
        (folder / f"{name}.onnx").rename(folder / f"{name}.aside")
    try:
        app = make_app(Settings(store=extended.store))
        answer = app({"stock_code": code})
        health = json.loads(app({"httpMethod": "GET", "path": "/v1/health"})["body"])
    finally:
        for path in folder.glob("*.aside"):
            path.rename(path.with_suffix(".onnx"))
    assert answer["model"] == "one_level"
    assert [fallback["model"] for fallback in answer["fallbacks"]] == ["network", "lightgbm", "svr", "elastic_net"]
    assert answer["elasticity"] == pytest.approx(-tuned["slope"], rel=0.5)
    assert list(health["models"]) == ["network", "lightgbm", "svr", "elastic_net", "one_level"]


def test_whoever_asks_for_it_gets_it_and_other_names_are_refused(extended: Workspace) -> None:
    code = pl.read_parquet(released(extended)[0] / "price_list.parquet")["stock_code"][0]
    app = make_app(Settings(store=extended.store))
    asked = app({"stock_code": code, "model": "one_level"})
    assert (asked["model"], asked["fallbacks"]) == ("one_level", [])
    refused = app({"stock_code": code, "model": "two_levels"})
    assert "one of network, lightgbm, svr, elastic_net, one_level, price_list is needed" in json.dumps(refused)


def test_a_gate_that_passes_stands_in_the_release(extended: Workspace) -> None:
    assert released(extended)[1].gates["assortment"]["status"] == "ok"
    assert json.loads(extended.metrics("feature").read_text())["assortment"]["checks"] == {"skus": 16}


def test_the_search_of_a_registered_backup_takes_the_best_of_what_it_tried() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())["tune"] | SEARCH
    params["defaults"] = {"one_level": {"slope": 3.0}}
    panel = simulate_panel(40, 40)
    with REGISTRY.registered(ONE_LEVEL):
        best = tune_backup("one_level", panel, FEATURES, params)
    assert best.trials.height == 3
    assert best.score == best.trials["score"].min() < best.trials["score"][0]


def test_a_backup_that_params_yaml_does_not_know_says_what_it_needs() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())["tune"]
    with REGISTRY.registered(ONE_LEVEL), pytest.raises(ParameterError, match=r"tune\.defaults\.one_level") as caught:
        tune_backup("one_level", simulate_panel(4, 30), FEATURES, params)
    assert "elastic_net" in caught.value.hint


@pytest.mark.parametrize("name", ["svr", "network", "price_list", "../x", "One", "", "a" * 41, "two words"])
def test_a_name_that_is_taken_or_no_plain_word_is_refused(name: str) -> None:
    before = model_names()
    with pytest.raises(ParameterError, match="cannot be registered"):
        REGISTRY.register(BackupModel(name, {}, fit_one_level))
    assert model_names() == before


def test_a_registration_ends_with_its_context_whatever_happens() -> None:
    before = tuple(REGISTRY), tuple(GATES)
    with pytest.raises(ParameterError), REGISTRY.registered(ONE_LEVEL), GATES.registered(assortment(1)):
        GATES.register(assortment(2))
    assert (tuple(REGISTRY), tuple(GATES)) == before


TRAINED = Stage("train", lambda at, report_progress: {"models": {"network": {"wape": 0.5}}}, lambda metrics: "trained")


def test_a_gate_that_blocks_stops_promotion_by_its_name(tmp_path: Path) -> None:
    at = fill(tmp_path, str(tmp_path / "lake"))
    with GATES.registered(assortment(1000, "price_list", stage="train")):
        with pytest.raises(GateBlocked, match="gate assortment has no verdict") as silent:
            promote.work(at, report_nothing)
        assert silent.value.hint == "pricewright stage train."
        do(TRAINED, at)
        with pytest.raises(GateBlocked, match=r"assortment blocks: skus is 40, the limit is 1000"):
            promote.work(at, report_nothing)
        text = TRAINED.summary(json.loads(at.metrics("train").read_text()))
    assert text.splitlines()[1].startswith("assortment blocks: skus is 40")
    assert "see work/assortment/checks.csv" in text
    assert Channel(Lake(at.store)).read() is None


def test_a_gate_has_its_checks_and_its_reports_in_front_of_the_reviewer(tmp_path: Path) -> None:
    at, lake = fill(tmp_path, str(tmp_path / "lake")), Lake(str(tmp_path / "lake"))
    reports = (Report("skus.txt", "assortment.txt", "the assortment"),)
    with GATES.registered(assortment(3, "price_list", stage="train", reports=reports)):
        do(TRAINED, at)
        release = str(promote.work(at, report_nothing)["release"])
        publish_reports(at, lake, release)
        page = review_page(examine_candidate(lake, release, "staging"))
        assert "the assortment" in report_links(lake, release)
        assert "assortment" in page.split("## Gates")[1] and "assortment.txt" in page
