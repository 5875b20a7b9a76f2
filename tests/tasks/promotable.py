"""A workspace whose stages before promotion have run: a small release with models made by hand lies in work/."""

import json
from pathlib import Path

from pricewright.core.release.arrays import pack
from pricewright.verdict import Check, Verdict
from tasks.gates import write_verdict
from tasks.workspace import Workspace, configure
from tests.synthetic_release import contents

PARAMS = Path(__file__).parents[2] / "params.yaml"


def fill(root: Path, store: str, level: float = 0.0, drift: float = 0.1, slope: float = 1.2) -> Workspace:
    """What ingest to fairness would have left; `level` tells releases apart; drift blocks from 0.7, slope from 0.25."""
    (root / "params.yaml").write_text(PARAMS.read_text())
    at = configure(root, store=store)
    made = contents(level)
    (at.work / "models").mkdir(parents=True, exist_ok=True)
    for name, body in made["models"].items():
        (at.work / "models" / f"{name}.onnx").write_bytes(body)
    (at.work / "models" / "catalog.npz").write_bytes(pack(made["catalog_arrays"]))
    made["price_list"].write_parquet(at.work / "price_list.parquet")
    made["backtest"].write_parquet(at.work / "backtest.parquet")
    made["price_changes"].write_parquet(at.work / "price_changes.parquet")
    (at.work / "plan.json").write_text(json.dumps(made["plan"]))
    write_verdict(at, Verdict("drift", (Check("drifted_columns", drift, 0.3, 0.7),), "look at the feed."))
    write_verdict(at, Verdict("proof", (Check("calibration_slope", slope, 1.0, 0.25, larger_is_worse=False),)))
    write_verdict(at, Verdict("fairness", (Check("people.bias_gap", 0.01, 0.15, 0.4),)))
    for stage, metrics in {
        "feature": {"last_week": "2011-W48"},
        "train": {"models": {"network": {"wape": 0.5}}},
    }.items():
        at.metrics(stage).parent.mkdir(exist_ok=True)
        at.metrics(stage).write_text(json.dumps(metrics))
    return at


def override(at: Workspace, **promote: str) -> Workspace:
    """The workspace of a run that lays these over params.yaml's section promote."""
    return configure(at.root, store=at.store, overrides={"promote": promote})
