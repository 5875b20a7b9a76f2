"""The train stage on a small market that went through ingest and feature."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.backtest import COLUMNS as BACKTEST_COLUMNS
from pricewright.backups import REGISTRY
from pricewright.core.decision import candidate_prices
from pricewright.core.errors import ParameterError
from pricewright.core.plan import CAUTION, own_units
from pricewright.core.price_features import price_features
from pricewright.core.recommendation import CANDIDATES
from pricewright.core.release.content import PLANNED
from pricewright.core.substitution import Draws, Posterior
from pricewright.explain import open_models
from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.ingest import ingest_frame
from pricewright.market import simulate
from pricewright.price_changes import SCHEMA
from pricewright.price_list import ADDED, COLUMNS
from pricewright.train import Trained, train

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())


def quick() -> dict[str, Any]:
    """params.yaml with few passes; a small shop says little, so moves are asked for less."""
    params: dict[str, Any] = yaml.safe_load(yaml.safe_dump(PARAMS))
    params["market"] |= {"skus": 60, "weeks": 70}
    params["price"]["minimum_probability"] = 0.55
    params["train"]["network"] |= {"members": 2, "epochs": 3, "update_epochs": 1}
    params["tune"]["defaults"]["lightgbm"]["trees"] = 60
    return params


@pytest.fixture(scope="module")
def panel() -> Panel:
    params = quick()
    transactions = simulate(params["market"]).transactions(params["market"])
    return build_panel(ingest_frame(transactions, params["ingest"]).accepted, params["feature"])


@pytest.fixture(scope="module")
def trained(panel: Panel) -> Trained:
    params = quick()
    return train(panel.rows, panel.coming, panel.catalog, params["tune"]["defaults"], params)


def test_every_sku_of_the_catalog_has_one_price_inside_its_guardrail(panel: Panel, trained: Trained) -> None:
    prices = trained.price_list
    assert tuple(prices.columns) == (*COLUMNS, *ADDED)
    assert prices["stock_code"].to_list() == panel.catalog["stock_code"].to_list()
    assert prices.select((pl.col("optimal_price") >= pl.col("guardrail_low") - 1e-9).all()).item()
    assert prices.select((pl.col("optimal_price") <= pl.col("guardrail_high") + 1e-9).all()).item()
    assert prices.filter(pl.col("optimal_price") != pl.col("current_price")).height > 2
    assert prices["reason"].str.len_chars().min() > 10


def test_a_recommended_price_beats_its_neighbours_that_pay_as_probably(trained: Trained) -> None:
    """Of products that compete with nobody; those of a family are chosen together."""
    posterior, least = Posterior.from_arrays(trained.catalog), quick()["price"]["minimum_probability"]
    draws, seed = PARAMS["train"]["draws"], PARAMS["train"]["seed"]
    chooses, promises = (Draws(draws, posterior.shared.shape[2], seed + k) for k in (0, 1))
    judged = 0
    for sku, row in enumerate(trained.price_list.iter_rows(named=True)):
        labels = candidate_prices(row["guardrail_low"], row["guardrail_high"], CANDIDATES)
        best = int(np.argmin(abs(labels - row["optimal_price"])))
        if row["family"] or row["optimal_price"] == row["current_price"] or not 0 < best < len(labels) - 1:
            continue
        prices, alone = np.append(labels[best - 1 : best + 2], row["current_price"]), posterior[np.array([sku])]
        sales = prices[:, None] * own_units(chooses.of(alone), prices[3:], 0, prices)
        gains = sales[:3] - sales[3]
        worth, probability = gains.mean(axis=1) - CAUTION * gains.std(axis=1), (gains > 0).mean(axis=1)
        promised = own_units(promises.of(alone), prices[3:], 0, prices[1:2]).mean()
        assert promised == pytest.approx(row["expected_units"], rel=1e-4)
        assert worth[1] == pytest.approx(max(worth[probability >= least]), rel=1e-5)
        judged += 1
    assert judged > 0


def test_expected_sales_of_a_move_exceed_those_of_today_with_the_probability_asked_for(trained: Trained) -> None:
    moved = trained.price_list.filter(pl.col("optimal_price") != pl.col("current_price"))
    assert (moved["expected_sales"] > moved["current_expected_sales"]).all()
    assert (moved["uplift_probability"] >= quick()["price"]["minimum_probability"]).all()


def test_elasticities_are_negative_and_inside_their_intervals(trained: Trained) -> None:
    prices = trained.price_list
    assert (prices["elasticity_high"] < 0).all()
    assert prices.select(pl.col("elasticity").is_between("elasticity_low", "elasticity_high").all()).item()


def test_every_model_is_judged_on_the_same_rows(panel: Panel, trained: Trained) -> None:
    assert tuple(trained.backtest.columns) == BACKTEST_COLUMNS
    weeks = panel.rows["week"].unique().sort().tail(PARAMS["train"]["backtest_weeks"])
    judged = panel.rows.filter(pl.col("week").is_in(weeks.implode()), "in_stock").select("stock_code", "week", "units")
    assert set(trained.backtest["model"].unique()) == {"network", *REGISTRY}
    for model in ("network", *REGISTRY):
        rows = trained.backtest.filter(pl.col("model") == model).select("stock_code", "week", "units")
        assert rows.sort("stock_code", "week").equals(judged.sort("stock_code", "week"))
    assert trained.backtest.select((pl.col("predicted_low") <= pl.col("predicted_high")).all()).item()


def test_no_promoted_model_sells_more_at_a_higher_price(trained: Trained) -> None:
    arrays, factors = trained.catalog, np.linspace(0.6, 1.6, 40)
    models = open_models(trained.models, arrays["effects"])
    assert set(models) == {"network", *REGISTRY}
    for sku in range(0, len(arrays["stock_code"]), 9):
        reference, last = arrays["reference_price"][sku], arrays["last_price"][sku]
        prices = price_features(reference * factors, reference, last)
        features = np.repeat(arrays["features"][sku][None], len(factors), axis=0)
        rows = np.hstack([features, prices]).astype(np.float32)
        for name, model in models.items():
            assert (np.diff(model(rows)) <= 1e-4).all(), name


def test_the_release_carries_what_inference_needs(trained: Trained) -> None:
    arrays = trained.catalog
    n = len(arrays["stock_code"])
    assert arrays["features"].shape == (n, len(FEATURES))
    assert arrays["effects"].shape == (n, 16)
    assert arrays["history_units"].shape == (n, len(arrays["history_weeks"]))
    assert not [name for name, array in arrays.items() if array.dtype == object]
    assert (arrays["dispersion"] > 0).all()
    assert set(PLANNED) <= set(arrays) and len(Posterior.from_arrays(arrays)) == n
    assert trained.plan["skus"] == n and trained.price_changes.schema == SCHEMA


@pytest.mark.platform
def test_training_twice_gives_the_same_models(panel: Panel, trained: Trained) -> None:
    params = quick()
    again = train(panel.rows, panel.coming, panel.catalog, params["tune"]["defaults"], params)
    assert again.models["network"] == trained.models["network"]
    assert again.price_list.equals(trained.price_list)


def test_models_are_never_judged_on_weeks_that_the_tuning_saw(panel: Panel) -> None:
    params = quick()
    params["train"]["backtest_weeks"] = 9
    with pytest.raises(ParameterError, match="would have seen weeks"):
        train(panel.rows, panel.coming, panel.catalog, params["tune"]["defaults"], params)
