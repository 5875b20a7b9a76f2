"""What a run is asked for lies in run.yaml, where dvc.yaml reads it."""

from pathlib import Path

import pytest
import yaml

from pricewright.core.errors import ParameterError, SourceError
from tasks.workspace import MARKET, Workspace, configure, differences, overlay, parse_overrides


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text("train: {seed: 1, network: {epochs: 30}}\nserve: {seconds: 30}\n")
    return tmp_path


def test_by_default_a_run_simulates_the_market_into_a_local_lake(root: Path) -> None:
    workspace = Workspace(root)
    assert workspace.simulated
    assert workspace.source == root / MARKET
    assert workspace.store == str(root / "lake")
    assert yaml.safe_load((root / "run.yaml").read_text())["overrides"]["train"] == {}


def test_a_file_outside_the_root_is_kept_with_its_whole_path(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sales = tmp_path_factory.mktemp("data") / "sales.csv"
    sales.write_text("a,b\n")
    workspace = configure(root, source=str(sales), store="s3://bucket/shop", columns={"invoice": "Bill"})
    assert workspace.source == sales
    assert not workspace.simulated
    assert workspace.store == "s3://bucket/shop"
    assert workspace.columns == {"invoice": "Bill"}


def test_only_overrides_that_change_something_are_kept(root: Path) -> None:
    workspace = configure(root, overrides={"train": {"seed": 1, "network": {"epochs": 5}}})
    assert yaml.safe_load((root / "run.yaml").read_text())["overrides"]["train"] == {"network": {"epochs": 5}}
    assert workspace.parameters["train"] == {"seed": 1, "network": {"epochs": 5}}


def test_a_file_that_does_not_exist_is_refused_before_anything_is_written(root: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        configure(root, source="nowhere.csv")
    assert not (root / "run.yaml").exists()


def test_parameters_that_no_stage_reads_are_refused(root: Path) -> None:
    with pytest.raises(ParameterError, match="no use for serve"):
        configure(root, overrides={"serve": {"seconds": 5}})


DEFAULTS = {"train": {"seed": 1, "rate": 0.1, "network": {"epochs": 30}, "endings": [], "fast": True, "note": None}}


def test_values_are_read_as_yaml() -> None:
    texts = ["train.network.epochs=5", "train.endings=[0.99, 0.95]", "train.fast=false"]
    assert parse_overrides(texts) == {"train": {"network": {"epochs": 5}, "endings": [0.99, 0.95], "fast": False}}


@pytest.mark.parametrize("sign", [",", ".", "','", '"."'])
def test_the_sign_before_decimals_can_be_given_without_quotes(sign: str) -> None:
    assert parse_overrides([f"ingest.decimal_sign={sign}"]) == {"ingest": {"decimal_sign": sign.strip("'\"")}}


@pytest.mark.parametrize("text", ["train.seed", "=5", "train..seed=1", "train.seed=[1", "train.seed=1: 2: 3"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_overrides([text])


def test_a_parameter_below_a_value_is_refused() -> None:
    with pytest.raises(ParameterError, match="goes below seed"):
        parse_overrides(["train.seed=1", "train.seed.deep=2"])


def test_the_defaults_are_overlaid_and_left_as_they_are() -> None:
    merged = overlay(DEFAULTS, {"train": {"network": {"epochs": 5}}})
    assert merged["train"]["network"]["epochs"] == 5
    assert merged["train"]["seed"] == 1
    assert DEFAULTS["train"]["network"] == {"epochs": 30}


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ParameterError, match=r"no parameter train\.network\.epoch\..*did you mean train\.network\.epochs"
    ):
        overlay(DEFAULTS, {"train": {"network": {"epoch": 5}}})


@pytest.mark.parametrize(
    "value", [{"seed": "x"}, {"rate": "0.1x"}, {"fast": 1}, {"seed": True}, {"seed": 1.5}, {"network": 3}]
)
def test_a_value_of_another_kind_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="is needed"):
        overlay(DEFAULTS, {"train": value})


@pytest.mark.parametrize("value", [{"seed": 2}, {"rate": 1}, {"note": "x"}, {"endings": [0.99]}])
def test_a_value_of_the_same_kind_is_taken(value: dict[str, object]) -> None:
    assert overlay(DEFAULTS, {"train": value})["train"] | value == overlay(DEFAULTS, {"train": value})["train"]


def test_overrides_equal_to_their_default_change_nothing() -> None:
    assert differences(DEFAULTS, {"train": {"seed": 1, "network": {"epochs": 30}}}) == {}
    assert differences(DEFAULTS, {"train": {"seed": 2, "fast": True}}) == {"train": {"seed": 2}}
