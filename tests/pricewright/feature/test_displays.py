"""A shop of displays: the models that stand in for the network have to know which weeks have one, and whose."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.backups.inputs import read_inputs
from pricewright.backups.trained import judge_backup
from pricewright.feature import Panel, build_panel, features_of

FAMILIES, MEMBERS, WEEKS = 8, 3, 60
LIFT, LOSS = np.log(3.0), np.log(0.6)  # of a display: its own units, and those of each rival


@pytest.fixture(scope="module")
def shop(sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]) -> Panel:
    """Every week one member of each family is on display with a chance of a half; prices never change."""
    rng = np.random.default_rng(3)
    sales: list[tuple[str, str, int, float]] = []
    stated: dict[str, list[Any]] = {"category": [], "promotion": []}
    level = rng.normal(3.5, 0.5, (FAMILIES, MEMBERS))
    for week in range(WEEKS):
        day = str(date(2023, 1, 2) + timedelta(weeks=week))
        for family in range(FAMILIES):
            shown = int(rng.integers(MEMBERS)) if rng.random() < 0.5 else -1
            for member in range(MEMBERS):
                effect = 0.0 if shown < 0 else LIFT if member == shown else LOSS
                units = int(rng.poisson(np.exp(level[family, member] + effect)))
                sales.append((day, f"{family}{member}", units, 2.0))
                stated["category"].append(f"F{family}")
                stated["promotion"].append(float(member == shown))
    return build_panel(sold(*sales, **stated), params)


@pytest.mark.parametrize("name", ["lightgbm", "elastic_net", "svr"])
def test_a_backup_foresees_a_display_and_what_it_takes_from_rivals(
    shop: Panel, whole: Mapping[str, Any], name: str
) -> None:
    inputs, defaults = read_inputs(shop.rows, features_of(shop.rows)), whole["tune"]["defaults"][name]
    _, forecast, tested = judge_backup(name, inputs, defaults, 1, backtest_weeks=8, calibration_weeks=8, threads=1)
    rows = shop.rows.filter(pl.Series(tested))
    ratio = forecast.mean / np.maximum(rows["units"].to_numpy().astype(float), 1.0)
    own, rival = rows["own_promotion"].to_numpy() > 0, rows["family_promotion"].to_numpy() > 0
    for weeks in (own, rival, ~own & ~rival):
        assert weeks.sum() > 20 and np.median(ratio[weeks]) == pytest.approx(1, abs=0.25)


def test_the_coming_week_has_no_display_that_nobody_announced(shop: Panel) -> None:
    assert not shop.coming.select("own_promotion", "family_promotion", "family_cut", "family_price").to_numpy().any()
