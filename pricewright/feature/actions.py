"""What the shop does in the week itself: promotions of a SKU, promotions and prices of the others of its family.

They are the shop's own plan, known when the week begins; without them a forecast takes a week of displays for one like
all others. The SKU's own cut is left out: it is a price, and what a price does belongs to the curve.
"""

import numpy as np
from numpy.typing import NDArray

from pricewright.feature.past import Floats, Past, Whole

FAMILY_ACTIONS = ("family_promotion", "family_cut", "family_price")
ACTIONS = ("own_promotion", *FAMILY_ACTIONS)
USUAL_WEEKS, USUAL = 13, 0.6  # a cut is below this quantile of the list prices of the weeks before
LEAST_CUT = 0.03  # log price; a smaller step is a change of the regular price
LARGEST = 0.69  # log price; a price further from the usual one counts as that far
SLOW = 0.05  # units a week that the slowest SKU counts for
SALES_WEEKS = 13  # say how much of its family a SKU sells


def week_actions(
    past: Past, there: NDArray[np.bool_], promotion: Floats, list_price: Floats, family: Whole
) -> dict[str, Floats]:
    """ACTIONS of n SKUs. past: with known_units and list_price of the weeks before; there: SKUs on sale; promotion:
    share of units on promotion; list_price: of the week; family: numbers from 0 on, SKUs of one number compete.

    The family's are means over the others, weighted by what each sold in the weeks before; 0 for a SKU that is alone.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = past.quantile("list_price", USUAL_WEEKS, USUAL)
        below = np.nan_to_num(np.log(list_price / usual)).clip(-LARGEST, LARGEST)
        sold = np.nan_to_num(past.total("known_units", SALES_WEEKS) / past.count(SALES_WEEKS)) + SLOW
    cut = np.where(below < -LEAST_CUT, -below, 0.0)
    weight = np.where(there, sold, 0.0)

    def of_others(values: Floats) -> Floats:
        """The weighted mean of the family without the SKU itself."""
        weighted = np.where(there, weight * values, 0.0)
        total, all_weights = np.bincount(family, weighted)[family] - weighted, np.bincount(family, weight)[family]
        rest = all_weights - weight
        alone = np.bincount(family, there)[family] - there < 1
        mean: Floats = np.where(alone, 0.0, total / np.where(alone, 1.0, np.maximum(rest, SLOW)))
        return mean

    return dict(zip(ACTIONS, (promotion, *map(of_others, (promotion, cut, below))), strict=True))
