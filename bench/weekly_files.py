"""A market's sales lines as a shop exports them: a Parquet file per week, written one by one, so that any size fits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pricewright.partitions import iso_week
from pricewright.worlds.market import PACKS, Market, simulate, to_transactions_of_week

SAMPLE = 2_000  # SKUs on which the units per week are looked for that give so many lines
LEAST, MOST = 0.01, 100_000.0  # units per week of the median SKU


def write_weeks(folder: Path, params: Mapping[str, Any], rows: int) -> int:
    """Write about `rows` lines of the market of section `market`, and return how many it were."""
    own = {**params, "units_per_week": units_for(params, rows)}
    market = simulate(own)
    folder.mkdir(parents=True, exist_ok=True)
    return sum(write_week(folder, market, week, own) for week in range(len(market.weeks)))


def write_week(folder: Path, market: Market, week: int, params: Mapping[str, Any]) -> int:
    """Write one week's file, and return its lines."""
    lines = to_transactions_of_week(market, week, params)
    lines.write_parquet(folder / f"{iso_week(market.weeks[week])}.parquet", compression="zstd", compression_level=1)
    return lines.height


def units_for(params: Mapping[str, Any], rows: int) -> float:
    """Units per week of the median SKU that give so many lines, messy ones aside; found by halving, on some SKUs."""
    skus = int(params["skus"])
    part = {**params, "skus": min(skus, SAMPLE)}
    low, high = LEAST, MOST
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        if _lines({**part, "units_per_week": middle}) * skus / part["skus"] < rows:
            low = middle
        else:
            high = middle
    return (low * high) ** 0.5


def _lines(params: Mapping[str, Any]) -> float:
    market = simulate(params)
    pack = np.random.default_rng(int(params["seed"])).choice(PACKS, len(market.units))
    lines: float = np.ceil(market.units / pack[:, None]).sum()
    return lines
