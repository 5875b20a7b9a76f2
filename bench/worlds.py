"""`python -m bench.worlds`: the product in worlds of many kinds, held against what can be had there.

Curves and plan are given the weeks as they were; with --whole, the product reads sales lines and trains all its models.
Without --held-out only the kinds run that the model may be developed on. A run of a whole group writes its part of
docs/worlds.md; --yardsticks writes the priors and the yardsticks of all kinds, and runs no model; --rivals sets what
else a retailer could pick beside the product, in all kinds.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.plan_score import Outcome, PlanScore, chosen_prices, in_order, measure, score_plan, uplift
from bench.rivals import rivals, search
from bench.world_tables import (
    honesty_table,
    kinds_table,
    promises_table,
    reliability_table,
    rivals_table,
    worth_table,
    yardstick_table,
)
from pricewright.core.errors import ParameterError
from pricewright.families import families_of
from pricewright.feature import FEATURES, build_panel
from pricewright.ingest import ingest_frame
from pricewright.network.curve_fit import fit_curves
from pricewright.network.grid import grid_of, regular_now
from pricewright.network.level import RECENT_WEEKS
from pricewright.price_list import plan_prices, plan_summary, price_list
from pricewright.train import train
from pricewright.worlds import DEVELOPED_ON, HELD_OUT, KINDS, World, simulate_world
from pricewright.worlds.kinds import kind_named
from pricewright.worlds.learnable import learnable_prices
from tasks.workspace import read_parameters
from testing.report import describe, write_between

ROOT = Path(__file__).parents[1]
COMMAND = "python -m bench.worlds"
Product = Callable[[World, Mapping[str, Any]], tuple[pl.DataFrame, Mapping[str, Any] | None]]


def price(world: World, params: Mapping[str, Any]) -> tuple[pl.DataFrame, Mapping[str, Any] | None]:
    """The price list and the plan that the product makes of the world's sales lines: `params` is all of params.yaml."""
    lines = world.transactions({**params["market"], "seed": world.seed})
    panel = build_panel(ingest_frame(lines, params["ingest"], source=world.kind).accepted, params["feature"])
    hyperparameters = params["tune"]["defaults"]  # nothing is tuned on a world
    trained = train(panel.rows, panel.coming, panel.catalog, hyperparameters, params, features=tuple(FEATURES))
    return trained.price_list, trained.metrics.get("plan")


def price_weeks(world: World, params: Mapping[str, Any]) -> tuple[pl.DataFrame, Mapping[str, Any] | None]:
    """Curves and plan alone: the world's weekly units and prices, levels as in the last weeks, no other model."""
    panel, own = weeks_of(world), params["network"]
    curves = fit_curves(grid_of(panel, int(own["anchor_weeks"]), families_of(panel, {})), own["curves"])
    codes = list(curves.codes)
    posterior = curves.posterior(np.exp(curves.log_base[:, -RECENT_WEEKS:].mean(axis=1)))
    asked = panel.group_by("stock_code").agg(
        description=pl.lit(None, pl.String),
        unit_cost=pl.lit(None, pl.Float64),
        price_min=pl.col("price").min(),
        price_max=pl.col("price").max(),
        reference_price=pl.col("price").tail(int(own["anchor_weeks"])).median(),
    )
    now = pl.DataFrame({"stock_code": codes, "current_price": regular_now(panel, codes)})
    catalog = now.join(asked, on="stock_code", maintain_order="left")
    draws, seed = int(params["train"]["draws"]), int(params["train"]["seed"])
    plan, products = plan_prices(posterior, catalog, curves.informed, draws, seed, params["price"])
    return price_list(plan, products, catalog, [None] * len(codes), params["price"]), plan_summary(plan)


def weeks_of(world: World) -> pl.DataFrame:
    """The world's weeks from each item's first one on, as a panel without features."""
    weeks = np.arange(world.units.shape[1])
    i, t = np.nonzero(weeks >= (world.in_stock > 0).argmax(axis=1)[:, None])
    return pl.DataFrame(
        {
            "stock_code": np.array([code.upper() for code in world.codes])[i],
            "week": pl.Series(world.weeks).gather(t),
            "units": world.units[i, t],
            "price": world.prices[i, t],
            "promotion": world.promotion[i, t].astype(np.float64),
            "in_stock": world.in_stock[i, t] >= 1,
            "category": np.array(world.categories)[i],
        }
    )


