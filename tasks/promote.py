"""Stage promote: bundle, publish, read back, ask for a price, then move the channel's pointer; gates come first."""

import json

import polars as pl

from blocks.channel import Channel, held
from blocks.lake import Lake
from pricewright.core.arrays import unpack
from pricewright.core.manifest import BACKTEST, PLAN, PRICE_CHANGES, PRICE_LIST
from pricewright.release import write_bundle
from tasks.gates import pass_gates, read_verdicts
from tasks.provenance import write_origin
from tasks.releases import now, promote_release, retain, whoever, write_release
from tasks.stage import Metrics, Stage, Tell
from tasks.workspace import Workspace


def work(at: Workspace, tell: Tell, lake: Lake | None = None) -> Metrics:
    """A kill at any instant leaves the channel at the old release or at the new one: objects first, one swap last."""
    lake = lake or Lake(at.store, at.environment)
    params, verdicts = at.parameters["promote"], read_verdicts(at)
    pass_gates(verdicts, str(params["override"]))
    tell(0.0, "bundling")
    models = at.work / "models"
    manifest = write_bundle(
        at.work / "release",
        {path.stem: path.read_bytes() for path in sorted(models.glob("*.onnx"))},
        unpack((models / "catalog.npz").read_bytes(), "catalog.npz"),
        pl.read_parquet(at.work / PRICE_LIST),
        pl.read_parquet(at.work / BACKTEST),
        json.loads((at.work / PLAN).read_text()),
        pl.read_parquet(at.work / PRICE_CHANGES),
        metrics=json.loads(at.metrics("train").read_text()),
        gates=verdicts | {"override": params["override"]},
        lineage=write_origin(at, lake),
        week=json.loads(at.metrics("feature").read_text())["last_week"],
        created=f"{now():%Y-%m-%dT%H:%M:%SZ}",
    )
    with held(lake, manifest.id, whoever(), now):
        tell(0.3, f"publishing {manifest.id}")
        write_release(lake, at.work / "release", manifest)
        tell(0.6, "reading back and asking for prices")
        pointer = promote_release(lake, manifest.id, str(params["channel"]), int(params["smoke_skus"]))
    tell(0.9, "removing old releases")
    removed = retain(lake, int(params["keep_releases"]), whoever(), now)
    return {"release": manifest.id, "channel": params["channel"], "previous": pointer.previous, "store": lake.url,
            "removed": removed}  # fmt: skip


def line(metrics: Metrics) -> str:
    """Which release is served now, and how many old ones went."""
    before = f" (before: {metrics['previous']})" if metrics["previous"] else ""
    gone = f", {len(metrics['removed'])} old ones removed" if metrics["removed"] else ""
    return f"{metrics['channel']} serves {metrics['release']}{before}{gone}"


def undone(at: Workspace, lake: Lake) -> str:
    """A lake that was emptied gets the release once more; one that serves another has only retired this one."""
    path = at.metrics("promote")
    release = json.loads(path.read_text())["release"] if path.exists() else ""
    pointer = Channel(lake, str(at.parameters["promote"]["channel"])).read()
    there = {release, pointer.release if pointer else release}
    if not release or any(lake.find(f"releases/{one}/manifest.json") for one in there):
        return ""
    return f"the lake has no release {release}"


PROMOTE = Stage("promote", work, line, acts=True, undone=undone)
