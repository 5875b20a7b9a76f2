"""The train stage: all models on all weeks, judged on the last ones; walks forward week by week."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pricewright.backtest import backtest_rows, in_stock, measure
from pricewright.backups import REGISTRY, model_names
from pricewright.backups.inputs import read_inputs
from pricewright.backups.trained import TrainedBackup, judge_backup, train_backup
from pricewright.core.errors import ModelError, ParameterError
from pricewright.core.models import NETWORK
from pricewright.families import families_of, shared_families
from pricewright.feature import build_panel, features_of
from pricewright.history import weeks_to_train
from pricewright.items import NO_STORES, Chain, apart, parts
from pricewright.network.export import to_onnx
from pricewright.network.network import DemandNetwork, network_settings
from pricewright.network.walk import Walked, walk
from pricewright.one_price import one_price, zones_summary
from pricewright.partitions import iso_week
from pricewright.price_list import (
    SCHEMA,
    Arrays,
    catalog_arrays,
    history_arrays,
    plan_prices,
    plan_summary,
    price_list,
    store_arrays,
    with_prices,
)
from pricewright.profit import amounts, tax_summary
from pricewright.proof import Proof, assess_proof, price_changes
from pricewright.proof.changes import ever_moved
from pricewright.rules.items import Items, items_of
from pricewright.rules.release import plan_with_rules, rule_arrays
from pricewright.verdict import Verdict

ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class Trained:
    """models: ONNX by name; catalog: the arrays of catalog.npz; price_list, plan, backtest, price_changes: as released.

    metrics: numbers; proof, verdict: what came of past price changes, and what the proof gate says of it.
    """

    models: dict[str, bytes]
    catalog: Arrays
    price_list: pl.DataFrame
    plan: dict[str, Any]
    backtest: pl.DataFrame
    metrics: dict[str, Any]
    price_changes: pl.DataFrame
    proof: Proof
    verdict: Verdict


def train(
    panel: pl.DataFrame,
    coming: pl.DataFrame,
    catalog: pl.DataFrame,
    hyperparameters: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Any],
    report_progress: ReportProgress = lambda share, words: None,
    features: Sequence[str] = (),
    zones: pl.DataFrame = NO_STORES,
    rules: Sequence[Any] = (),
    products: pl.DataFrame | None = None,
) -> Trained:
    """Train, judge and price. `params` is all of params.yaml; panel, coming, catalog and zones are those of the feature
    stage; rules: what the plan keeps to (pricewright/rules/file.py); products: the product file, where there is one.

    Raises ParameterError when models would be judged on weeks that the tuning has seen.
    """
    check_weeks(panel, params)
    own, features = params["train"], features or features_of(panel)
    settings = network_settings(params, hyperparameters["network"], own["network"])
    report_progress(0.0, "network, on the weeks before the backtest")
    families = families_of(panel, dict(catalog.select("stock_code", "description").iter_rows()))
    walked = walk_network(
        panel, features, settings, params, lambda share: report_progress(0.4 * share, "network, week by week"), families
    )
    changes = price_changes(panel, walked.curves, params["proof"], float(params["network"]["level"]["effect_cap"]))
    proof, verdict = assess_proof(changes, params["proof"])
    report_progress(0.4, "network, on all weeks")
    network = DemandNetwork.fit(panel, features, settings, int(own["seed"]), families=families)
    items = items_of(catalog, panel, products) if rules else None
    release = _network_release(network, walked, panel, coming, catalog, families, params, proof.trust, rules, items)
    parts, models, arrays = [walked_rows(walked)], {NETWORK: release.model}, release.arrays
    stocked = in_stock(panel)
    for i, name in enumerate(REGISTRY):
        report_progress(0.7 + 0.3 * i / len(REGISTRY), name)
        backup = _backup(name, stocked, features, hyperparameters[name], own)
        models[name] = backup.model.to_onnx()
        arrays |= backup.retransformation.arrays(name)
        parts.append(backtest_rows(stocked.filter(pl.Series(backup.tested)), name, backup.backtest))
    backtest = pl.concat([part.sort("week", "stock_code") for part in parts])
    parted = bool(zones.height)
    arrays |= store_arrays(catalog, zones)
    arrays |= history_arrays(panel, catalog["stock_code"].to_list(), int(own["history_weeks"]))
    arrays["feature_names"] = np.asarray(features, dtype=np.str_)
    arrays["last_week"] = np.asarray(iso_week(panel["week"].sort().to_list()[-1]))
    metrics = {
        "models": measure(backtest),
        "network": {**network.curves.summary, "spread": walked.spread, "calibration": walked.calibration.factor},
        "prices": {
            **_price_metrics(release.price_list),
            "ever_moved": ever_moved(panel),
            "known": panel["stock_code"].n_unique(),
        },
        "plan": release.plan,
        "proof": proof.as_dict(),
    }
    report_progress(1.0, "done")
    return Trained(
        models,
        arrays,
        apart(release.price_list, parted=parted),
        release.plan,
        backtest,
        metrics,
        apart(changes.select(*SCHEMA), parted=parted),
        proof,
        verdict,
    )


@dataclass(frozen=True)
class _NetworkRelease:
    model: bytes
    arrays: Arrays
    price_list: pl.DataFrame
    plan: dict[str, Any]


def check_weeks(panel: pl.DataFrame, params: Mapping[str, Any]) -> None:
    """Raises ModelError when there are too few weeks, ParameterError when the tuning saw those of the backtest."""
    own, judged = params["train"], int(params["tune"]["judged_weeks"])
    if int(own["backtest_weeks"]) > judged:
        raise ParameterError(
            f"train.backtest_weeks is {own['backtest_weeks']} and tune.judged_weeks {judged}: the tuning would have "
            "seen weeks on which the models are judged.",
            hint="raise tune.judged_weeks as well.",
        )
    weeks = panel["week"].n_unique()
    needed = weeks_to_train(params)
    if weeks < needed:
        raise ModelError(
            f"the panel has {weeks} weeks: at least {needed} are needed to train and to judge.",
            hint="give more history, or lower train.backtest_weeks and train.calibration_weeks.",
        )


def walk_network(
    panel: pl.DataFrame,
    features: Sequence[str],
    settings: Mapping[str, Any],
    params: Mapping[str, Any],
    report_progress: Callable[[float], None] = lambda share: None,
    families: Mapping[str, str] | None = None,
) -> Walked:
    """The network of the weeks before, walked through the calibration and the backtest."""
    own, judged = params["train"], int(params["train"]["backtest_weeks"])
    weeks = panel["week"].unique().sort().to_list()[-judged - int(own["network"]["calibration_weeks"]) :]
    earlier = panel.filter(pl.col("week") < weeks[0])
    network = DemandNetwork.fit(earlier, features, settings, int(own["seed"]), families=families)
    report_progress(0.5)
    return walk(panel, network, weeks, judged, own["network"])


def walked_rows(walked: Walked) -> pl.DataFrame:
    """The network's part of backtest.parquet."""
    rows = pl.DataFrame(
        {
            "stock_code": walked.sku,
            "week": walked.week,
            "price": walked.price,
            "units": walked.units,
        }
    )
    return backtest_rows(rows, NETWORK, walked.forecast)


