"""A small release with models made by hand: the same signatures as trained ones, answers that are known."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pricewright.backups import REGISTRY
from pricewright.core import manifest
from pricewright.core.arrays import pack
from pricewright.core.content import NET_SHARE, PLANNED
from pricewright.core.plan import Plan, Product
from pricewright.core.substitution import Posterior
from pricewright.items import apart, parts
from pricewright.price_list import ADDED, no_price_changes, plan_prices, plan_summary, price_list, store_arrays
from pricewright.profit import EARNED, amounts, net_shares
from pricewright.release import Manifest, write_bundle
from pricewright.rules.items import items_of
from pricewright.rules.release import plan_with_rules, rule_arrays
from pricewright.verdict import Check, Verdict
from tasks.gates import write_verdict
from tasks.workspace import Workspace, configure

FEATURES = ("log_level", "season", "units_1")
EFFECTS, DRAWS, SEED = 16, 128, 1
FAMILIES = {"MUGS": (3, 4, 5, 6), "LANTERNS": (8, 9, 10, 11, 12, 13)}  # numbers of SKUs; the others compete with nobody
UNINFORMED = (15, 21)  # numbers of SKUs about which the data say too little: their prices stay
PARAMS: dict[str, Any] = {
    "bins": 50, "objective": "sales", "minimum_probability": 0.7, "endings": [],
    "guardrail_widen": 0.1, "guardrail_factor": 1.5, "minimum_information": 0.3,
}  # fmt: skip
WEEK, CREATED = "2011-W48", "2011-12-05T03:00:00Z"
FILES = (*manifest.FILES, *(f"{name}.onnx" for name in REGISTRY))
PROMOTE_PARAMS = Path(__file__).parents[1] / "params.yaml"


def network_onnx(level: float = 0.0) -> bytes:
    """units = exp(level + log_level) x exp(-softplus(slope draw) x log_price_ratio); effects[0:2]: mean, spread."""
    normal = np.random.default_rng(7).standard_normal((1, DRAWS)).astype(np.float32)
    constants = {"z": normal, "zero": [0], "one": [1], "two": [2], "axis": [1], "level": np.float32(level)}
    nodes = [
        helper.make_node("Slice", ["effects", "zero", "one", "axis"], ["mean"]),
        helper.make_node("Slice", ["effects", "one", "two", "axis"], ["spread"]),
        helper.make_node("Slice", ["features", "zero", "one", "axis"], ["log_level"]),
        helper.make_node("Mul", ["spread", "z"], ["shift"]),
        helper.make_node("Add", ["mean", "shift"], ["raw"]),
        helper.make_node("Softplus", ["raw"], ["slope"]),
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("Mul", ["x", "slope"], ["fall"]),
        helper.make_node("Sub", ["log_level", "fall"], ["log_units"]),
        helper.make_node("Add", ["log_units", "level"], ["moved"]),
        helper.make_node("Exp", ["moved"], ["units"]),
    ]
    inputs: dict[str, list[Any]] = {
        "features": ["r", len(FEATURES)],
        "effects": ["r", EFFECTS],
        "log_price_ratio": ["n"],
    }
    return onnx_model(nodes, constants, inputs, {"units": ["n", DRAWS]})


def backup_onnx(level: float, slope: float = 1.5) -> bytes:
    """log_units = level + log_level - slope x log_price_ratio (the first of the price features)."""
    weights = np.zeros((len(FEATURES) + 3, 1), np.float32)
    weights[0], weights[len(FEATURES)] = 1.0, -slope
    constants = {"weights": weights, "level": np.float32(level)}
    nodes = [
        helper.make_node("MatMul", ["rows", "weights"], ["product"]),
        helper.make_node("Add", ["product", "level"], ["log_units"]),
    ]
    return onnx_model(nodes, constants, {"rows": ["n", len(FEATURES) + 3]}, {"log_units": ["n", 1]})


def onnx_model(
    nodes: list[Any], constants: dict[str, Any], inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]
) -> bytes:
    """One ONNX graph; lists of whole numbers become int64 constants."""
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.int64 if isinstance(value, list) else None), name)
        for name, value in constants.items()
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side.items()]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "model", *ends, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def models(level: float = 0.0) -> dict[str, bytes]:
    """The network and the registered backups, each 0.1 higher than the one before; `level` tells releases apart."""
    backups = {name: backup_onnx(level + 0.1 * i) for i, name in enumerate(REGISTRY, 1)}
    return {"network": network_onnx(level)} | backups


def catalog(skus: int = 40, seed: int = 3) -> tuple[pl.DataFrame, dict[str, NDArray[Any]]]:
    """The frame that training prices, and what else a release needs to know about every SKU."""
    rng = np.random.default_rng(seed)
    current = np.round(rng.uniform(0.5, 12, skus), 2)
    frame = pl.DataFrame(
        {
            "stock_code": [f"{20000 + 7 * i}{'A' if i % 5 == 0 else ''}" for i in range(skus)],
            "description": [
                f"{('RED', 'WHITE', 'VINTAGE')[i % 3]} {('MUG', 'LANTERN')[i % 2]} {i}" for i in range(skus)
            ],
            "current_price": current,
            "reference_price": current * rng.uniform(0.95, 1.05, skus),
            "anchor_price": current * rng.uniform(0.9, 1.1, skus),
            "price_min": current * rng.uniform(0.7, 0.95, skus),
            "price_max": current * rng.uniform(1.05, 1.3, skus),
            "unit_cost": [None if i % 4 == 0 else float(current[i]) * 0.4 for i in range(skus)],
        },
        schema_overrides={"unit_cost": pl.Float64},
    )
    features = np.stack([rng.uniform(0, 4, skus), rng.normal(size=skus), rng.uniform(0, 4, skus)], 1)
    effects = np.zeros((skus, EFFECTS))
    effects[:, 0], effects[:, 1] = rng.uniform(-1.5, 3.5, skus), rng.uniform(0.1, 0.6, skus)
    weeks = np.array([np.datetime64("2011-09-05") + 7 * week for week in range(13)]).astype("U10")
    return frame, {
        "features": features.astype(np.float32),
        "effects": effects.astype(np.float32),
        "history_weeks": weeks,
        "history_units": rng.poisson(20, (skus, 13)).astype(np.float32),
        "history_price": np.repeat(current[:, None], 13, 1).astype(np.float32),
    }


ALONE = 30.0  # latent share of a common change that a product keeps which competes with nobody


def names(count: int) -> list[str | None]:
    """The family of each SKU."""
    found = {number: name for name, numbers in FAMILIES.items() for number in numbers}
    return [found.get(number) for number in range(count)]


def posterior(frame: pl.DataFrame, arrays: dict[str, NDArray[Any]], level: float) -> Posterior:
    """The demand that the network says, and families that keep about 80 % of what their members lose."""
    count = frame.height
    numbers = {name: numbers[0] for name, numbers in FAMILIES.items()}
    own = np.zeros((count, 3))
    own[:, 0] = arrays["effects"][:, 1]
    return Posterior(
        level=np.exp(level + arrays["features"][:, 0].astype(np.float64)),
        base_price=frame["anchor_price"].to_numpy(),
        curve=np.column_stack([arrays["effects"][:, 0].astype(np.float64), np.full(count, -9.0)]),
        own=own,
        shared=np.full((count, 2, 1), [[0.02], [0.0]]),
        family=np.array([numbers[name] if name else i for i, name in enumerate(names(count))], dtype=np.int64),
        keeps=np.array([(-1.4, 0.1, 0.05) if name else (ALONE, 0.0, 0.0) for name in names(count)]),
    )


def planned(
    frame: pl.DataFrame, known: Posterior, params: dict[str, Any], rules: Sequence[Any] = ()
) -> tuple[pl.DataFrame, dict[str, Any], list[Product], dict[str, NDArray[Any]]]:
    """The price list, the summary of the plan, what was offered, and the arrays of the rules."""
    informed = np.array([0.0 if number in UNINFORMED else 0.9 for number in range(frame.height)])
    how = (known, frame, informed, DRAWS, SEED, params)
    if not rules:
        plan, products = plan_prices(*how)
        return price_list(plan, products, frame, names(frame.height), params), _summary(plan, frame), products, {}
    panel = frame.select("stock_code", pl.lit(date(2011, 11, 28)).alias("week"), list_price="current_price")
    ruled = plan_with_rules(*how, rules, items_of(frame, panel))
    notes = [", ".join(bound) for bound in ruled.binding]
    listed = price_list(ruled.plan, ruled.products, frame, names(frame.height), params, rules=notes)
    return listed, _summary(ruled.plan, frame), ruled.products, rule_arrays(ruled)


def _summary(plan: Plan, frame: pl.DataFrame) -> dict[str, Any]:
    return plan_summary(plan, unit_cost=amounts(frame, "unit_cost"))


def catalog_arrays(
    frame: pl.DataFrame, listed: pl.DataFrame, arrays: dict[str, NDArray[Any]], params: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    """catalog.npz: the backups' reference price differs from the network's base price, so that a mix-up shows."""
    count = frame.height
    residuals = np.array([[0.0, 5.0], [0.0, 0.0], [-1.0, -0.5], [0.0, 0.0], [1.0, 0.5]])
    backups = {f"smear_{name}": np.asarray(1.1) for name in REGISTRY}
    backups |= {f"residuals_{name}": residuals for name in REGISTRY}
    taxed = {NET_SHARE: net_shares(frame, params)} if "tax_rate" in frame.columns else {}
    return arrays | backups | taxed | {
        "stock_code": frame["stock_code"].to_numpy().astype(str),
        "description": frame["description"].to_numpy().astype(str),
        "current_price": frame["current_price"].to_numpy(),
        "reference_price": frame["reference_price"].to_numpy(),
        "anchor_price": frame["anchor_price"].to_numpy(),
        "last_price": frame["current_price"].to_numpy(),
        "guardrail_low": listed["guardrail_low"].to_numpy(),
        "guardrail_high": listed["guardrail_high"].to_numpy(),
        "unit_cost": frame["unit_cost"].fill_null(np.nan).to_numpy(),
        "dispersion": np.full(count, 2.0),
        "spread": np.asarray(1.1),
        "feature_names": np.array(FEATURES),
        "bins": np.asarray(params["bins"]),
        "objective": np.asarray(params["objective"]),
        "minimum_probability": np.asarray(params["minimum_probability"]),
        "endings": np.asarray(params["endings"], dtype=np.float64),
        "last_week": np.asarray(WEEK),
    } | {f"list_{name}": _column(listed[name]) for name in listed.columns}  # fmt: skip


def contents(
    level: float = 0.0,
    skus: int = 40,
    given: dict[str, bytes] | None = None,
    descriptions: dict[int, str] | None = None,
    codes: Sequence[str] = (),
    zones: Mapping[str, str] | None = None,
    rules: Sequence[Any] = (),
    tax_rate: float | None = None,
    **params: Any,
) -> dict[str, Any]:
    """The arguments of write_bundle, without the folder; `descriptions` by the SKU's number; `codes`: other ones.
    tax_rate: of every second SKU.

    zones: of a chain the zone of each store; codes are keys of items then. rules: what the plan keeps to.
    """
    frame, arrays = catalog(len(codes) or skus)
    if codes:
        frame = frame.with_columns(pl.Series("stock_code", sorted(codes)))
    if descriptions:
        texts = [descriptions.get(number, text) for number, text in enumerate(frame["description"])]
        frame = frame.with_columns(pl.Series("description", texts))
    if tax_rate is not None:
        frame = frame.with_columns(tax_rate=pl.when(pl.int_range(pl.len()) % 2 == 0).then(tax_rate))
    merged = PARAMS | params
    made = models(level)
    known = posterior(frame, arrays, level)
    listed, plan, products, ruled = planned(frame, known, merged, rules)
    arrays |= known.arrays() | ruled | {"fixed": np.array([product.fixed for product in products], dtype=np.uint8)}
    arrays |= store_arrays(parts(frame["stock_code"], parted=True), _zones(zones)) if zones else {}
    return {
        "models": made | (given or {}),
        "catalog_arrays": catalog_arrays(frame, listed, arrays, merged),
        "price_list": apart(listed, parted=bool(zones)),
        "backtest": pl.DataFrame({"stock_code": ["20000A"], "units": [3.0], "predicted_units": [2.5]}),
        "plan": plan,
        "price_changes": no_price_changes(),
        "metrics": {"network": {"wape": 0.5, "bias": float("nan")}},
        "gates": {"drift": {"status": "ok"}, "proof": {"status": "ok"}, "fairness": {"status": "ok"}},
        "lineage": {"data": "abc", "code": "def", "params": "012"},
        "week": WEEK,
        "created": CREATED,
    }


def _zones(zones: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(sorted(zones.items()), schema=["store", "zone"], orient="row")


def before_plans(**how: Any) -> dict[str, Any]:
    """The same as it was written before there were plans: no demand of families, no names, no promises."""
    made, later = contents(**how), {*PLANNED, *(f"list_{name}" for name in EARNED)}
    arrays = {name: array for name, array in made["catalog_arrays"].items() if name not in later}
    return made | {"catalog_arrays": arrays, "price_list": made["price_list"].drop(*ADDED, *EARNED)}


def write_release(folder: Path, **how: Any) -> Manifest:
    """Write a release to `<folder>/<id>/`."""
    return write_bundle(folder, **contents(**how))


def _column(values: pl.Series) -> NDArray[Any]:
    if values.dtype == pl.String:
        return values.fill_null("").to_numpy().astype(str)
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def fill(root: Path, store: str, level: float = 0.0, drift: float = 0.1, slope: float = 1.2) -> Workspace:
    """What ingest to fairness would have left; `level` tells releases apart; drift blocks from 0.7, slope from 0.25."""
    (root / "params.yaml").write_text(PROMOTE_PARAMS.read_text())
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


def override(workspace: Workspace, **promote: str) -> Workspace:
    """The workspace of a run that lays these over params.yaml's section promote."""
    return configure(workspace.root, store=workspace.store, overrides={"promote": promote})
