"""`python -m bench.model`: the demand model against everything a retailer could pick instead.

Four parts, each printed when it is done and written to docs/benchmarks.md: simulated markets, real weeks,
ablations, growth.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import growth, real_weeks
from bench.market_tables import ablation_section, market_section
from bench.markets import NETWORK, Played, competitors, play
from bench.report import HEADINGS, Report
from pricewright.worlds.market import REGIMES
from tasks.workspace import read_parameters
from testing.report import describe

ROOT = Path(__file__).parents[1]
SEEDS, QUICK_SKUS = (1, 2, 3), 120


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts asked for."""
    options = _options(arguments)
    params = read_parameters(ROOT / "params.yaml")
    out = options.out or (None if options.quick else ROOT / "docs" / "benchmarks.md")
    report = Report(out, describe())  # at the start: it names the code that is loaded
    print(f"measured on {report.machine}", flush=True)
    if options.parts & {1, 3}:
        _markets(params, options, report)
    if 2 in options.parts:
        _real_weeks(params, options, report)
    if 4 in options.parts:
        _growth(params, options, report)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=__doc__)
    parser.add_argument("--parts", type=lambda text: {int(part) for part in text.split(",")}, default={1, 2, 3, 4})
    parser.add_argument(
        "--quick", action="store_true", help="one seed, fewer SKUs; printed only, unless --out is given"
    )
    parser.add_argument("--out", type=Path, help="the file to write, docs/benchmarks.md by default")
    return parser.parse_args(arguments)


def _markets(params: Mapping[str, Any], options: argparse.Namespace, report: Report) -> None:
    """One seed of every regime after the other, so that a run that is cut short has seen all regimes."""
    began, seeds = time.perf_counter(), SEEDS[:1] if options.quick else SEEDS
    skus = QUICK_SKUS if options.quick else int(params["market"]["skus"])
    plan = [(regime, seed) for seed in seeds for regime in REGIMES]
    markets: list[Played] = []
    for regime, seed in plan:
        own = {**params, "market": {**params["market"], "regime": regime, "seed": seed, "skus": skus}}
        markets.append(play(own, rivals=1 in options.parts, ablations=3 in options.parts))
        _say(markets[-1])
        markets.sort(key=lambda market: REGIMES.index(market.regime))
        _write_markets(markets, len(plan), own, options.parts, report, began)


def _write_markets(
    markets: Sequence[Played],
    planned: int,
    params: Mapping[str, Any],
    asked: set[int],
    report: Report,
    began: float,
) -> None:
    done = len(markets) == planned
    seeds = ", ".join(map(str, sorted({market.seed for market in markets})))
    settings = (
        f"Seeds {seeds} of {len({market.regime for market in markets})} regimes, {markets[0].skus} SKUs x "
        f"{params['market']['weeks']} weeks, {params['market']['dirt']:.0%} messy lines. "
        "Network and backups with the defaults of params.yaml, not tuned."
    )
    notes = [] if done else [f"**Cut short: {len(markets)} of {planned} markets.**"]
    if 1 in asked:
        missing = [] if "EconML LinearDML" in competitors() else ["EconML is not installed here and took no part."]
        report.section(HEADINGS[0], [settings, *notes, *missing, market_section(markets)], began, show=done)
    if 3 in asked:
        report.section(HEADINGS[2], [settings, *notes, ablation_section(markets)], began, show=done)


def _say(played: Played) -> None:
    shares = ", ".join(f"{name} {score.captured:.2f}" for name, score in played.scores.items())
    print(
        f"{played.name}: {shares}; covered {played.coverage:.0%}, {played.seconds[NETWORK]:.0f} s training", flush=True
    )


def _real_weeks(params: Mapping[str, Any], options: argparse.Namespace, report: Report) -> None:
    began, parts = time.perf_counter(), []
    for name in real_weeks.FILES[: 1 if options.quick else None]:
        source = real_weeks.FOLDER / name
        if source.exists():
            parts.append(real_weeks.real_section(source, real_weeks.judge(source, params)))
            print(f"{name} is judged", flush=True)
        else:
            parts.append(f"{name} is not beside this checkout: this table was skipped.")
    words = (
        f"The last {params['train']['backtest_weeks']} full weeks, one week ahead, the week's own price known. RMSLE "
        "is judged on the mean log, MAE and WAPE on the median, bias on the mean. Defaults of params.yaml, not tuned."
    )
    report.section(HEADINGS[1], [words, *parts], began)


def _growth(params: Mapping[str, Any], options: argparse.Namespace, report: Report) -> None:
    began, costs = time.perf_counter(), {}
    for size in growth.SIZES[: 1 if options.quick else None]:
        costs[size] = growth.grow(params, size, SEEDS[0])
        spent = ", ".join(f"{step} {cost.seconds:.0f} s {cost.memory:.1f} GB" for step, cost in costs[size].items())
        print(f"{size}x: {spent}", flush=True)
    report.section(HEADINGS[3], [f"Seed {SEEDS[0]}.", growth.growth_section(costs)], began)


if __name__ == "__main__":
    main()