def main(arguments: Sequence[str] | None = None, product: Product | None = None) -> None:
    """Print what is asked for, and write it to the page when it is the whole of a part."""
    options = _options(arguments)
    product = product or (price if options.whole else price_weeks)
    params, began = read_parameters(ROOT / "params.yaml"), time.perf_counter()
    if options.yardsticks:
        command, parts = _yardsticks(params, options)
    elif options.rivals:
        command, parts = _rivals(params, options, product)
    else:
        command, parts = _scores(params, options, product)
    measured = f"Seeds 1 to {options.seeds}, {options.skus} SKUs x {options.weeks} weeks."
    measured += f" Measured in {time.perf_counter() - began:.0f} s: {describe()}."
    print("\n", "\n\n".join([*parts, measured]), flush=True)
    if not options.kinds and not options.whole:
        write_between(options.out, command, [*parts, measured])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--kinds", type=_kinds, default=(), help="names with commas between; the page is not written")
    parser.add_argument("--seeds", type=int, default=2, help="worlds of each kind")
    parser.add_argument("--whole", action="store_true", help="from sales lines, with all models; ten times as long")
    parser.add_argument("--held-out", action="store_true", help="the kinds that nothing was developed on")
    parser.add_argument("--yardsticks", action="store_true", help="no model, but the kinds and what can be had there")
    parser.add_argument("--rivals", action="store_true", help="other models beside the product, all kinds")
    parser.add_argument("--skus", type=int, default=300)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "worlds.md", help="the page to write")
    return parser.parse_args(arguments)


def _kinds(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    try:
        for name in names:
            kind_named(name)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(error.message) from None
    return names


def _worlds(params: Mapping[str, Any], options: argparse.Namespace, kinds: Sequence[str]) -> list[World]:
    """One seed of every kind after the other, so that a run that is cut short has shown all kinds."""
    market = {**params["market"], "skus": options.skus, "weeks": options.weeks}
    plan = [(seed, kind) for seed in range(1, options.seeds + 1) for kind in kinds]
    return [simulate_world({**market, "kind": kind, "seed": seed}) for seed, kind in plan]


def _yardsticks(params: Mapping[str, Any], options: argparse.Namespace) -> tuple[str, list[str]]:
    worlds = _worlds(params, options, options.kinds or tuple(KINDS))
    measured = [(world, measure(world), uplift(world, learnable_prices(world))) for world in worlds]
    return f"{COMMAND} --yardsticks", [kinds_table(KINDS), yardstick_table(measured)]


def _scores(params: Mapping[str, Any], options: argparse.Namespace, product: Product) -> tuple[str, list[str]]:
    kinds = options.kinds or (HELD_OUT if options.held_out else DEVELOPED_ON)
    scores = [play(world, params, product) for world in _worlds(params, options, kinds)]
    tables = [worth_table(scores), honesty_table(scores), reliability_table(scores)]
    return COMMAND + " --held-out" * options.held_out, tables


def _rivals(params: Mapping[str, Any], options: argparse.Namespace, product: Product) -> tuple[str, list[str]]:
    played = [
        (world, compete(world, params, product)) for world in _worlds(params, options, options.kinds or tuple(KINDS))
    ]
    return f"{COMMAND} --rivals", [rivals_table(played), promises_table(played)]


def compete(world: World, params: Mapping[str, Any], product: Product = price_weeks) -> dict[str, Outcome]:
    """What the product and every rival promised in a world, and what their prices truly bring."""
    price_list, _ = product(world, params)
    rows = in_order(world, price_list)
    sums = rows.select(pl.col("expected_sales", "current_expected_sales").sum()).row(0)
    found = {"Pricewright": Outcome(sums[0] / sums[1] - 1, uplift(world, chosen_prices(world, rows)[0]))}
    for name, rival in rivals().items():
        prices, promised = search(world, rival(world))
        found[name] = Outcome(promised, uplift(world, prices))
    line = ", ".join(f"{name} {outcome.realised:+.1%}" for name, outcome in found.items())
    print(f"{world.kind} {world.seed}: {line}", flush=True)
    return found


def play(world: World, params: Mapping[str, Any], product: Product = price_weeks) -> PlanScore:
    """A product's score in one world, said in a line."""
    began = time.perf_counter()
    price_list, plan = product(world, params)
    found = score_plan(world, price_list, measure(world), plan)
    print(
        f"{found.kind} {found.seed}: promised {found.promised:.1%}, realised {found.realised:.1%} of "
        f"{found.yardsticks.attainable:.1%} that are attainable, {found.worse:.0%} of the SKUs worse, "
        f"{time.perf_counter() - began:.0f} s",
        flush=True,
    )
    return found


if __name__ == "__main__":
    main()
