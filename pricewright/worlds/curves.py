"""What items sell at given prices: the joint demand of families, in four functional forms.

Every form has two price effects: the family's demand falls with its price level (elasticity), an item's share
of it with its price over the family's (substitution). A family of one knows the first alone.

nested logit: McFadden (1978), utility falling with log price. linear: a linear system in price ratios.
market share: Cooper and Nakanishi (1988), of a family whose units fall exponentially. independent: families of one,
their curves of five shapes.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.kinds import Form, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FAMILY = ("elasticity", "substitution", "outside", "elasticity shift", "substitution shift")
ITEM = ("uneven substitution", "depth", "display")
SHAPES = ("constant elasticity", "exponential", "logit", "linear", "kinked")
CLOSEST = 0.9  # family elasticity over substitution, at most: items of a family are substitutes
FROM_SIBLINGS = 0.6  # share of a promotion's log gain that its family does not keep (linear, market share)
FLOOR = 25.0  # sharpness of the floor under linear demand: 1 stays 1, 0 becomes 0.03


@dataclass(frozen=True)
class Curves:
    """Unconstrained parameters with their normal prior, and the layout of the families.

    families: (..., F, 5) in the order of FAMILY; items: (..., n, 3) in the order of ITEM; a leading axis holds draws.
    mean and sd of the prior, (5,) each for families, (n, 3) and (3,) for items: what has sd 0 is no parameter.
    """

    form: Form
    family: Ints
    shape: Ints
    families: Floats
    items: Floats
    family_prior: tuple[Floats, Floats]
    item_prior: tuple[Floats, Floats]

    @property
    def starts(self) -> Ints:
        """(F,): the first item of each family."""
        return np.flatnonzero(np.r_[True, self.family[1:] != self.family[:-1]])

    @property
    def shared(self) -> Floats:
        """(n, 1): 1 for items with substitutes, 0 for families of one."""
        shared: Floats = (np.bincount(self.family)[self.family, None] > 1).astype(np.float64)
        return shared

    def sums(self, values: Floats) -> Floats:
        """Sums over the items of a family, (..., n, K) -> (..., F, K)."""
        sums: Floats = np.add.reduceat(values, self.starts, axis=-2)
        return sums

    def spread(self, values: Floats) -> Floats:
        """Values of a family given to each of its items, (..., F, K) -> (..., n, K)."""
        return values[..., self.family, :]

    def with_parameters(self, families: Floats, items: Floats) -> "Curves":
        """The same families with other parameters."""
        return replace(self, families=families, items=items)


@dataclass(frozen=True)
class Offer:
    """What is offered, (n, K) each: K weeks, or K sets of prices for one week.

    log_ratio: log of the regular price over the usual one; cut: log(1 / (1 - depth)) of a promotion, 0 without;
    display, offered: 0 to 1; path: (F, K) how far a drift of the elasticities has come, 0 to 1.
    """

    log_ratio: Floats
    cut: Floats
    display: Floats
    offered: Floats
    path: Floats


def draw_curves(rng: np.random.Generator, kind: Kind, family: Ints, usual: Floats) -> Curves:
    """Draw the parameters of every family and item from the priors of the kind; family, usual prices: (n,)."""
    low, high = (np.log(share / (1 - share)) for share in kind.outside)
    substitutes = kind.family_sizes[1] > 1
    family_prior = (
        np.array([np.log(kind.elasticity[0]), np.log(kind.substitution[0]), (low + high) / 2, 0.0, 0.0]),
        np.array(
            [
                kind.elasticity[1],
                kind.substitution[1] * substitutes,
                (high - low) / 4 * (kind.form == "nested logit"),
                kind.drift_sd,
                kind.drift_sd * substitutes,
            ]
        ),
    )
    promoted = kind.promotions > 0
    dear = np.log(usual) - (np.bincount(family, np.log(usual)) / np.bincount(family))[family]
    constant = np.array([0.0, np.log(kind.depth[0]), kind.display[0]])
    item_prior = (
        constant + kind.dear_substitution * dear[:, None] * np.array([1.0, 0.0, 0.0]),
        np.array([kind.uneven_substitution * substitutes, kind.depth[1] * promoted, kind.display[1] * promoted]),
    )
    count = int(family[-1]) + 1
    return Curves(
        form=kind.form,
        family=family,
        shape=rng.integers(0, len(SHAPES), count),
        families=family_prior[0] + family_prior[1] * rng.standard_normal((count, len(FAMILY))),
        items=item_prior[0] + item_prior[1] * rng.standard_normal((len(family), len(ITEM))),
        family_prior=family_prior,
        item_prior=item_prior,
    )


def sell(curves: Curves, base: Floats, offer: Offer) -> Floats:
    """Expected units, (..., n, K). base: (n, K) what an item sells at usual prices with its whole family offered."""
    elasticity = np.exp(curves.families[..., 0, None] + curves.families[..., 3, None] * offer.path)
    level = curves.families[..., 1, None] + curves.families[..., 4, None] * offer.path
    substitution = np.exp(curves.spread(level) + curves.items[..., 0, None])
    attraction = np.exp(curves.items[..., 1, None]) * offer.cut + curves.items[..., 2, None] * offer.display
    if curves.form == "independent":
        response = np.exp(_alone(curves, elasticity, offer.log_ratio) + attraction)
    else:
        weight = base / curves.spread(curves.sums(base))
        join = {"nested logit": _nested_logit, "linear": _linear, "market share": _market_share}[curves.form]
        response = join(curves, elasticity, substitution, attraction, weight, offer)
    units: Floats = base * response * offer.offered
    return units


def _alone(curves: Curves, elasticity: Floats, x: Floats) -> Floats:
    """Log units of items without substitutes, over those at the usual price; each has one of SHAPES."""
    e, ratio = curves.spread(elasticity), np.expm1(x)
    forms = [
        -e * x,
        -e * ratio,
        np.log(2) - np.logaddexp(0.0, 2 * e * ratio),  # half of the market buys at the usual price
        np.log(_floored(1 - e * ratio)),
        -e * np.where(x > 0, 1.25, 0.8) * x,  # the usual price is the one that shoppers remember
    ]
    shape = curves.shape[curves.family][:, None]
    logs: Floats = np.select([np.broadcast_to(shape == i, forms[0].shape) for i in range(len(forms))], forms)
    return logs


def _nested_logit(
    curves: Curves, elasticity: Floats, substitution: Floats, attraction: Floats, weight: Floats, offer: Offer
) -> Floats:
    """Units over those at usual prices: choice within the nest, times the nest's share against buying nothing."""
    value = attraction - substitution * offer.log_ratio
    inclusive = np.log(np.maximum(curves.sums(weight * offer.offered * np.exp(value)), 1e-9))
    share = 1 / (1 + np.exp(-curves.families[..., 2, None]))
    family_part = np.minimum(elasticity / curves.sums(weight * substitution), CLOSEST)
    dissimilarity = family_part / (1 - share)  # some exceed 1, as Börsch-Supan (1990) allows near usual prices
    nest = dissimilarity * inclusive - np.log(1 - share + share * np.exp(dissimilarity * inclusive))
    response: Floats = np.exp(value + curves.spread(nest - inclusive))
    return response


