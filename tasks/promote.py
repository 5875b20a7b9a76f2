"""Stage promote: bundle, publish, read back, ask for a price, then move the channel's pointer; gates come first."""

import json

import polars as pl

from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lease import held
from pricewright.core.arrays import unpack
from pricewright.core.manifest import BACKTEST, MANIFEST, PLAN, PRICE_CHANGES, PRICE_LIST, release_key
from pricewright.release import write_bundle
from tasks.gates import Metrics, pass_gates, read_verdicts
from tasks.provenance import write_origin
from tasks.releases import current_user, now, promote_release, write_release
from tasks.retention import retain
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace


def work(workspace: Workspace, report_progress: ReportProgress, lake: Lake | None = None) -> Metrics:
    """A kill at any instant leaves the channel at the old release or at the new one: objects first, one swap last."""
    lake = lake or Lake(workspace.store, workspace.environment)
    params, verdicts = workspace.parameters["promote"], read_verdicts(workspace)
    pass_gates(verdicts, str(params["override"]))
    report_progress(0.0, "bundling")
    models = workspace.work / "models"
    manifest = write_bundle(
        workspace.work / "release",
        {path.stem: path.read_bytes() for path in sorted(models.glob("*.onnx"))},
        unpack((models / "catalog.npz").read_bytes(), "catalog.npz"),
        pl.read_parquet(workspace.work / PRICE_LIST),
        pl.read_parquet(workspace.work / BACKTEST),
        json.loads((workspace.work / PLAN).read_text()),
        pl.read_parquet(workspace.work / PRICE_CHANGES),
        metrics=json.loads(workspace.metrics("train").read_text()),
        gates=verdicts | {"override": params["override"]},
        lineage=write_origin(workspace, lake),
        week=json.loads(workspace.metrics("feature").read_text())["last_week"],
        created=f"{now():%Y-%m-%dT%H:%M:%SZ}",
    )
    with held(lake, manifest.id, current_user(), now):
        report_progress(0.3, f"publishing {manifest.id}")
        write_release(lake, workspace.work / "release", manifest)
        report_progress(0.6, "reading back and asking for prices")
        pointer = promote_release(lake, manifest.id, str(params["channel"]), int(params["smoke_skus"]))
    report_progress(0.9, "removing old releases")
    removed = retain(lake, int(params["keep_releases"]), current_user(), now)
    return {"release": manifest.id, "channel": params["channel"], "previous": pointer.previous, "store": lake.url,
            "removed": removed}  # fmt: skip


def line(metrics: Metrics) -> str:
    """Which release is served now, and how many old ones went."""
    before = f" (before: {metrics['previous']})" if metrics["previous"] else ""
    gone = f", {len(metrics['removed'])} old ones removed" if metrics["removed"] else ""
    return f"{metrics['channel']} serves {metrics['release']}{before}{gone}"


def why_invalid(workspace: Workspace, lake: Lake) -> str:
    """A lake that was emptied gets the release once more; one that serves another has only retired this one."""
    path = workspace.metrics("promote")
    release = json.loads(path.read_text())["release"] if path.exists() else ""
    pointer = Channel(lake, str(workspace.parameters["promote"]["channel"])).read()
    there = {release, pointer.release if pointer else release}
    if not release or any(lake.find(release_key(one, MANIFEST)) for one in there):
        return ""
    return f"the lake has no release {release}"


PROMOTE = Stage("promote", work, line, has_effects=True, why_invalid=why_invalid)
