"""Stage train: all models, the price list, the backtest that says how good they are, and the proof of past prices."""

import json
from typing import TYPE_CHECKING

import polars as pl

from pricewright.core.arrays import pack
from pricewright.core.manifest import BACKTEST, PLAN, PRICE_CHANGES, PRICE_LIST
from pricewright.partitions import read_partitions
from pricewright.release.bundle import plan_json
from tasks.gates import Metrics, verdict_notes, write_verdict
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from pricewright.train import Trained


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """Fit on all full weeks; the backtest's models have seen earlier weeks only."""
    from pricewright.rules.file import read_rules
    from pricewright.train import train

    hyperparameters = json.loads((workspace.work / "hyperparameters.json").read_text())
    panel, coming, catalog = (
        read_partitions(workspace.work / "panel"),
        pl.read_parquet(workspace.work / "coming.parquet"),
        pl.read_parquet(workspace.work / "catalog.parquet"),
    )
    zones = pl.read_parquet(workspace.work / "zones.parquet")
    products = pl.read_parquet(workspace.work / "products.parquet")
    rules = read_rules(path) if (path := workspace.beside("rules")) else ()
    trained = train(
        panel, coming, catalog, hyperparameters, workspace.parameters, report_progress, zones=zones, rules=rules,
        products=products,
    )  # fmt: skip
    _write(workspace, trained)
    return trained.metrics | {"proof": trained.metrics["proof"] | _write_proof(workspace, trained)}


def _write(workspace: Workspace, trained: "Trained") -> None:
    models = workspace.work / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name, body in trained.models.items():
        (models / f"{name}.onnx").write_bytes(body)
    (models / "catalog.npz").write_bytes(pack(trained.catalog))
    trained.price_list.write_parquet(workspace.work / PRICE_LIST)
    trained.backtest.write_parquet(workspace.work / BACKTEST)
    trained.price_changes.write_parquet(workspace.work / PRICE_CHANGES)
    (workspace.work / PLAN).write_bytes(plan_json(trained.plan))
    (workspace.work / "plots").mkdir(exist_ok=True)
    errors_by_week(trained.backtest).write_csv(workspace.work / "plots" / "backtest.csv")


def _write_proof(workspace: Workspace, trained: "Trained") -> Metrics:
    """The verdict is written whatever it says; promotion reads it."""
    from pricewright.proof import draw_changes

    summary, folder = write_verdict(workspace, trained.verdict), workspace.work / "proof"
    draw_changes(trained.price_changes, trained.proof, folder / "price_changes.png")
    return summary


def errors_by_week(backtest: pl.DataFrame) -> pl.DataFrame:
    """One row per model and week: WAPE (absolute error over units) and bias (predicted over actual units)."""
    units, error = pl.col("units"), (pl.col("predicted_median") - pl.col("units")).abs()
    return (
        backtest.group_by("model", "week")
        .agg(wape=error.sum() / units.sum(), bias=pl.col("predicted_units").sum() / units.sum())
        .sort("model", "week")
    )


def line(metrics: Metrics) -> str:
    """How good the network's backtest is, what the price list says, and how past prices came out."""
    models, prices = metrics["models"], metrics["prices"]
    network = models["network"]
    return (
        f"{len(models)} models; network WAPE {network['wape']:.3f}, predicted/sold {network['bias']:.2f}; "
        f"{prices['moved']:,} of {prices['skus']:,} prices move, {prices['sales_uplift']:+.1%} sales expected; "
        f"prices of {prices['ever_moved']:,} of {prices['known']:,} SKUs ever moved; {proof_line(metrics['proof'])}"
    )


def notes(metrics: Metrics) -> list[str]:
    """What prices by zone are worth in a chain, what rules come to, and what the proof warns of."""
    plan = metrics.get("plan", {})
    zones = [zones_line(plan)] if "zones_gain" in plan else []
    return [*tax_lines(plan), *zones, *rules_lines(plan), *verdict_notes(metrics["proof"])]


def tax_lines(plan: Metrics) -> list[str]:
    """What was made of rates of tax, where there are any."""
    if not (tax := plan.get("tax")):
        return []
    prices = "include it" if tax["included"] else "are without it"
    other = "false" if tax["included"] else "true"
    return [
        f"sales and profit are without tax, {tax['mean_rate']:.1%} on average of {tax['skus']:,} items; the source's "
        f"prices {prices}, if not: --param price.includes_tax={other}"
    ]


def rules_lines(plan: Metrics) -> list[str]:
    """A line for each rule that binds, cannot be met or judged, or selects what the shop does not have."""
    lines = []
    for row in plan.get("rules", []):
        facts = [f"binds {row['binds']:,} prices, costs {row['cost']:,.2f} a week"] if row["binds"] else []
        facts += [f"is not met for {row['not_met']:,} items{_against(row)}"] if row["not_met"] else []
        facts += [f"cannot be judged for {row['not_judged']:,} items"] if row["not_judged"] else []
        facts += [f"names what the shop does not have: {', '.join(row['unknown'])}"] if row["unknown"] else []
        lines += [f"rule {row['rule']!r} {'; '.join(facts)}"] if facts else []
    return lines


def _against(row: Metrics) -> str:
    """Such as ` (7 contradict 'floor of tea', first 85123A)`."""
    contradictions = [
        f"{one['count']:,} contradict {', '.join(map(repr, one['rules']))}, first {one['items'][0]}"
        for one in row["contradictions"]
        if one["rules"]
    ]
    return f" ({'; '.join(contradictions)})" if contradictions else ""


def zones_line(plan: Metrics) -> str:
    """Such as `prices by zone bring +1.2% weekly sales over one price per SKU (90 %: +0.4% to +2.0%)`."""
    return (
        f"prices by zone bring {plan['zones_gain']:+.1%} weekly sales over one price per SKU (90 %: "
        f"{plan['zones_gain_low']:+.1%} to {plan['zones_gain_high']:+.1%}; probability {plan['zones_probability']:.2f})"
        f"{_zones_profit(plan)}"
    )


def _zones_profit(plan: Metrics) -> str:
    if plan.get("zones_profit") is None:
        return ""
    low, high = plan["zones_profit_low"], plan["zones_profit_high"]
    return f" and {plan['zones_profit']:+,.2f} weekly profit (90 %: {low:+,.2f} to {high:+,.2f})"


def proof_line(proof: Metrics) -> str:
    """What came true of past price changes, such as `proof ok: of 41 past price changes 0.93 +- 0.20 came true`."""
    if proof["slope"] is None:
        return f"proof {proof['status']}: {proof['changes']} past price changes are too few to prove anything"
    shrunk = f", promised gains are cut to {proof['trust']:.0%}" if proof["trust"] < 1 else ""
    return (
        f"proof {proof['status']}: of the effects of {proof['changes']} past price changes {proof['slope']:.2f} +- "
        f"{proof['slope_sd']:.2f} came true{shrunk}"
    )


TRAIN = Stage("train", work, line, notes=notes)
