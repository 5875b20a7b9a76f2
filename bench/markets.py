"""Simulated markets: who captures how much of what an all-knowing oracle would gain in the coming week."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import boosted, double_learning, own, regression
from bench.ablations import ABLATIONS, Ablation
from bench.case import Case, open_case
from bench.score import Score, oracle_prices, score, true_elasticity
from pricewright.backups import REGISTRY
from pricewright.train import Trained

Floats = NDArray[np.float64]
KEEP, NETWORK = "keep the last price", "network"
COMPETITORS: Mapping[str, Callable[[Case], Floats]] = {
    KEEP: lambda case: case.current,
    "per-SKU regression": regression.per_sku,
    "shrunk regressions": regression.shrunk,
    "LightGBM, plain": boosted.plain,
    "LightGBM, monotone": boosted.monotone,
    "EconML LinearDML": double_learning.linear,
    "EconML CausalForestDML": double_learning.forest,
}
# No competitor, but a check on the markets: what somebody captures who looks at no sale at all.
CHECKS: Mapping[str, Callable[[Case], Floats]] = {"lowest price everywhere": lambda case: case.low}


@dataclass
class Played:
    """What happened in one market: scores and seconds by name, and how well the intervals of the elasticity cover."""

    regime: str
    seed: int
    skus: int
    coverage: float = float("nan")
    correlation: float = float("nan")
    scores: dict[str, Score] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Regime and seed."""
        return f"{self.regime} {self.seed}"


def competitors() -> dict[str, Callable[[Case], Floats]]:
    """Those that can run here: EconML is an extra."""
    here = find_spec("econml") is not None
    return {name: choose for name, choose in COMPETITORS.items() if here or not name.startswith("EconML")}


def play(params: Mapping[str, Any], *, rivals: bool = True, ablations: bool = True) -> Played:
    """Every competitor, our own models and the ablations on the same rows of one market."""
    case = open_case(params)
    played = Played(params["market"]["regime"], params["market"]["seed"], len(case.current))
    oracle = oracle_prices(case.market, case.low, case.high, case.current)

    def enter(name: str, choose: Callable[[], Floats]) -> None:
        began = time.perf_counter()
        prices = choose()
        played.seconds[name] = time.perf_counter() - began
        played.scores[name] = score(case.market, prices, case.current, oracle)

    for name, choose in ({**CHECKS, **competitors()} if rivals else {}).items():
        enter(name, partial(choose, case))
    began = time.perf_counter()
    trained = own.release(case, params)
    training = time.perf_counter() - began
    enter(NETWORK, lambda: own.network(case, trained.price_list))
    played.seconds[NETWORK] += training
    for name in REGISTRY:
        enter(name, partial(own.backup, case, trained, name))
    for name, ablate in (ABLATIONS if ablations else {}).items():
        enter(name, partial(_without, ablate, case, trained, params))
    truth = true_elasticity(case.market, case.current)
    played.coverage, played.correlation = own.covered(case, trained.price_list, truth)
    return played


def _without(ablate: Ablation, case: Case, trained: Trained, params: Mapping[str, Any]) -> Floats:
    return own.network(case, ablate(case, trained, params))


def captured(markets: Sequence[Played], name: str) -> Floats:
    """Share of the oracle's gain in each market."""
    return np.array([market.scores[name].captured for market in markets])


def worse(markets: Sequence[Played], name: str) -> Floats:
    """Share of SKUs made worse in each market."""
    return np.array([market.scores[name].worse for market in markets])
