"""`python -m bench.calibration`: shops drawn from the model's own prior, and where the truth lies in the posterior.

Simulation-based calibration (Cook, Gelman and Rubin 2006; Talts et al. 2018): where prior and likelihood are the right
ones, the truth falls below a posterior's quantile q in a share q of the cases. It judges the inference, not the model:
how well a model serves in shops of another making, bench.worlds tells. Writes docs/calibration.svg.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import norm

from pricewright.network.curve_fit import ALIKE, fit_curves
from pricewright.network.curves import Curves
from pricewright.network.families import SPREADS, START, START_SD
from pricewright.network.grid import dip_after, grid_of
from pricewright.network.priors import MEANS_ALIKE, NO_SUBSTITUTES, SUBSTITUTES
from tasks.workspace import read_parameters

Floats = NDArray[np.float64]
ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "calibration.svg"
FAMILY = 6  # SKUs of a family
SHOPS = 12
KNOT = 20  # weeks over which a slope drifts by one step


@dataclass(frozen=True)
class Drawn:
    """A shop of the prior: its weeks as a panel, the families of its SKUs, and what is true of it.

    slope, curvature: (n,), at the usual prices (n,), in the last week; keeps: (f,) latent share that families keep.
    """

    panel: pl.DataFrame
    families: dict[str, str]
    usual: dict[str, float]
    slope: dict[str, float]
    curvature: dict[str, float]
    keeps: dict[str, float]


def draw_shop(seed: int, skus: int, weeks: int, params: Mapping[str, Any], *, substitutes: bool) -> Drawn:
    """A shop of SKUs that compete in families of six, or of SKUs that compete with nobody."""
    rng = np.random.default_rng([seed, int(substitutes)])
    family = np.arange(skus) // FAMILY if substitutes else np.arange(skus)
    latent, depth = _slopes_and_cuts(rng, skus, substitutes=substitutes)
    drift = rng.normal(0, float(params["slope_drift"]), (skus, weeks // KNOT + 1)) @ _ramps(weeks, KNOT)
    slope = np.logaddexp(0, latent[:, None] + drift)
    curvature = np.logaddexp(0, rng.normal(rng.normal(0.54, 0.5), float(params["curvature_sd"]), (skus, 1)))
    regular, cut = _prices(rng, skus, weeks)
    promoted = (cut > 0).astype(np.float64)
    r = -slope * np.expm1(curvature * regular) / curvature
    display, dip = (rng.normal(rng.normal(0.2, sd), 0.22, (skus, 1)) for sd in (0.3, 0.1))
    a = r + depth[:, None] * cut + display * promoted
    base = _base(rng, skus, weeks) - dip * dip_after(cut + 0.1 * promoted)
    keeps = [
        rng.normal(rng.normal(start, START_SD), np.sqrt(task_map.start), family.max() + 1)
        for start, task_map in zip(START, SPREADS, strict=True)
    ]
    log_units = base + a + (_taken(base, r, a, family, keeps) if substitutes else 0.0)
    size = np.exp(rng.normal(np.log(5.0), 0.3, (skus, 1)))
    units = rng.poisson(np.exp(log_units.clip(-10, 12)) * rng.gamma(size, 1 / size, log_units.shape))
    codes = [f"{10000 + i}" for i in range(skus)]
    usual = np.exp(rng.normal(1.2, 0.5, skus))
    days = [date(2024, 1, 1) + timedelta(weeks=t) for t in range(weeks)]
    panel = pl.DataFrame(
        {
            "stock_code": np.repeat(codes, weeks),
            "week": days * skus,
            "units": units.ravel().astype(np.float64),
            "price": (usual[:, None] * np.exp(regular - cut)).ravel(),
            "promotion": promoted.ravel(),
        }
    )
    named = {code: f"family {f}" for code, f in zip(codes, family, strict=True)} if substitutes else {}
    of_family = {f"family {f}": float(value) for f, value in enumerate(keeps[0])} if substitutes else {}
    tables = (dict(zip(codes, values.tolist(), strict=True)) for values in (usual, slope[:, -1], curvature[:, 0]))
    return Drawn(panel, named, *tables, of_family)


def posterior_ranks(shop: Drawn, curves: Curves) -> tuple[Floats, Floats]:
    """Share of the posterior below the truth: of the slope of every SKU (n,), of what every family keeps (f,)."""
    codes = curves.codes
    usual, slope, curvature = (np.array([t[code] for code in codes]) for t in (shop.usual, shop.slope, shop.curvature))
    at_base_price = slope * np.exp(curvature * np.log(curves.base_price / usual))
    latent = at_base_price + np.log(-np.expm1(-at_base_price))  # softplus, the other way round
    of_slopes = norm.cdf((latent - curves.mean[:, 0]) / np.sqrt(curves.covariance[:, 0, 0]))
    if not shop.keeps:
        return of_slopes, np.zeros(0)
    first = np.unique(curves.family, return_index=True)[1]
    truth = np.array([shop.keeps[shop.families[codes[i]]] for i in first])
    sd = np.hypot(curves.coefficient_own_sd, curves.coefficient_shared_sd)
    return of_slopes, norm.cdf((truth - curves.coefficients[:, 0]) / sd)


def calibrate(shops: int, skus: int, weeks: int, params: Mapping[str, Any], *, substitutes: bool) -> list[Floats]:
    """Ranks of all slopes, and of all families' shares, over `shops` shops; params: network.curves."""
    found = []
    for seed in range(shops):
        shop = draw_shop(seed, skus, weeks, params, substitutes=substitutes)
        found.append(posterior_ranks(shop, fit_curves(grid_of(shop.panel, 26, shop.families), params)))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def held(ranks: Floats, share: float) -> float:
    """How often the central interval of this share holds the truth."""
    return float((np.abs(ranks - 0.5) <= share / 2).mean())


