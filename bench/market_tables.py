"""The tables of the simulated markets: who captured what, market by market, and which targets that reaches."""

from collections.abc import Sequence

import numpy as np

from bench.ablations import ABLATIONS
from bench.markets import CHECKS, COMPETITORS, KEEP, NETWORK, Played, captured, worse
from pricewright.backups import REGISTRY
from testing.report import Target, markdown, target_table


def market_section(markets: Sequence[Played]) -> str:
    """Scores by regime, scores by market, intervals, targets."""
    names = [n for n in (*CHECKS, *COMPETITORS, NETWORK, *REGISTRY) if n in markets[0].scores]
    return "\n\n".join(
        [
            "Share of the oracle's revenue gain over keeping the last price, coming week (1 is the oracle, 0 keeps "
            "every price); made worse: share of SKUs whose expected revenue falls by more than 1 %. "
            "The lowest price everywhere is no competitor but a check on the markets: it looks at no sale, and where "
            "it captures much, little is left for any model to be better at.",
            by_regime(markets, names),
            "Every market:",
            by_market(markets, [n for n in names if n != KEEP]),
            "90 % intervals of the elasticity at the last price, against the truth:",
            interval_table(markets),
            target_table(market_targets(markets)),
        ]
    )


def ablation_section(markets: Sequence[Played]) -> str:
    """The network, and the network without each of its parts."""
    names = [n for n in (NETWORK, *ABLATIONS) if n in markets[0].scores]
    return "\n\n".join(["On the same markets, share of the oracle's gain:", by_regime(markets, names)])


def by_regime(markets: Sequence[Played], names: Sequence[str]) -> str:
    """One row per name: mean by regime, over all, least, SKUs made worse, SKUs moved, seconds a market."""
    regimes = list(dict.fromkeys(market.regime for market in markets))
    header = ["", *regimes, "mean", "least", "made worse", "most worse", "moved", "seconds"]
    rows = []
    for name in names:
        means = [captured([m for m in markets if m.regime == regime], name).mean() for regime in regimes]
        share = [*means, captured(markets, name).mean(), captured(markets, name).min()]
        bad = worse(markets, name)
        moved = np.mean([m.scores[name].moved for m in markets])
        seconds = np.mean([m.seconds[name] for m in markets])
        percents = [f"{value:.0%}" for value in (bad.mean(), bad.max(), moved)]
        rows.append([name, *(f"{value:.2f}" for value in share), *percents, f"{seconds:.1f}"])
    return markdown(header, rows)


def by_market(markets: Sequence[Played], names: Sequence[str]) -> str:
    """One row per market, one column per name."""
    return markdown(["market", *names], [[m.name, *(f"{m.scores[n].captured:.2f}" for n in names)] for m in markets])


def interval_table(markets: Sequence[Played]) -> str:
    """Coverage per market and the correlation of estimate and truth."""
    rows = [[m.name, str(m.skus), f"{m.coverage:.0%}", f"{m.correlation:.2f}"] for m in markets]
    mean = [f"{np.mean([m.coverage for m in markets]):.0%}", f"{np.mean([m.correlation for m in markets]):.2f}"]
    return markdown(["market", "SKUs", "covered", "correlation"], [*rows, ["mean", "", *mean]])


def market_targets(markets: Sequence[Played]) -> list[Target]:
    """What was asked of the network, and what came out. The best competitor is chosen anew in every market."""
    ours, bad = captured(markets, NETWORK), worse(markets, NETWORK).mean()
    covered = float(np.mean([m.coverage for m in markets]))
    targets = [
        Target("share of the oracle's gain, mean", "at least 0.70", f"{ours.mean():.2f}", ours.mean() >= 0.70),
        Target("the same, least market", "at least 0.45", f"{ours.min():.2f}", ours.min() >= 0.45),
        Target("SKUs made worse, mean", "at most 15 %", f"{bad:.1%}", bad <= 0.15),
        Target("elasticity intervals cover", "85 to 95 %", f"{covered:.1%}", 0.85 <= covered <= 0.95),
    ]
    rivals = [name for name in COMPETITORS if name in markets[0].scores]
    if rivals:
        ahead = ours - np.max([captured(markets, name) for name in rivals], axis=0)
        text = f"{ahead.min():+.2f} at least"
        targets.append(Target("ahead of the market's best competitor", "in every market", text, bool(ahead.min() > 0)))
        targets.append(Target("the same, mean", "by 0.30", f"{ahead.mean():+.2f}", ahead.mean() >= 0.30))
    return targets
