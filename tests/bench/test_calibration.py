"""The inference, on shops drawn from the model's own prior."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bench.calibration import calibrate, draw_picture, draw_shop, held, posterior_ranks
from pricewright.network.curve_fit import fit_curves
from pricewright.network.grid import grid_of

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["network"]["curves"]
SHOPS, SKUS, WEEKS = 5, 48, 104


@pytest.mark.parametrize("substitutes", [False, True])
def test_the_truth_lies_where_the_posterior_says(substitutes: bool) -> None:
    slopes, keeps = calibrate(SHOPS, SKUS, WEEKS, PARAMS, substitutes=substitutes)
    assert len(slopes) == SHOPS * SKUS and len(keeps) == (SHOPS * SKUS // 6 if substitutes else 0)
    assert 0.88 <= held(slopes, 0.9) <= 0.995
    assert held(slopes, 0.5) >= 0.45
    assert 0.42 <= slopes.mean() <= 0.58  # neither steeper than the truth on average nor flatter
    if substitutes:
        assert held(keeps, 0.9) >= 0.8


def test_a_posterior_that_is_too_sure_is_found_out() -> None:
    shop = draw_shop(1, SKUS, WEEKS, PARAMS, substitutes=False)
    curves = fit_curves(grid_of(shop.panel, 26, shop.families), PARAMS)
    sure = posterior_ranks(shop, replace(curves, covariance=curves.covariance / 16))[0]
    assert held(sure, 0.9) < 0.7 < held(posterior_ranks(shop, curves)[0], 0.9)
    shifted = posterior_ranks(shop, replace(curves, mean=curves.mean + np.array([1.0, 0.0])))[0]
    assert shifted.mean() < 0.3


def test_the_picture_is_flat_where_ranks_are_even() -> None:
    figure = draw_picture({"slopes": np.linspace(0.0005, 0.9995, 1000)})
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert len(heights) == 20 and max(heights) < 1.05 and min(heights) > 0.95
    assert "90 %" in figure.axes[0].get_title()