def _network_release(
    network: DemandNetwork,
    walked: Walked,
    panel: pl.DataFrame,
    coming: pl.DataFrame,
    catalog: pl.DataFrame,
    families: Mapping[str, str],
    params: Mapping[str, Any],
    trust: float,
    rules: Sequence[Any],
    items: Items | None,
) -> _NetworkRelease:
    """The network's graph and arrays, and the price list that they give."""
    own, codes = params["train"], catalog["stock_code"].to_list()
    ahead = network.rows_ahead(panel, coming)
    inputs = ahead.inputs[:, : len(network.features)]
    _, size = network.forecast_rows(ahead)
    model = to_onnx(network, int(own["draws"]), int(own["seed"]), walked.calibration.factor)
    curves = network.curves.of(codes)
    posterior = network.posterior(codes, network.levels(ahead) * walked.calibration.factor)
    priced = with_prices(catalog, panel, curves.base_price)
    how = (posterior, priced, curves.informed, int(own["draws"]), int(own["seed"]), params["price"])
    ruled = plan_with_rules(*how, rules, items) if items else None
    plan, products = (ruled.plan, ruled.products) if ruled else plan_prices(*how)
    notes = [", ".join(names) for names in ruled.binding] if ruled else ()
    prices = price_list(plan, products, priced, _named(priced, families), params["price"], trust, notes)
    arrays = catalog_arrays(priced, coming, prices, params["price"])
    cost = amounts(priced, "unit_cost")
    summary: dict[str, Any] = dict(plan_summary(plan, trust, cost)) | tax_summary(priced, params["price"])
    if ruled:
        summary |= {"rules": [{**row, "cost": trust * row["cost"]} for row in ruled.table]}
        arrays |= rule_arrays(ruled)
    if priced["store"].n_unique() > 1:
        skus = parts(priced["stock_code"], parted=True)["stock_code"].to_list()
        terms = (int(own["draws"]), int(own["seed"]), float(params["price"]["minimum_probability"]))
        summary |= zones_summary(plan, one_price(posterior, products, skus, *terms, cost), trust, cost)
    arrays |= posterior.arrays() | {
        "features": inputs.astype(np.float32),
        "effects": network.effects(ahead, posterior, plan.current),
        "dispersion": size,
        "spread": np.asarray(walked.spread),
        "fixed": np.array([product.fixed for product in products], dtype=np.uint8),
    }
    return _NetworkRelease(model, arrays, prices, summary)


