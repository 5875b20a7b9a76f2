"""`python -m bench.drift_replay`: does the drift gate leave healthy shops alone, and does it stop broken feeds?

Every fourth week of a shop's last year is judged as if it were the newest, the panel built once and cut there. Then
the shop's newest eight weeks of sales lines are broken in one way, and its panel is built and judged once more.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pricewright.drift.gate import judge_drift
from pricewright.feature import build_panel
from pricewright.ingest import ingest, ingest_frame
from pricewright.verdict import Verdict
from pricewright.worlds import simulate_world
from tasks.drift import split
from tasks.workspace import read_parameters
from testing import report
from testing.plain_shop import plain_shop
from testing.report import markdown, write_between

ROOT = Path(__file__).parents[1]
COMMAND = "python -m bench.drift_replay"
SMALL, WORLDS = (16, 22, 60), ("plain", "short_histories", "drift")
LAST_YEAR = 52  # weeks
COUNTS = ("quantity", "units")
Params = Mapping[str, Any]


class Replay(NamedTuple):
    """A shop's name, how many verdicts it got, of those warned and blocked, and what warned or blocked how often."""

    shop: str
    weeks: int
    warned: int
    blocked: int
    why: Mapping[str, int]


def _half(lines: pl.DataFrame) -> pl.Expr:
    """Every second SKU of the shop, by its index among the codes."""
    codes = lines["stock_code"].unique().sort()
    return pl.col("stock_code").is_in(codes.gather_every(2).implode())


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "units in dozens": lambda lines: lines.with_columns((pl.col(*COUNTS) / 12).ceil()),
    "dozens as units": lambda lines: lines.with_columns(pl.col(*COUNTS) * 12),
    "prices in pence": lambda lines: lines.with_columns(pl.col("unit_price") * 100),
    "tax of 20 % put in": lambda lines: lines.with_columns((pl.col("unit_price") * 1.2).round(2)),
    "tax of 20 % taken out": lambda lines: lines.with_columns((pl.col("unit_price") / 1.2).round(2)),
    "half of the sales lines lost": lambda lines: lines.gather_every(2),
    "every third sales line lost": lambda lines: lines.with_row_index("n").filter(pl.col("n") % 3 > 0).drop("n"),
    "half of the SKUs missing": lambda lines: lines.filter(~_half(lines)),
    "another system of codes": lambda lines: lines.with_columns(
        pl.lit("9").add(pl.col("stock_code")).alias("stock_code")
    ),
    "half of the codes changed": lambda lines: lines.with_columns(
        stock_code=pl.when(_half(lines)).then(pl.lit("9") + pl.col("stock_code")).otherwise("stock_code")
    ),
}


def replay(shop: str, panel: pl.DataFrame, params: Params, step: int) -> Replay:
    """The verdicts on a healthy shop."""
    verdicts = [judge_drift(*split(cut, int(params["weeks"])), params) for cut in _cuts(panel, params, step)]
    alarms = [check.name for verdict in verdicts for check in verdict.worst if check.status != "ok"]
    status = [verdict.status for verdict in verdicts]
    why = {name: alarms.count(name) for name in dict.fromkeys(alarms)}
    return Replay(shop, len(verdicts), status.count("warn"), status.count("block"), why)


def planted(lines: pl.DataFrame, params: Params) -> dict[str, Verdict]:
    """By fault, the verdict on a shop whose newest weeks have it."""
    since = lines["invoice_time"].max() - pl.duration(weeks=int(params["drift"]["weeks"]))
    new = lines.filter(pl.col("invoice_time") >= since)
    old = lines.filter(pl.col("invoice_time") < since)
    return {
        name: _judged(pl.concat([old, fault(new)], how="vertical_relaxed"), params) for name, fault in FAULTS.items()
    }


def _judged(lines: pl.DataFrame, params: Params) -> Verdict:
    panel = build_panel(lines, params["feature"]).rows
    return judge_drift(*split(panel, int(params["drift"]["weeks"])), params["drift"])


def _cuts(panel: pl.DataFrame, params: Params, step: int) -> Iterator[pl.DataFrame]:
    """The panel up to every `step`-th week of its last year, with as many weeks before as are usual."""
    weeks = panel["week"].unique().sort()
    first = max(len(weeks) - LAST_YEAR, int(params["weeks"]) + int(params["reference_weeks"]))
    for last in range(len(weeks) - 1, first - 1, -step):
        yield panel.filter(pl.col("week") <= weeks[last])


def shops(params: Params, uci: Path | None) -> Iterator[tuple[str, pl.DataFrame]]:
    """Names and accepted sales lines: small shops of two years, worlds of 100 SKUs, and the real shop where given."""
    for skus in SMALL:
        shop = f"plain, {skus} SKUs"
        yield shop, ingest_frame(plain_shop(skus, LAST_YEAR * 2, skus), params["ingest"], source=shop).accepted
    for kind in WORLDS:
        market = {**params["market"], "kind": kind, "skus": 100, "weeks": LAST_YEAR * 2, "seed": 1, "dirt": 0.0}
        lines = simulate_world(market).transactions(market)
        yield f"world {kind}, 100 SKUs", ingest_frame(lines, params["ingest"], source=kind).accepted
    if uci is not None:
        yield uci.name, ingest(uci, params["ingest"]).accepted


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge all shops, healthy and broken, print the tables and write them to the page."""
    options = _options(arguments)
    params, began = read_parameters(ROOT / "params.yaml"), time.perf_counter()
    healthy, broken = [], {}
    for shop, lines in shops(params, options.uci):
        healthy.append(replay(shop, build_panel(lines, params["feature"]).rows, params["drift"], options.step))
        print(healthy[-1], flush=True)
        broken[shop] = planted(lines, params)
        print({fault: (v.status, [c.name for c in v.worst]) for fault, v in broken[shop].items()}, flush=True)
    measured = f"Every {options.step}th week of the last year. Measured in {time.perf_counter() - began:.0f} s: "
    parts = [healthy_table(healthy), broken_table(broken), measured + report.describe() + "."]
    print("\n", "\n\n".join(parts), flush=True)
    write_between(options.out, COMMAND, parts)


def healthy_table(replays: Sequence[Replay]) -> str:
    """A row per shop: how often it was warned and blocked though nothing is wrong with it."""
    rows = [
        [r.shop, str(r.weeks), str(r.warned), str(r.blocked), ", ".join(f"{n} {c}" for n, c in r.why.items()) or "-"]
        for r in replays
    ]
    return markdown(["healthy shop", "weeks judged", "warned", "blocked", "by"], rows)


def broken_table(broken: Mapping[str, Mapping[str, Verdict]]) -> str:
    """A row per fault, a column per shop."""
    rows = [[fault, *(found[fault].status for found in broken.values())] for fault in FAULTS]
    return markdown(["fault in the newest 8 weeks", *broken], rows)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--step", type=int, default=4, help="judge every n-th week")
    parser.add_argument("--uci", type=Path, help="a real shop's file beside the made-up ones")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "drift.md", help="the page to write")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
