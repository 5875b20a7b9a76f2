"""A small shop whose demand is known: two families and products that compete with nobody."""

import numpy as np

from pricewright.core.substitution import Posterior

FAMILY = np.array([0, 0, 0, 1, 1, 2, 3, 4])  # the last three alone
ALONE = 30.0  # latent share that a product keeps which takes buyers from nobody
BASE_PRICE = np.array([2.0, 2.5, 3.0, 10.0, 11.0, 4.0, 5.0, 6.0])


def posterior(elasticity: float = 2.5, keeps: float = 0.2, spread: float = 0.05) -> Posterior:
    """Own elasticities at base prices about `elasticity`, of which a family keeps the share `keeps` to itself."""
    count = len(FAMILY)
    kept = np.where(np.bincount(FAMILY)[FAMILY] > 1, np.log(keeps / (1 - keeps)), ALONE)
    own = np.zeros((count, 3))
    own[:, 0] = spread
    return Posterior(
        level=np.array([30.0, 20.0, 10.0, 8.0, 8.0, 15.0, 5.0, 40.0]),
        base_price=BASE_PRICE,
        curve=np.tile([np.log(np.expm1(elasticity)), -9.0], (count, 1)),
        own=own,
        shared=np.full((count, 2, 1), [[0.02], [0.0]]),
        family=FAMILY,
        keeps=np.column_stack([kept, np.full((count, 2), 0.01)]),
    )