def _named(catalog: pl.DataFrame, families: Mapping[str, str]) -> list[str | None]:
    """What the families of the catalog's items are called."""
    stores = catalog["store"].to_list() if "store" in catalog.columns else None
    return shared_families(catalog["stock_code"].to_list(), families, stores)


def _backup(
    name: str, panel: pl.DataFrame, features: Sequence[str], hyperparameters: Mapping[str, Any], own: Mapping[str, Any]
) -> TrainedBackup:
    return train_backup(
        name,
        panel,
        features,
        hyperparameters,
        int(own["seed"]),
        backtest_weeks=int(own["backtest_weeks"]),
        calibration_weeks=int(own["calibration_weeks"]),
    )


def _price_metrics(prices: pl.DataFrame) -> dict[str, float]:
    moved = prices["optimal_price"] != prices["current_price"]
    expected, current = float(prices["expected_sales"].sum()), float(prices["current_expected_sales"].sum())
    return {
        "skus": prices.height,
        "moved": int(moved.sum()),
        "raised": int((prices["optimal_price"] > prices["current_price"]).sum()),
        "sales_uplift": expected / current - 1 if current > 0 else 0.0,
    }


def walk_week(
    transactions: pl.DataFrame,
    week: date,
    hyperparameters: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Any],
    models: Sequence[str] | None = None,
    chain: Chain | None = None,
) -> pl.DataFrame:
    """Forecasts of all SKUs for one week (a Monday) as in backtest.parquet, made by models of the weeks before it.

    transactions: as they were known at the end of that week (ingest/cancellations.py), for a panel of today knows
    which SKUs will sell, and what will be cancelled. `params` is all of params.yaml. Raises SourceError or ModelError
    when the history is too short, or the shop was closed in that week. models: all of them, unless named; chain: what
    is priced, see build_panel.
    """
    panel = build_panel(transactions, params["feature"], last_week=week, chain=chain).rows
    if panel.filter(pl.col("week") == week).is_empty():
        raise ModelError(f"no SKU of the panel was on sale in the week of {week}.", hint="was the shop closed?")
    params = {**params, "train": {**params["train"], "backtest_weeks": 1}}
    check_weeks(panel, params)
    own = params["train"]
    parts = []
    for model in models or model_names():
        if model == NETWORK:
            settings = network_settings(params, hyperparameters[model], own["network"])
            parts.append(walked_rows(walk_network(panel, features_of(panel), settings, params)))
        else:
            _, forecast, tested = judge_backup(
                model,
                read_inputs(panel, features_of(panel)),
                hyperparameters[model],
                int(own["seed"]),
                backtest_weeks=1,
                calibration_weeks=int(own["calibration_weeks"]),
            )
            parts.append(backtest_rows(panel.filter(pl.Series(tested)), model, forecast))
    return pl.concat([part.sort("stock_code") for part in parts])


def score_week(forecasts: pl.DataFrame) -> pl.DataFrame:
    """One row per model: week, model and the measures of the backtest."""
    week = forecasts["week"][0]
    rows = [{"week": week, "model": model, **values} for model, values in measure(forecasts).items()]
    return pl.DataFrame(rows).with_columns(pl.col("rows").cast(pl.Int64))
