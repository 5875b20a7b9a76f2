"""Real weeks: the last eight of the UCI retailer, one week ahead, our models beside simple forecasts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.boosted import fit_booster, inputs
from pricewright.backtest import measure
from pricewright.backups import REGISTRY
from pricewright.feature import FEATURES, build_panel
from pricewright.ingest import ingest
from pricewright.train import train
from testing.report import Target, markdown, target_table

FILES = ("online_retail.parquet", "online_retail_ii.parquet")
FOLDER = Path(__file__).parents[2] / "shared" / "data"
FEATURE_NAMES = tuple(FEATURES)
OURS = ("network", *REGISTRY)
MEAN_OF_FOUR = "mean of 4 weeks"
YARDSTICK = (  # measured once on a simpler panel of online_retail.parquet, which comes with the data
    ("last week", 1.234, 37.9, 0.729, 1.02),
    ("mean of 4 weeks", 1.146, 32.8, 0.631, 0.99),
    ("mean of log over 4 weeks", 1.042, 29.4, 0.566, 0.79),
    ("LightGBM on log units", 0.901, 27.7, 0.532, 0.70),
    ("LightGBM, Tweedie", 1.054, 28.2, 0.542, 0.96),
    ("LightGBM on log units, 60 features, refitted weekly", 0.880, 25.9, 0.498, 0.77),
)


def judge(source: Path, params: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Measures of every forecast on the same rows: those of the backtest."""
    panel = build_panel(ingest(source, params["ingest"]).accepted, params["feature"])
    trained = train(panel.rows, panel.coming, panel.catalog, params["tune"]["defaults"], params)
    judged = trained.backtest.filter(pl.col("model") == "network").select("stock_code", "week", "price", "units")
    return measure(
        pl.concat([*simple_forecasts(panel.rows, judged), *boosted_forecasts(panel.rows, judged), trained.backtest])
    )


def simple_forecasts(panel: pl.DataFrame, judged: pl.DataFrame) -> list[pl.DataFrame]:
    """Last week, mean of four weeks, mean of log over four weeks; 0 before anything was sold."""
    past = pl.col("units").shift(1)
    table = panel.sort("stock_code", "week").select(
        "stock_code",
        "week",
        past.over("stock_code").fill_null(0.0).alias("last week"),
        past.rolling_mean(4, min_samples=1).over("stock_code").fill_null(0.0).alias(MEAN_OF_FOUR),
        past.log1p()
        .rolling_mean(4, min_samples=1)
        .over("stock_code")
        .fill_null(0.0)
        .exp()
        .sub(1)
        .alias("mean of log over 4 weeks"),
    )
    rows = judged.join(table, on=["stock_code", "week"], how="left", maintain_order="left")
    return [as_backtest(judged, name, rows[name]) for name in table.columns[2:]]


def boosted_forecasts(panel: pl.DataFrame, judged: pl.DataFrame) -> list[pl.DataFrame]:
    """LightGBM with 500 trees on the weeks before the judged ones: on log units, and with a Tweedie likelihood."""
    before = panel.filter(pl.col("week") < judged["week"].min())
    rows = judged.select("stock_code", "week").join(panel, on=["stock_code", "week"], how="left", maintain_order="left")
    ahead, units = inputs(rows, FEATURE_NAMES), before["units"].to_numpy()
    log = fit_booster(before, FEATURE_NAMES, np.log1p(units), "regression", monotone=False).predict(ahead)
    mean = fit_booster(before, FEATURE_NAMES, units, "tweedie", monotone=False).predict(ahead)
    return [
        as_backtest(judged, "LightGBM on log units", pl.Series(np.expm1(np.maximum(log, 0.0)))),
        as_backtest(judged, "LightGBM, Tweedie", pl.Series(mean)),
    ]


def as_backtest(judged: pl.DataFrame, name: str, units: pl.Series) -> pl.DataFrame:
    """A forecast of one number: it stands for mean, median and mean log alike, and has no interval."""
    return judged.with_columns(
        pl.lit(name).alias("model"),
        units.cast(pl.Float64).alias("predicted_units"),
        units.cast(pl.Float64).alias("predicted_median"),
        units.cast(pl.Float64).log1p().alias("predicted_log1p"),
        pl.lit(float("nan")).alias("predicted_low"),
        pl.lit(float("nan")).alias("predicted_high"),
    )


def real_section(source: Path, measures: Mapping[str, Mapping[str, float]]) -> str:
    """The measured table, the yardstick beside it, the targets."""
    rows = []
    for name, m in measures.items():
        covered = f"{m['coverage']:.1%}" if name in OURS else "-"
        rows.append([name, f"{m['rmsle']:.3f}", f"{m['mae']:.1f}", f"{m['wape']:.3f}", f"{m['bias']:.2f}", covered])
    header = ["forecast", "RMSLE", "MAE", "WAPE", "sum(predicted)/sum(actual)", "90 % interval covers"]
    parts = [f"### {source.name}: {measures['network']['rows']:,.0f} rows", markdown(header, rows)]
    if source.name == FILES[0]:
        known = [[n, f"{a:.3f}", f"{b:.1f}", f"{c:.3f}", f"{d:.2f}"] for n, a, b, c, d in YARDSTICK]
        parts += ["The yardstick that comes with the data, on a simpler panel of its own:", markdown(header[:5], known)]
    return "\n\n".join([*parts, target_table(real_targets(measures))])


def real_targets(measures: Mapping[str, Mapping[str, float]]) -> list[Target]:
    """What was asked of the network and of the backups."""
    m, four = measures["network"], measures[MEAN_OF_FOUR]
    order = [measures[name]["rmsle"] for name in OURS]
    better = [n for n in REGISTRY if measures[n]["rmsle"] < four["rmsle"] and measures[n]["wape"] < four["wape"]]
    return [
        Target("network, RMSLE", "at most 0.87", f"{m['rmsle']:.3f}", m["rmsle"] <= 0.87),
        Target("network, WAPE", "at most 0.50", f"{m['wape']:.3f}", m["wape"] <= 0.50),
        Target("network, bias", "0.95 to 1.05", f"{m['bias']:.3f}", 0.95 <= m["bias"] <= 1.05),
        Target("network, intervals cover", "85 to 95 %", f"{m['coverage']:.1%}", 0.85 <= m["coverage"] <= 0.95),
        Target(
            "network, then backups in order, RMSLE",
            "rising",
            " ".join(f"{v:.3f}" for v in order),
            order == sorted(order),
        ),
        Target(
            "backups better than the mean of 4 weeks", "all", ", ".join(better) or "none", len(better) == len(REGISTRY)
        ),
    ]
