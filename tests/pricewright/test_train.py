"""The train stage on a small market that went through ingest and feature."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.backtest import COLUMNS as BACKTEST_COLUMNS
from pricewright.backups import REGISTRY
from pricewright.core.content import PLANNED
from pricewright.core.decision import CANDIDATES, candidate_prices
from pricewright.core.errors import ModelError, ParameterError, SourceError
from pricewright.core.plan import CAUTION, own_units
from pricewright.core.price_features import price_features
from pricewright.core.substitution import Draws, Posterior
from pricewright.fairness.attribution import open_models
from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.ingest import ingest_frame
from pricewright.ingest.cancellations import known_before
from pricewright.ingest.source import Document
from pricewright.ingest.tables import Table
from pricewright.ingest.weekly import IncrementalIngest
from pricewright.price_list import ADDED, COLUMNS, SCHEMA
from pricewright.profit import EARNED
from pricewright.train import Trained, score_week, train, walk_week
from pricewright.worlds.market import simulate

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
    assert tuple(prices.columns) == (*COLUMNS, *ADDED, *EARNED, "store")
    assert prices["store"].null_count() == prices.height
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
    assert trained.plan["skus"] == n and trained.price_changes.schema == SCHEMA | {"store": pl.String}


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


WEEK = date(2024, 7, 22)  # the 30th of the market
END = WEEK + timedelta(weeks=1)


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    params = quick()
    params["market"] |= {"skus": 30, "weeks": 40}
    params["train"]["network"] |= {"members": 1, "epochs": 2}
    return params


@pytest.fixture(scope="module")
def lines(params: dict[str, Any]) -> pl.DataFrame:
    return simulate(params["market"]).transactions(params["market"])


def known_then(lines: pl.DataFrame, params: dict[str, Any], folder: Path) -> pl.DataFrame:
    """The transactions of an ingest of all lines, as they were known when the week ended."""
    intake = IncrementalIngest(folder / "shelf", params["ingest"])
    document = Document("market", str(lines.hash_rows().sum()), lambda: iter([Table("market", lines)]))
    whole = intake.make([document])
    whole.write(folder / "raw", folder / "quarantine")
    parts = [pl.read_parquet(path, hive_partitioning=False) for path in sorted((folder / "raw").rglob("*.parquet"))]
    return known_before(pl.concat(parts), intake.cancelled_by(whole.found, END), END)


def another_future(lines: pl.DataFrame) -> pl.DataFrame:
    """Other sales and prices from the next week on, and early sales of many SKUs cancelled only then."""
    then = pl.col("InvoiceDate") < pl.lit(END).cast(pl.Datetime)
    early = lines.filter(then & (pl.col("Quantity") > 0) & pl.col("CustomerID").is_not_null())
    returned = early.gather_every(7).with_columns(
        pl.format("C{}", "InvoiceNo").alias("InvoiceNo"),
        -pl.col("Quantity"),
        pl.col("InvoiceDate") + pl.duration(weeks=40),
    )
    later = lines.filter(~then).with_columns(pl.col("Quantity") * 3, pl.col("UnitPrice") * 2).gather_every(2)
    return pl.concat([lines.filter(then), later, returned])


@pytest.fixture(scope="module")
def forecasts(lines: pl.DataFrame, params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    then = known_then(lines, params, tmp_path_factory.mktemp("today"))
    return walk_week(then, WEEK, params["tune"]["defaults"], params)


def test_other_sales_prices_and_cancellations_in_later_weeks_change_no_forecast(
    lines: pl.DataFrame, params: dict[str, Any], forecasts: pl.DataFrame, tmp_path: Path
) -> None:
    then = known_then(another_future(lines), params, tmp_path)
    assert walk_week(then, WEEK, params["tune"]["defaults"], params).equals(forecasts)


def test_other_sales_in_the_week_itself_change_what_it_is_judged_by_alone(
    lines: pl.DataFrame, params: dict[str, Any], forecasts: pl.DataFrame, tmp_path: Path
) -> None:
    inside = pl.col("InvoiceDate").is_between(pl.lit(WEEK).cast(pl.Datetime), pl.lit(END).cast(pl.Datetime), "left")
    more = pl.when(inside & (pl.col("Quantity") > 0)).then(pl.col("Quantity") * 2).otherwise("Quantity")
    then = known_then(lines.with_columns(Quantity=more), params, tmp_path)
    again = walk_week(then, WEEK, params["tune"]["defaults"], params)
    predicted = [name for name in forecasts.columns if name.startswith("predicted")]
    assert again.select("stock_code", "model", *predicted).equals(forecasts.select("stock_code", "model", *predicted))
    assert again["units"].sum() > 1.5 * forecasts["units"].sum()


def test_a_week_has_a_row_per_model_with_all_measures(forecasts: pl.DataFrame) -> None:
    scores = score_week(forecasts)
    assert scores["model"].to_list() == ["network", *REGISTRY]
    assert scores["week"].unique().to_list() == [WEEK]
    assert {"rmsle", "wape", "bias", "coverage", "rows"} <= set(scores.columns)
    assert scores["rows"].to_list() == [forecasts.height // 4] * 4


def test_a_week_without_enough_history_or_without_sales_says_so(
    lines: pl.DataFrame, params: dict[str, Any], tmp_path: Path
) -> None:
    then = known_then(lines, params, tmp_path)
    early = WEEK - timedelta(weeks=22)
    with pytest.raises((ModelError, SourceError), match="weeks"):
        walk_week(
            then.filter(pl.col("invoice_time").dt.date() < early + timedelta(weeks=1)),
            early,
            params["tune"]["defaults"],
            params,
        )
    closed = then.filter(~pl.col("invoice_time").dt.date().is_between(WEEK, END, "left"))
    with pytest.raises(ModelError, match="was the shop closed"):
        walk_week(closed, WEEK, params["tune"]["defaults"], params)
