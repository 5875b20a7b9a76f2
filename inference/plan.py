"""The plan as a table: each row of the price list with its intervals, and how often its price was asked before."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.artifacts import Artifacts
from inference.catalog import Catalog
from pricewright.core.blocks import DamagedFile
from pricewright.core.manifest import PLAN
from pricewright.core.what_if import EACH, intervals_of

NEAR = 0.02  # share by which a paid price may differ from the planned one and count as that price
TINY = 1e-9
NEEDED = ("current_price", "optimal_price", "expected_sales", "current_expected_sales")


def promise_of(artifacts: Artifacts) -> dict[str, Any]:
    """What plan.json of a release promises for all its SKUs; empty where it has none. Raises ReleaseError."""
    known = artifacts.manifest.metrics.get("plan")
    if not known and PLAN in artifacts.manifest.files:
        known = json.loads(artifacts.read(PLAN))
    return dict(known or {})


def plan_rows(catalog: Catalog, first: int, last: int, trust: float) -> list[dict[str, Any]]:
    """Rows of the plan from position `first` up to `last`; trust: the share of a gain that the plan promises.

    Raises ReleaseError without history.npz, DamagedFile when the catalog's numbers make no sense.
    """
    rows = catalog.rows(first, last)
    if any(row[name] is None for row in rows for name in NEEDED):
        raise DamagedFile(f"the price list lacks numbers among {', '.join(NEEDED)}.")
    ranges = _intervals(catalog, np.arange(first, first + len(rows)), trust)
    asked = _asked(catalog, first, [row["optimal_price"] for row in rows])
    rules, net = catalog.families.rules, catalog.families.shop.net
    return [
        row
        | {"units_now": row["current_expected_sales"] / (row["current_price"] * float(net[first + position]))}
        | {"gain": row["expected_sales"] - row["current_expected_sales"]}
        | {name: values[position] for name, values in ranges.items()}
        | asked[position]
        | {"rules": (rules.binding(first + position) or None) if rules else None}
        for position, row in enumerate(rows)
    ]


def _intervals(catalog: Catalog, positions: NDArray[np.int64], trust: float) -> dict[str, list[float]]:
    """90 % intervals at the plan's prices, one value per position."""
    planned = np.asarray(catalog.arrays["list_optimal_price"], dtype=np.float64)
    with np.errstate(all="ignore"):
        found = intervals_of(catalog.families.shop, positions, planned, trust)
    if not all(np.isfinite(found[f"{name}_{end}"]).all() for name in EACH for end in ("low", "high")):
        raise DamagedFile("the catalog's demand makes units or sales that are not finite.")
    return {name: values.tolist() for name, values in found.items()}


def _asked(catalog: Catalog, first: int, prices: list[float]) -> list[dict[str, Any]]:
    """In how many weeks with a sale a price was paid that is the planned one or near it, the last of these weeks, and
    which price came nearest to it."""
    weeks, units, paid = catalog.paid(first, first + len(prices))
    away = np.abs(np.asarray(paid, dtype=np.float64) / np.array(prices)[:, None] - 1)
    away[~(np.asarray(units) > 0) | np.isnan(away)] = np.inf
    near = away <= NEAR + TINY
    found = []
    for row, distance in enumerate(away):
        known = np.flatnonzero(near[row])
        closest = int(distance.argmin()) if len(distance) else 0
        nearest = round(float(paid[row, closest]), 2) if len(distance) and np.isfinite(distance[closest]) else None
        last = str(weeks[known[-1]]) if len(known) else None
        found.append({"asked_weeks": len(known), "asked_last": last, "asked_nearest": nearest})
    return found