def _linear(
    curves: Curves, elasticity: Floats, substitution: Floats, attraction: Floats, weight: Floats, offer: Offer
) -> Floats:
    """Units over those at usual prices fall along a line with the item's price over the family's, and with that."""
    ratio = np.exp(offer.log_ratio)
    level, pull = _family_means(curves, ratio, attraction, weight, offer)
    units = 1 - substitution * (ratio - level) - curves.spread(elasticity) * (level - 1)
    response: Floats = _floored(units) * np.exp(attraction - FROM_SIBLINGS * curves.shared * pull)
    return response


def _market_share(
    curves: Curves, elasticity: Floats, substitution: Floats, attraction: Floats, weight: Floats, offer: Offer
) -> Floats:
    """Units over those at usual prices: shares by attraction, and family units that fall exponentially with prices."""
    value = attraction - substitution * offer.log_ratio
    inclusive = np.log(np.maximum(curves.sums(weight * offer.offered * np.exp(value)), 1e-9))
    level, pull = _family_means(curves, np.exp(offer.log_ratio), attraction, weight, offer)
    total = (1 - FROM_SIBLINGS * curves.shared) * pull - curves.spread(elasticity) * (level - 1)
    response: Floats = np.exp(value - curves.spread(inclusive) + total)
    return response


def _family_means(
    curves: Curves, price: Floats, attraction: Floats, weight: Floats, offer: Offer
) -> tuple[Floats, Floats]:
    """The family's mean price and the mean pull of its promotions, given to its items, (..., n, K)."""
    offered = weight * offer.offered
    total = np.maximum(curves.sums(offered), 1e-9)
    level = curves.spread(curves.sums(offered * price) / total)
    pull = curves.spread(curves.sums(offered * attraction) / total)
    return np.where(curves.spread(total) > 1e-6, level, price), pull


def _floored(units: Floats) -> Floats:
    """Linear demand that bends before it reaches zero."""
    floored: Floats = np.logaddexp(0.0, FLOOR * units) / FLOOR
    return floored
