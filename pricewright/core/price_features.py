"""Everything that is derived from a price, in one place for training and serving.

A price sweep that changes the price but leaves its logarithm or ratios at the old price gives a wrong
curve; so no other room derives anything from a price. Needs numpy only.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAME_PRICE = 0.005  # log price; smaller differences are rounding
PRICE_FEATURES = ("log_price_ratio", "price_ratio", "log_price_change")


def log_price_ratio(price: ArrayLike, reference_price: ArrayLike) -> NDArray[np.float64]:
    """log(price / reference_price), 0 at the reference price; the shapes broadcast."""
    return np.log(np.asarray(price, dtype=np.float64) / np.asarray(reference_price, dtype=np.float64))


def price_features(price: ArrayLike, reference_price: ArrayLike, last_price: ArrayLike) -> NDArray[np.float32]:
    """The columns PRICE_FEATURES for n prices, shape (n, 3), each of them rising with the price.

    price: (n,) candidate prices > 0; reference_price: the SKU's usual price; last_price: the price of the
    week before. The latter two are scalars or (n,).
    """
    price = np.asarray(price, dtype=np.float64)
    ratio = log_price_ratio(price, reference_price)
    change = log_price_ratio(price, last_price)
    return np.stack([ratio, np.exp(ratio), change], axis=-1).astype(np.float32)
