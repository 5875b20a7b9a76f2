"""A competitor's price has an effect of its own: found where it was simulated, and absent where nobody knows one."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.backups.inputs import read_inputs
from pricewright.backups.trained import train_backup
from pricewright.feature import FEATURES, build_panel, features_of
from pricewright.feature.features import COMPETITOR

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
SKUS, WEEKS, FIRST = 24, 70, datetime(2024, 1, 1)
OWN, CROSS = -2.0, 1.5  # elasticities: of the own price, of the competitor's
LIGHTGBM = PARAMS["tune"]["defaults"]["lightgbm"] | {"trees": 60, "leaves": 15}


def lines() -> pl.DataFrame:
    """Weekly totals of products whose price and competitor's price move by themselves; buyers know what the competitor
    asked last week."""
    rng = np.random.default_rng(5)
    usual, level = rng.uniform(2, 20, SKUS), rng.uniform(60, 200, SKUS)
    rows = []
    for sku in range(SKUS):
        own, seen, other = 1.0, 1.0, 1.0
        for week in range(WEEKS):
            own = float(rng.choice([0.85, 1.0, 1.15])) if rng.random() < 0.17 else own
            seen, other = other, float(rng.choice([0.8, 1.0, 1.25])) if rng.random() < 0.4 else other
            units = rng.poisson(level[sku] * own**OWN * seen**CROSS)
            time = FIRST + timedelta(weeks=week)
            rows.append((f"P{sku:02}", time, usual[sku] * own, usual[sku] * other, units))
    names = ["stock_code", "invoice_time", "unit_price", "competitor_price", "quantity"]
    sold = pl.DataFrame(rows, schema=names, orient="row").filter(pl.col("quantity") > 0).with_row_index("row")
    return sold.with_columns(
        pl.col("quantity").cast(pl.Float64), units=pl.col("quantity").cast(pl.Float64), cancelled=0.0,
        invoice=pl.col("row").cast(pl.String), description="stock_code", customer_id=pl.lit(None, pl.String),
        country=pl.lit(None, pl.String), source=pl.lit("till"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return build_panel(lines(), PARAMS["feature"]).rows


def test_the_gap_is_known_before_the_week_begins(panel: pl.DataFrame) -> None:
    """It is that of the competitor's price in the week before."""
    code = panel["stock_code"][0]
    rows = panel.filter(pl.col("stock_code") == code).sort("week")
    asked = (
        lines().filter(pl.col("stock_code") == code).select("competitor_price", week=pl.col("invoice_time").dt.date())
    )
    before = rows.with_columns(before=pl.col("week").shift(1)).join(asked, left_on="before", right_on="week")
    expected = (before["competitor_price"] / before["reference_price"]).log()
    assert before[COMPETITOR].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)
    assert rows["week"].min() == date(2024, 1, 1) and rows[COMPETITOR][0] == 0.0, "nobody knew it yet"


@pytest.mark.parametrize(("name", "how"), [("elastic_net", {"alpha": 0.001, "l1_ratio": 0.5}), ("lightgbm", LIGHTGBM)])
def test_a_competitor_that_gets_dearer_sends_buyers_and_forecasts_know_it(
    panel: pl.DataFrame, name: str, how: dict[str, Any]
) -> None:
    known, unknown = (train_backup(name, panel, features, how, 1) for features in (features_of(panel), FEATURES))
    units = panel["units"].to_numpy()[known.tested]
    error, blind = (np.abs(found.backtest.median - units).sum() / units.sum() for found in (known, unknown))
    assert error < 0.9 * blind
    inputs = read_inputs(panel.tail(500), features_of(panel))
    dearer = inputs.features.copy()
    dearer[:, -1] += np.float32(0.2)
    now, then = (known.forecast(rows, inputs.price).mean for rows in (inputs.features, dearer))
    assert then.sum() > 1.05 * now.sum(), "up to 0.2 x CROSS"
    cheaper = known.forecast(inputs.features, inputs.price + np.float32([-0.1, -0.1, -0.1])).mean
    assert cheaper.sum() > now.sum(), "its own price has its own effect"


def test_a_shop_that_knows_no_competitor_learns_from_the_same_features_as_ever(panel: pl.DataFrame) -> None:
    assert features_of(panel) == (*FEATURES, COMPETITOR)
    alone = build_panel(lines().drop("competitor_price").head(800), PARAMS["feature"]).rows
    assert features_of(alone) == FEATURES and set(alone[COMPETITOR].to_list()) == {0.0}
