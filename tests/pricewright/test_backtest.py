import numpy as np
import polars as pl
import pytest

from pricewright.backtest import backtest_rows, measure
from pricewright.core.forecast import Forecast

ROWS = pl.DataFrame({"stock_code": ["A", "B"], "week": ["w", "w"], "price": [1.0, 2.0], "units": [3.0, 0.0]})


def test_each_measure_takes_the_prediction_that_it_is_a_measure_of() -> None:
    forecast = Forecast(
        mean=np.array([4.0, 2.0]),
        median=np.array([2.0, 0.0]),
        log1p=np.log1p([3.0, 1.0]),
        low=np.array([0.0, 1.0]),
        high=np.array([9.0, 3.0]),
    )
    numbers = measure(backtest_rows(ROWS, "network", forecast))["network"]
    assert numbers["bias"] == pytest.approx(2.0)
    assert numbers["wape"] == pytest.approx(1 / 3)
    assert numbers["mae"] == pytest.approx(0.5)
    assert numbers["mse_log"] == pytest.approx(np.log(2) ** 2 / 2)
    assert numbers["rmsle"] == pytest.approx(np.log(2) / np.sqrt(2))
    assert numbers["coverage"] == 0.5
