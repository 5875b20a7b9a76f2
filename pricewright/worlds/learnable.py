"""What can be learned in a world: the agent of attainable.py, to whom levels, seasons, trends and shocks are not given.

It knows the process and its priors, and has to learn them together with the curves; of causes that move prices and
demand at once it knows nothing. Linear-Gaussian around the mode, family by family.
"""

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.attainable import (
    LONGEST,
    STEPS,
    Standard,
    at_mean,
    best_prices,
    blocks_of,
    draw_around,
    expected,
    heard,
    slopes_of,
)
from pricewright.worlds.curves import Curves
from pricewright.worlds.shop import OF_FAMILY, OF_ITEM
from pricewright.worlds.world import World

Floats = NDArray[np.float64]
ANY_LEVEL = OF_ITEM._replace(level=2.0, week=1e-3)  # of levels hardly anything is known; the rest keeps it invertible
MOST = 2.0  # a week counts at most as if it had sold three times what was expected
CAREFUL, EARLY = 0.7, STEPS - 4  # share of a step, in the first steps


def learnable_prices(world: World, seed: int = 0) -> Floats:
    """(n,): the prices with the highest sales of the coming week on average over the agent's posterior."""
    curves, levels = learned(world, seed)
    return best_prices(world.truth._replace(coming=np.exp(levels[:, -1])), curves, world)


def learned(world: World, seed: int = 0) -> tuple[Curves, Floats]:
    """The curves with draws of their parameters, and log units at usual prices, (n, T + 1), the coming week last."""
    truth, at = world.truth, at_mean(world.truth.curves)
    shop = np.log(truth.base)
    shop = np.append((shop - shop.mean(axis=1, keepdims=True)).mean(axis=0), 0.0)  # what all items have in common
    sold = np.where(world.in_stock > 0, world.units, np.nan)
    usual = np.log(np.nanmean(sold, axis=1, keepdims=True) + 0.5)
    levels = usual + np.zeros(len(shop))
    covariances = OF_FAMILY.covariance(len(shop)), ANY_LEVEL.covariance(len(shop))
    precisions: list[Floats] = []
    for step in range(STEPS):
        share = CAREFUL if step < EARLY else 1.0
        guessed = truth._replace(base=np.exp(shop + levels)[:, :-1])
        mean = expected(guessed, at)
        weight, residual = heard(guessed, mean, world.units)
        slopes = slopes_of(guessed, at, mean)
        changes, away, precisions = at_mean(truth.curves), levels - usual, []
        for block in blocks_of(truth.curves):
            seen = (block.slope(slopes), weight[block.members], residual[block.members].clip(-1, MOST))
            found, level, precision = _family(block.read(at), away[block.members], seen, covariances)
            move = share * (found - block.read(at))
            block.add(changes, move / max(1.0, float(np.abs(move).max()) / LONGEST))
            levels[block.members] += (share * (level - away[block.members])).clip(-1, 1)
            precisions.append(precision)
        at = Standard(at.families + changes.families, at.items + changes.items)
    return draw_around(truth.curves, at, precisions, seed), levels + shop


def _family(
    at: Floats, away: Floats, seen: tuple[Floats, Floats, Floats], covariances: tuple[Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """The mode of parameters (c,) and levels (m, T + 1) by the linearised weeks, and the parameters' precision (c, c).

    at, away: where it was linearised; seen: slopes (m x T, c), weights and residuals (m, T). Levels are integrated out.
    """
    slope, weight, residual = seen
    members, weeks = weight.shape
    some = np.flatnonzero(weight.ravel() > 1e-6)
    prior = np.kron(np.ones((members, members)), covariances[0]) + np.kron(np.eye(members), covariances[1])
    cells = (np.arange(members)[:, None] * (weeks + 1) + np.arange(weeks)).ravel()[some]
    working = (slope @ at + (away[:, :-1] + residual).ravel())[some]
    root = np.linalg.cholesky(prior[np.ix_(cells, cells)] + np.diag(1 / weight.ravel()[some]))
    white, target = np.linalg.solve(root, slope[some]), np.linalg.solve(root, working)
    precision: Floats = white.T @ white + np.eye(len(at))
    found: Floats = np.asarray(np.linalg.solve(precision, white.T @ target), dtype=np.float64)
    left = np.linalg.solve(root.T, target - white @ found)
    levels: Floats = (prior[:, cells] @ left).reshape(members, weeks + 1)
    return found, levels, precision
