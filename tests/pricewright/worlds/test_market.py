"""The simulated market has the demand it claims, and messy lines of its till can be parted from its sales."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.core.errors import ParameterError
from pricewright.ingest import Ingested, ingest_frame
from pricewright.worlds.market import REGIMES, SHAPES, Market, simulate

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
SMALL = PARAMS["market"] | {"skus": 60, "weeks": 60}


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def rung_up(market: Market) -> pl.DataFrame:
    return market.transactions(SMALL)


@pytest.fixture(scope="module")
def ingested(rung_up: pl.DataFrame) -> Ingested:
    return ingest_frame(rung_up, PARAMS["ingest"], source="market")


def weekly(accepted: pl.DataFrame, market: Market) -> np.ndarray:
    """Units per SKU and full week, shaped as the market's."""
    codes, weeks = pl.DataFrame({"stock_code": market.codes}), pl.DataFrame({"week": market.weeks})
    sold = accepted.group_by("stock_code", week=pl.col("invoice_time").dt.truncate("1w").dt.date()).agg(
        pl.col("units").sum()
    )
    grid = codes.join(weeks, how="cross").join(sold, on=["stock_code", "week"], how="left", maintain_order="left")
    return grid["units"].fill_null(0).to_numpy().reshape(market.units.shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_curve_sells_its_base_at_the_reference_price_and_never_more_when_dearer(shape: str) -> None:
    ratios, elasticity = np.linspace(0.4, 2.5, 200), np.asarray(1.7)
    curve = SHAPES[shape](ratios, elasticity)
    assert SHAPES[shape](np.ones(1), elasticity)[0] == pytest.approx(1)
    assert (np.diff(curve) <= 0).all() and (curve > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_curve_has_the_elasticity_it_is_given(shape: str) -> None:
    step, elasticity = 1e-5, np.asarray(1.7)
    below, above = (abs(np.log(SHAPES[shape](np.asarray(1 + s), elasticity))) / step for s in (-step, step))
    expected = (0.8 * 1.7, 1.4 * 1.7) if shape == "kinked" else (1.7, 1.7)
    assert (below, above) == pytest.approx(expected, rel=1e-3)


def test_expected_units_fall_along_the_true_elasticity(market: Market) -> None:
    for sku in range(len(market.codes)):
        at = market.reference[sku] * np.array([0.999, 1.001])
        units = market.expected_units(sku, at)
        slope = np.diff(np.log(units))[0] / np.diff(np.log(at))[0]
        steeper, flatter = (1.4, 0.8) if market.shape[sku] == "kinked" else (1.02, 0.98)
        assert steeper * market.elasticity[sku] <= slope <= flatter * market.elasticity[sku]


def test_the_same_seed_is_the_same_market_and_another_seed_another(market: Market, rung_up: pl.DataFrame) -> None:
    assert simulate(SMALL).transactions(SMALL).equals(rung_up)
    assert not np.array_equal(simulate(SMALL | {"seed": 1}).units, market.units)


def test_an_unknown_regime_is_an_error() -> None:
    with pytest.raises(ParameterError, match=r"market\.regime is 'wild': it must be one of mixed, confounded, thin"):
        simulate(SMALL | {"regime": "wild"})


def test_regimes_differ_in_how_prices_are_set() -> None:
    def of(regime: str) -> Market:
        return simulate(SMALL | {"regime": regime, "skus": 150, "weeks": 104})

    def price_changes(market: Market) -> float:
        return float((np.diff(market.prices, axis=1) != 0).mean())

    def follows_demand(market: Market) -> float:
        sold = np.log1p(market.units)
        log_price = np.log(market.prices / market.reference[:, None])
        return float(np.mean([np.corrcoef(u, p)[0, 1] for u, p in zip(sold, log_price, strict=True)]))

    mixed, thin, confounded, shifted = (of(regime) for regime in ("mixed", "thin", "confounded", "shifted"))
    assert set(REGIMES) == {"mixed", "thin", "confounded", "shifted"}
    assert price_changes(thin) < 0.5 * price_changes(mixed)
    assert follows_demand(confounded) > follows_demand(mixed) + 0.1
    assert np.array_equal(shifted.prices, mixed.prices)
    assert not np.allclose(shifted.elasticity, mixed.elasticity)


def test_a_till_without_messy_lines_rings_up_every_unit(market: Market) -> None:
    lines = market.transactions(SMALL | {"dirt": 0.0, "cut_off_days": 0})
    assert lines["Quantity"].sum() == market.units.sum()
    assert (lines["InvoiceDate"].dt.weekday() != 6).all()  # closed on Saturdays
    assert lines["InvoiceDate"].is_sorted()
    begun = market.transactions(SMALL | {"dirt": 0.0})
    last = begun["InvoiceDate"].max()
    assert (last.date() - market.weeks[-1]).days in range(7, 7 + SMALL["cut_off_days"])  # type: ignore[union-attr]


def test_all_messy_lines_are_accounted_for(rung_up: pl.DataFrame, ingested: Ingested) -> None:
    counts = ingested.counts
    assert counts["accepted"] + counts["quarantined"] + counts["duplicates"] == counts["rows"] == rung_up.height
    assert set(counts["reasons"]) == {"not a product", "cancellation", "stock adjustment", "price not above zero"}
    services = rung_up["StockCode"].str.strip_chars().str.to_uppercase().is_in(["POST", "D", "M", "BANK CHARGES"])
    assert counts["reasons"]["not a product"] == pytest.approx(services.sum(), rel=0.05)  # less the duplicates
    assert counts["duplicates"] == pytest.approx(0.5 * SMALL["dirt"] * rung_up.height, rel=0.4)
    assert counts["gate"]["status"] == "ok"


def test_no_sku_comes_or_goes_with_the_messy_lines(market: Market, ingested: Ingested) -> None:
    assert set(ingested.accepted["stock_code"]) <= set(market.codes)
    assert ingested.counts["skus"] > 0.95 * len(market.codes)


def test_what_was_taken_back_sold_nothing(ingested: Ingested) -> None:
    huge = ingested.accepted.filter(pl.col("quantity") >= 70_000)
    assert huge["units"].to_list() == [0]
    assert ingested.counts["cancelled_units_without_sale"] == 0


def test_ingest_finds_the_true_units_of_nearly_every_week(market: Market, ingested: Ingested) -> None:
    """Of a customer's identical lines on one invoice, one is kept: 1 unit in 1,000 is lost to that."""
    found, true = weekly(ingested.accepted, market), market.units
    assert (found == true).mean() > 0.95
    assert abs(found - true).sum() < 0.005 * true.sum()
