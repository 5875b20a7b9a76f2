"""The search for the network's hyperparameters: no peeking, pruning, resuming, and the grid as its fallback."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.core.errors import ModelError
from pricewright.tuning.network import network_error, tune_network
from pricewright.worlds.market import simulate
from tests.pricewright.network.small_market import FEATURES, PARAMS, panel_of


def quick(**own: Any) -> dict[str, Any]:
    """params.yaml with a small search."""
    params: dict[str, Any] = yaml.safe_load(yaml.safe_dump(PARAMS))
    params["tune"]["network"] |= {"budget": 3, "trial": {"members": 1, "epochs": 2}, "workers": 1} | own
    return params


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return panel_of(simulate({**PARAMS["market"], "skus": 40, "weeks": 60}))


def test_the_defaults_are_tried_first_and_the_result_is_no_worse(rows: pl.DataFrame) -> None:
    params = quick()
    best = tune_network(rows, FEATURES, params)
    first = best.trials.row(0, named=True)
    defaults = params["tune"]["defaults"]["network"]
    assert {name: first[name] for name in defaults} == defaults
    assert best.score <= first["score"]
    assert set(best.hyperparameters) == set(defaults)


def test_two_workers_search_what_one_searches(rows: pl.DataFrame) -> None:
    score = [tune_network(rows, FEATURES, quick(workers=count, budget=1)).score for count in (1, 2)]
    assert score[0] == score[1]


def test_a_finished_search_is_found_again_in_its_storage(rows: pl.DataFrame, tmp_path: Path) -> None:
    storage = tmp_path / "trials.sqlite"
    first = tune_network(rows, FEATURES, quick(budget=2), storage=storage)
    again = tune_network(rows, FEATURES, quick(budget=3), storage=storage)
    assert again.trials.height == 3
    assert again.trials["seconds"].head(2).to_list() == first.trials["seconds"].to_list()


def test_the_grid_searches_too(rows: pl.DataFrame) -> None:
    assert tune_network(rows, FEATURES, quick(method="grid")).method == "grid"


def test_validation_forecasts_see_no_sales_of_the_validation_weeks(rows: pl.DataFrame) -> None:
    held_out = PARAMS["tune"]["validation_weeks"]
    first = rows["week"].unique().sort()[-held_out]
    units = pl.when(pl.col("week") >= first).then(0.0).otherwise(pl.col("units"))
    params, reports = quick(), {}
    for name, panel in (("as sold", rows), ("nothing sold", rows.with_columns(units=units))):
        reported: list[float] = []
        score = network_error(panel, FEATURES, params)(
            {}, lambda step, value, reported=reported: reported.append(value)
        )
        reports[name] = (score, reported)
    assert len(reports["as sold"][1]) == 2
    assert reports["as sold"][0] < reports["nothing sold"][0]


def test_too_short_a_history_is_refused(rows: pl.DataFrame) -> None:
    weeks = rows["week"].unique().sort().head(10)
    with pytest.raises(ModelError, match="the panel has 10 weeks"):
        tune_network(rows.filter(pl.col("week").is_in(weeks.implode())), FEATURES, quick())
