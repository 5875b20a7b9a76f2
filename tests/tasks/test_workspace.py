"""What a run is asked for lies in run.yaml, where dvc.yaml reads it."""

from pathlib import Path

import pytest
import yaml

from pricewright.core.errors import ParameterError, SourceError
from tasks.workspace import MARKET, Workspace, configure


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
