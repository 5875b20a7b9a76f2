"""The tune stage on a small market: every model searched, no judged week seen, killed searches found again."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.backups import REGISTRY
from pricewright.core.errors import ModelError
from pricewright.tune import fingerprint, tune
from pricewright.worlds.market import simulate
from tests.pricewright.network.small_market import FEATURES, PARAMS, panel_of


def quick() -> dict[str, Any]:
    """params.yaml with the smallest searches."""
    params: dict[str, Any] = yaml.safe_load(yaml.safe_dump(PARAMS))
    params["tune"]["network"] |= {"budget": 2, "trial": {"members": 1, "epochs": 2}, "workers": 1}
    for name in REGISTRY:
        params["tune"][name]["budget"] = 2
    params["tune"]["defaults"]["lightgbm"]["trees"] = params["tune"]["lightgbm"]["trial"]["trees"] = 30
    return params


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    price = pl.col("price")
    rows = panel_of(simulate({**PARAMS["market"], "skus": 30, "weeks": 60}))
    before = price.shift(1).fill_null(price).over("stock_code")
    return rows.with_columns(last_price=before, reference_price=price.median().over("stock_code"))


def test_every_model_gets_complete_hyperparameters_from_weeks_before_the_judged_ones(
    panel: pl.DataFrame, tmp_path: Path
) -> None:
    params = quick()
    tuned = tune(panel, params, tmp_path / "trials.db", features=FEATURES)
    assert set(tuned.hyperparameters) == {"network", *REGISTRY}
    for model, found in tuned.hyperparameters.items():
        assert set(found) == set(params["tune"]["defaults"][model])
    assert tuned.trials["model"].value_counts()["count"].to_list() == [2, 2, 2, 2]
    judged = panel["week"].unique().sort()[-params["tune"]["judged_weeks"]]
    later = pl.when(pl.col("week") >= judged).then(pl.col("units") * 50).otherwise("units")
    again = tune(panel.with_columns(units=later), params, features=FEATURES)
    assert again.hyperparameters == tuned.hyperparameters


def test_trials_are_found_again_only_where_they_would_come_out_the_same(panel: pl.DataFrame) -> None:
    params = quick()
    name = fingerprint(panel, FEATURES, params)
    more = quick()
    more["tune"]["network"] |= {"budget": 90, "workers": 2}
    assert fingerprint(panel, FEATURES, more) == name
    other = quick()
    other["network"]["curves"]["harmonics"] = 1
    assert fingerprint(panel, FEATURES, other) != name
    assert fingerprint(panel.with_columns(units=pl.col("units") + 1), FEATURES, params) != name


def test_a_history_of_judged_weeks_only_is_refused(panel: pl.DataFrame) -> None:
    weeks = panel["week"].unique().sort().head(8)
    with pytest.raises(ModelError, match=r"8 weeks and tune.judged_weeks is 8"):
        tune(panel.filter(pl.col("week").is_in(weeks.implode())), quick(), features=FEATURES)
