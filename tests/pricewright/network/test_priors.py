"""A product that is sold in several zones: its slopes there have a mean in common, and thin zones learn from it."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pricewright.network.curve_fit import fit_curves
from pricewright.network.curves import Curves
from pricewright.network.grid import grid_of
from tasks.workspace import read_parameters

PARAMS = read_parameters(Path(__file__).parents[3] / "params.yaml")
PRODUCTS, ZONES, WEEKS = 15, 8, 78
WEEKLY = [date(2024, 1, 1) + timedelta(weeks=t) for t in range(WEEKS)]


def thin_chain(seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Panel rows of 15 products in 8 zones that differ little, about 6 units a week; elasticity (products, zones)."""
    rng = np.random.default_rng(seed)
    elasticity = np.exp(rng.normal(0.5, 0.5, (PRODUCTS, 1)) + rng.normal(0, 0.05, (PRODUCTS, ZONES)))
    changes = np.where(rng.random((PRODUCTS, ZONES, WEEKS)) < 0.04, rng.normal(0, 0.1, (PRODUCTS, ZONES, WEEKS)), 0)
    path = np.cumsum(changes, axis=2).clip(-0.4, 0.4)
    units = rng.poisson(6 * np.exp(-elasticity[..., None] * path) * rng.gamma(6, 1 / 6, path.shape))
    rows = [
        {"stock_code": f"P{p:02}@{z}", "store": str(z), "week": WEEKLY[t], "units": float(units[p, z, t]),
         "price": round(4 * float(np.exp(path[p, z, t])), 2)}
        for p in range(PRODUCTS) for z in range(ZONES) for t in range(WEEKS)
    ]  # fmt: skip
    return pl.DataFrame(rows), elasticity


def fitted(panel: pl.DataFrame) -> Curves:
    return fit_curves(grid_of(panel, PARAMS["network"]["anchor_weeks"]), PARAMS["network"]["curves"])


def error(curves: Curves, elasticity: np.ndarray) -> float:
    """Root mean square error of the slopes, in logs."""
    true = {f"P{p:02}@{z}": elasticity[p, z] for p in range(PRODUCTS) for z in range(ZONES)}
    logs = np.log(curves.slope) - np.log([true[code] for code in curves.codes])
    return float(np.sqrt((logs**2).mean()))


@pytest.fixture(scope="module")
def chain() -> tuple[pl.DataFrame, np.ndarray]:
    return thin_chain(seed=4)


def test_zones_of_a_product_learn_from_each_other(chain: tuple[pl.DataFrame, np.ndarray]) -> None:
    panel, elasticity = chain
    together, apart = fitted(panel), fitted(panel.drop("store"))
    assert error(together, elasticity) < 0.8 * error(apart, elasticity)
    assert together.summary["product_slope_sd"] > 0.2 and apart.summary["product_slope_sd"] == 0


def test_what_is_known_of_a_slope_holds_the_truth(chain: tuple[pl.DataFrame, np.ndarray]) -> None:
    panel, elasticity = chain
    curves = fitted(panel)
    sd = np.sqrt(curves.covariance[:, 0, 0])
    true = {f"P{p:02}@{z}": elasticity[p, z] for p in range(PRODUCTS) for z in range(ZONES)}
    latent = np.log(np.expm1([true[code] for code in curves.codes]))
    held = np.abs(latent - curves.mean[:, 0]) < 1.645 * sd
    assert 0.8 < held.mean() <= 1.0


def test_a_shop_without_stores_has_no_products_in_several_zones(chain: tuple[pl.DataFrame, np.ndarray]) -> None:
    panel, _ = chain
    grid = grid_of(panel.drop("store"), 26)
    assert sorted(grid.product) == list(range(len(grid)))
    assert len(set(grid_of(panel, 26).product)) == PRODUCTS
