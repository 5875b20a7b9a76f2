"""Worlds are good judges: both ways of moving a price pay somewhere, and a rule that looks at no sale gains little."""

from typing import Any

import numpy as np
import pytest

from pricewright.worlds import KINDS, World, simulate_world
from pricewright.worlds.attainable import oracle_prices

SMALL: dict[str, Any] = {"skus": 60, "weeks": 60, "first_week": "2024-01-01", "units_per_week": 25}
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def worlds() -> list[tuple[World, np.ndarray]]:
    """Every kind and seed, with the oracle's prices."""
    drawn = [simulate_world(SMALL | {"kind": kind, "seed": seed}) for kind in KINDS for seed in SEEDS]
    return [(world, oracle_prices(world)) for world in drawn]


def gain(world: World, prices: np.ndarray) -> float:
    return world.expected_sales(prices) / world.expected_sales(world.now) - 1


def test_the_oracle_gains_what_field_experiments_find(worlds: list[tuple[World, np.ndarray]]) -> None:
    gains = [gain(world, oracle) for world, oracle in worlds]
    assert 0.02 < np.mean(gains) < 0.12  # 3 to 11 % in field experiments
    assert min(gains) > 0.005 and np.median(gains) > 0.01


def test_the_oracle_raises_about_as_many_prices_as_it_lowers(worlds: list[tuple[World, np.ndarray]]) -> None:
    raised = []
    for world, oracle in worlds:
        moved = np.abs(oracle / world.now - 1) > 0.005
        raised.append((oracle > world.now)[moved].mean())
    assert 0.35 < np.mean(raised) < 0.65


@pytest.mark.parametrize("factor", [0.5, 0.9, 0.95, 1.05, 1.1, 2.0])  # the outer two are the guardrail's ends
def test_one_factor_on_all_prices_captures_little(factor: float, worlds: list[tuple[World, np.ndarray]]) -> None:
    moved = [gain(world, np.clip(factor * world.now, world.low, world.high)) for world, _ in worlds]
    captured = [found / gain(world, oracle) for found, (world, oracle) in zip(moved, worlds, strict=True)]
    assert np.mean(captured) <= 0.15


def test_elasticities_spread_from_inelastic_to_very_elastic(worlds: list[tuple[World, np.ndarray]]) -> None:
    own = np.concatenate([world.elasticity for world, _ in worlds])
    assert (own > -0.8).mean() > 0.03 and (own < -3).mean() > 0.05
    alone = np.concatenate([world.elasticity for world, _ in worlds if world.truth.curves.form == "independent"])
    assert -1.3 < np.median(alone) < -0.8
