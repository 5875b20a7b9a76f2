import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.price_features import PRICE_FEATURES, log_price_ratio, price_features

PRICES = st.floats(0.01, 1e4)


@given(PRICES, PRICES, PRICES)
def test_all_columns_belong_to_one_price(price: float, reference: float, last: float) -> None:
    ratio, share, change = price_features(np.array([price]), reference, last)[0].astype(np.float64)
    assert np.isclose(share, price / reference, rtol=1e-5)
    assert np.isclose(ratio, np.log(share), atol=1e-4)
    assert np.isclose(change - ratio, np.log(reference / last), atol=1e-4)


def test_every_column_rises_with_the_price_of_a_sweep() -> None:
    swept = price_features(np.linspace(1, 20, 40), 5.0, 4.5)
    assert swept.shape == (40, len(PRICE_FEATURES))
    assert swept.dtype == np.float32
    assert (np.diff(swept, axis=0) > 0).all()


def test_the_reference_price_is_where_the_log_ratio_is_nought() -> None:
    assert log_price_ratio(3.5, 3.5) == 0.0
