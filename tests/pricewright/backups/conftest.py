"""A panel of simulated SKUs whose slope of price is known, and prices that follow the season."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

FEATURES = ("log_level", "mean_4", "season", "noise")
SLOPE = 2.0
SKUS, WEEKS = 150, 60


def simulate_panel(skus: int = SKUS, weeks: int = WEEKS, seed: int = 7) -> pl.DataFrame:
    """skus x weeks rows: negative binomial units, log mean = level + season - SLOPE x log price ratio.

    Prices are raised in high season, so that a naive regression sees a far smaller slope.
    """
    rng = np.random.default_rng(seed)
    level = rng.normal(3.5, 0.8, (skus, 1))
    phase = rng.uniform(0, 2 * np.pi, (skus, 1))
    season = 0.6 * np.sin(2 * np.pi * np.arange(weeks) / 26 + phase)
    ratio = 0.15 * season + rng.normal(0, 0.06, (skus, weeks)) - 0.3 * (rng.random((skus, weeks)) < 0.08)
    mean = np.exp(level + season - SLOPE * ratio)
    units = rng.poisson(mean * rng.gamma(4.0, 0.25, mean.shape)).astype(float)
    reference = np.exp(rng.normal(1.0, 0.5, (skus, 1)))
    price = reference * np.exp(ratio)
    past = np.concatenate([np.repeat(np.log1p(units[:, :1]), 4, axis=1), np.log1p(units)], axis=1)
    mean_4 = np.stack([past[:, t : t + 4].mean(axis=1) for t in range(weeks)], axis=1)
    first = date(2024, 1, 1)
    columns = {
        "units": units,
        "price": price,
        "reference_price": np.broadcast_to(reference, price.shape),
        "last_price": np.concatenate([price[:, :1], price[:, :-1]], axis=1),
        "log_level": level + rng.normal(0, 0.1, price.shape),
        "mean_4": mean_4,
        "season": season,
        "noise": rng.normal(0, 1, price.shape),
    }
    return pl.DataFrame(
        {
            "stock_code": np.repeat([f"{i:05d}" for i in range(skus)], weeks),
            "week": [first + timedelta(weeks=t) for _ in range(skus) for t in range(weeks)],
            **{name: values.ravel() for name, values in columns.items()},
        }
    ).with_columns(pl.col(FEATURES).cast(pl.Float32))


@pytest.fixture(scope="session")
def panel() -> pl.DataFrame:
    """The whole simulated panel."""
    return simulate_panel()
