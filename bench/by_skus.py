"""What SKUs cost: training with the price list, the release, the price API's start, each in a process of its own."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from bench.by_rows import Params, do, run, size
from bench.served import point
from pricewright.partitions import read_partitions

LINES = 3  # sales lines per SKU and week
WEEK, CREATED = "2024-W01", "2024-01-08T00:00:00Z"


def fit(folder: Path, params: Params) -> None:
    """Train with the hyperparameters that the search starts from, and write the release."""
    from pricewright.release import write_bundle
    from pricewright.train import train

    tables = [pl.read_parquet(folder / f"{name}.parquet") for name in ("coming", "catalog")]
    began, phases = time.perf_counter(), {}

    def tell(share: float, words: str) -> None:
        phases.setdefault(words, time.perf_counter() - began)

    done = train(read_partitions(folder / "panel"), *tables, params["tune"]["defaults"], params, tell)
    manifest = write_bundle(
        folder / "lake" / "releases",
        done.models,
        done.catalog,
        done.price_list,
        done.backtest,
        done.plan,
        done.price_changes,
        {},
        {},
        {},
        WEEK,
        CREATED,
    )
    point(folder / "lake", manifest.id)
    (folder / "phases.json").write_text(json.dumps(phases))


def serve(folder: Path, params: Params) -> None:
    """Start the API and ask for one price, from the folder that the lake is."""
    from inference.handler import make_app
    from inference.settings import Settings

    code = pl.read_parquet(folder / "catalog.parquet")["stock_code"][0]
    began = time.perf_counter()
    answer = make_app(Settings(store=str(folder / "lake")), log=lambda _: None)({"stock_code": code})
    if answer.get("model") != "network":
        raise SystemExit(f"the network did not answer: {answer}")
    (folder / "start").write_text(str(time.perf_counter() - began))


STEPS: Mapping[str, Callable[[Path, Params], None]] = {"fit": fit, "serve": serve}


def measure(folder: Path, params: Params) -> dict[str, Any]:
    """Costs by step and bytes of the release of one assortment; nothing of it stays on disk."""
    market = params["market"]
    folder.mkdir(parents=True)
    asked = {**params, "rows": market["skus"] * market["weeks"] * LINES}
    (folder / "params.json").write_text(json.dumps(asked, default=str))
    try:
        costs = {step: run(step, folder) for step in ("files", "ingest", "feature")}
        found: dict[str, Any] = {"skus": market["skus"], "weeks": market["weeks"]}
        costs["fit"] = run("fit", folder, "bench.by_skus")
        if not costs["fit"].done:
            costs["serve"] = run("serve", folder, "bench.by_skus")
            found |= {"release": size(folder / "lake" / "releases"), "start": float((folder / "start").read_text())}
            found["phases"] = json.loads((folder / "phases.json").read_text())
        return found | {"costs": {name: asdict(cost) for name, cost in costs.items()}}
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    do(STEPS)