def draw_picture(found: Mapping[str, Floats]) -> Figure:
    """A histogram of the ranks for each name; a flat one is right, a hump is too careful, horns are too sure."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    row = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axes, (name, ranks) in zip(row, found.items(), strict=True):
        axes.hist(ranks, bins=20, range=(0, 1), weights=np.full(len(ranks), 20 / len(ranks)), color="#2f6690")
        axes.axhline(1, color="#b3261e", linewidth=1)
        axes.set(title=f"{name}\n90 % intervals hold {held(ranks, 0.9):.0%}", xlabel="share of the posterior below it")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("frequency")
    return figure


def _slopes_and_cuts(rng: np.random.Generator, skus: int, *, substitutes: bool) -> tuple[Floats, Floats]:
    """Latent slopes and effects of a cut's depth, (n,) each: alike in their means, and within a shop."""
    centre, sd = SUBSTITUTES if substitutes else NO_SUBSTITUTES
    mean = rng.multivariate_normal([centre, 2.0], [[sd**2, MEANS_ALIKE * sd * 1.5], [MEANS_ALIKE * sd * 1.5, 1.5**2]])
    task_map = np.sqrt(0.6) * np.exp(rng.normal(0, 0.2))
    drawn = rng.multivariate_normal(mean, [[task_map**2, ALIKE * task_map], [ALIKE * task_map, 1.0]], skus)
    return drawn[:, 0], drawn[:, 1]


def _prices(rng: np.random.Generator, skus: int, weeks: int) -> tuple[Floats, Floats]:
    """Log regular prices around the usual ones, and log depths of promotions, (n, T) each."""
    regular, cut = np.zeros((skus, weeks)), np.zeros((skus, weeks))
    for t in range(1, weeks):
        changed = rng.random(skus) < 0.05
        regular[:, t] = np.where(changed, 0.7 * regular[:, t - 1] + rng.normal(0, 0.1, skus), regular[:, t - 1])
        cut[:, t] = np.where(rng.random(skus) < 0.04, -np.log1p(-rng.choice([0.1, 0.2, 0.3], skus)), 0.0)
    return regular, cut


def _base(rng: np.random.Generator, skus: int, weeks: int) -> Floats:
    """Log units at usual prices, (n, T): level, a year's season, a walk, weeks of the shop."""
    phase = 2 * np.pi * np.arange(weeks) / 52.18
    seasons = rng.normal(0, 0.1, (skus, 2)) @ np.stack([np.sin(phase), np.cos(phase)])
    walk = rng.normal(0, 0.1, (skus, weeks // 4 + 1)) @ _ramps(weeks, 4)
    base: Floats = rng.normal(3.2, 0.8, (skus, 1)) + seasons + walk + rng.normal(0, 0.05, weeks)
    return base


def _ramps(weeks: int, knot: int) -> Floats:
    """Row k climbs from 0 to 1 in the weeks after knot k, (K, T)."""
    return np.clip((np.arange(weeks) - knot * np.arange(weeks // knot + 1)[:, None]) / knot, 0.0, 1.0)


def _taken(base: Floats, r: Floats, a: Floats, family: NDArray[np.int64], keeps: list[Floats]) -> Floats:
    """What its family adds to the log units of every SKU, (n, T); see docs/model.md."""
    starts = np.flatnonzero(np.r_[True, np.diff(family) > 0])

    def sums(values: Floats) -> Floats:
        return np.add.reduceat(values, starts, axis=0)

    weight = np.exp(base) / sums(np.exp(base))[family]
    of_r, of_a = (np.log(sums(weight * np.exp(x))) for x in (r, a))
    regular, both = (1 / (1 + np.exp(-latent[:, None])) for latent in keeps)
    taken: Floats = (-of_a + both * (of_a - of_r) + regular * of_r)[family]
    return taken


def main() -> None:
    """Print how often intervals hold the truth, and draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--shops", type=int, default=SHOPS, help="shops of each kind")
    parser.add_argument("--skus", type=int, default=120)
    options = parser.parse_args()
    params = read_parameters(ROOT / "params.yaml")["network"]["curves"]
    alone, _ = calibrate(options.shops, options.skus, 104, params, substitutes=False)
    competing, keeps = calibrate(options.shops, options.skus, 104, params, substitutes=True)
    found = {"slopes, no substitutes": alone, "slopes, families": competing, "what families keep": keeps}
    for name, ranks in found.items():
        shares = ", ".join(f"{share:.0%}: {held(ranks, share):.0%}" for share in (0.5, 0.8, 0.9))
        print(f"{name}: {len(ranks)}, intervals of {shares} hold the truth, mean rank {ranks.mean():.2f}")
    draw_picture(found).savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
