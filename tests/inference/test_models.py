"""A curve drawn through a few points is the curve, or says that it cannot be."""

from typing import Any

import numpy as np
import pytest

from inference import models
from inference.handler import App
from inference.models import Network
from pricewright.core.decision import moments, price_grid
from pricewright.core.item import Item


@pytest.mark.parametrize("slope", [0.5, 2.0, 5.0])
def test_a_smooth_curve_is_found_between_and_at_the_points(slope: float) -> None:
    def logs(prices: Any) -> Any:
        return np.stack([-slope * (prices**0.6 - 1) / 0.6, np.log1p(prices)], axis=1)

    low, high = 1.5, 4.5
    prices = np.sort(np.append(price_grid(low, high, 100), models.points(low, high)))
    curves = models.through(logs(models.points(low, high)), low, high, prices)
    assert curves is not None
    np.testing.assert_allclose(curves, logs(prices), atol=1e-6)


@pytest.mark.parametrize("edge", [lambda p: np.where(p > 3, 1.0, 0.0), lambda p: np.abs(p - 3), lambda p: p * np.nan])
def test_a_curve_with_an_edge_or_no_numbers_is_refused(edge: Any) -> None:
    points = models.points(1.5, 4.5)
    assert models.through(edge(points)[:, None], 1.5, 4.5, price_grid(1.5, 4.5, 50)) is None


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0.05, 60)])
def test_the_curve_of_the_api_is_that_of_every_price_asked_alone(api: App, low: float, high: float) -> None:
    """Within the guardrail it is interpolated, over a hundredfold range it is not: both are the model's own units."""
    asked = {"unitprice_min": low, "unitprice_max": high} if high else {}
    answer = api({"stock_code": "20007", "num_price_bins": 200, **asked})
    release = api._served.current()
    network, product = release.models.open("network"), release.catalog.product(release.catalog.index_of(Item("20007")))
    assert isinstance(network, Network)
    means, _ = moments(network.units(product, price_grid(low or product.low, high or product.high, 200)))
    np.testing.assert_allclose(answer["curve"]["quantity"], means, rtol=1e-5, atol=1e-4)
