"""Where a release came from: data, code and parameters of every stage, down to the sales lines of one SKU.

Written once, when the release is, under the hash of its own content; the release's manifest holds that hash. What the
hashes stand for lies below dvc/ in the lake, so that another machine needs nothing but the lake.
"""

import hashlib
import io
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from blocks.lake import Lake
from pricewright.core.arrays import unpack
from pricewright.core.content import STORES, has_stores
from pricewright.core.errors import LedgerError, ReleaseError, UnknownSku
from pricewright.core.item import Item
from pricewright.core.manifest import CATALOG, MANIFEST, PRICE_LIST, Manifest, release_key
from tasks.lock import LOCK, object_key
from tasks.workspace import Workspace

CODE = ("pricewright/", "tasks/", "inference/", "blocks/")
COMMIT = "PRICEWRIGHT_COMMIT"  # where the code was built into an image, which has no .git
Origin = dict[str, Any]
PARTITIONED = {"raw": "work/raw", "panel": "work/panel"}
AT_ONCE = 16  # partitions read at once: they are small, and S3 answers slowly
LINE = ("week", "invoice_time", "invoice", "quantity", "unit_price", "source", "row")


def origin_key(digest: str) -> str:
    """Where the lake keeps an origin."""
    return f"lineage/origins/{digest}.json"


def write_origin(workspace: Workspace, lake: Lake, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Put the origin of what the workspace made into the lake; what a manifest's lineage says about it.

    Hashes of data, code and params (`unknown` where the stages were run without the ledger), and of the origin itself.
    """
    stages = _stages(workspace.root / LOCK)
    raw = [out["md5"] for out in stages.get("ingest", {}).get("outs", []) if out["path"] == "work/raw"]
    deps = {dep["path"]: dep["md5"] for stage in stages.values() for dep in stage.get("deps", [])}
    code = {name: value for name, value in deps.items() if name.startswith(CODE)}
    params = {name: stage.get("params", {}) for name, stage in stages.items()}
    hashes = {"data": raw[0] if raw else "unknown", "code": _hash(code), "params": _hash(params)}
    if not stages:
        return hashes
    files = {
        path.relative_to(workspace.root).as_posix(): _md5(path)
        for name in code
        for path in _files(workspace.root / name)
    }
    origin = {
        "stages": stages,
        "code": commit_of(workspace.root, environment) | {"files": dict(sorted(files.items()))},
        "source": {
            "name": workspace.described if workspace.simulated else workspace.source.name,
            "simulated": workspace.simulated,
        },
        "counts": {stage: _numbers(workspace, stage) for stage in ("ingest", "feature")},
    }
    body = json.dumps(origin, indent=1, sort_keys=True, default=str).encode()
    digest = hashlib.sha256(body).hexdigest()
    lake.write_new(origin_key(digest), body)
    return hashes | {"origin": digest}


def read_origin(lake: Lake, lineage: Mapping[str, Any]) -> Origin:
    """The origin that a manifest's lineage names; empty where it names none, or the lake has lost it."""
    digest = str(lineage.get("origin") or "")
    blob = lake.find(origin_key(digest)) if digest else None
    if blob is None or hashlib.sha256(blob.body).hexdigest() != digest:
        return {}
    origin: Origin = json.loads(blob.body)
    return origin


def commit_of(root: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The git commit of a checkout, and whether files differ from it; what the image says where there is no git."""
    if not (root / ".git").exists():
        return {"commit": environment.get(COMMIT, ""), "changed": False}
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git(root, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):  # no git here, or a checkout of somebody else
        return {"commit": environment.get(COMMIT, ""), "changed": False}


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()  # noqa: S603


def _stages(lock: Path) -> dict[str, Any]:
    stages: dict[str, Any] = yaml.safe_load(lock.read_text())["stages"] if lock.exists() else {}
    return {name: stage for name, stage in stages.items() if name != "promote"}


def _numbers(workspace: Workspace, stage: str) -> dict[str, Any]:
    path = workspace.metrics(stage)
    numbers: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return numbers


def _files(path: Path) -> Iterator[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return (file for file in found if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc")


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _hash(content: dict[str, Any]) -> str:
    if not content:
        return "unknown"
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class ReleaseLineage:
    """A release and what it came from; `origin` is empty for a release made before origins were kept.

    weeks: per folder (raw, panel), the hash of each week's partition; empty where the lake has no listing.
    parameters: every number by its full name, as it was used; overridden: those that a run laid over params.yaml.
    """

    release: str
    created: str
    manifest: str
    files: Mapping[str, Mapping[str, Any]]
    lineage: Mapping[str, Any]
    origin: Origin
    weeks: Mapping[str, Mapping[str, str]]
    parameters: Mapping[str, Any]
    overridden: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def read_descent(lake: Lake, release: str) -> ReleaseLineage:
    """Where a release of the lake came from. Raises ReleaseError when the lake has no such release."""
    blob = lake.find(release_key(release, MANIFEST))
    if blob is None:
        raise ReleaseError(f"the lake {lake.url} has no release {release}.", hint="see pricewright releases.")
    manifest = Manifest.from_json(blob.body)
    origin = read_origin(lake, manifest.lineage)
    parameters, overridden = used_parameters(origin)
    return ReleaseLineage(
        release=manifest.id,
        created=manifest.created,
        manifest=hashlib.sha256(blob.body).hexdigest(),
        files={name: {"sha256": entry.sha256, "size": entry.size} for name, entry in sorted(manifest.files.items())},
        lineage=manifest.lineage,
        origin=origin,
        weeks={name: read_weeks(lake, origin, path) for name, path in PARTITIONED.items()},
        parameters=parameters,
        overridden=overridden,
    )


def read_weeks(lake: Lake, origin: Origin, path: str) -> dict[str, str]:
    """The hash of each week's partition of a folder that a stage wrote, such as {2011-W48: 5d41...}."""
    (digest,) = [out["md5"] for stage in origin.get("stages", {}).values() for out in stage.get("outs", [])
                 if out["path"] == path] or [""]  # fmt: skip
    blob = lake.find(object_key(digest)) if digest else None
    entries = json.loads(blob.body) if blob else []
    return {entry["relpath"].split("/")[0].removeprefix("week="): entry["md5"] for entry in entries}


def used_parameters(origin: Origin) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The numbers that the stages read, and the names of those that the run asked for."""
    defaults: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    for stage in origin.get("stages", {}).values():
        params = stage.get("params", {})
        defaults |= _flat(params.get("params.yaml", {}))
        for name, value in params.get("run.yaml", {}).items():
            asked |= _flat({name.removeprefix("overrides."): value}) if name.startswith("overrides.") else {}
    used = {name: value for name, value in asked.items() if value != {}}
    return dict(sorted((defaults | used).items())), tuple(sorted(used))


def differences(one: ReleaseLineage, other: ReleaseLineage) -> dict[str, Any]:
    """What differs, as {data, code, parameters: {name: [of one, of the other]}}; absent on a side is None.

    Where one of the releases is older than origins, all that is known is whether the hashes differ.
    """
    if not (one.origin and other.origin):
        named = {"data": "data", "code": "code", "parameters": "params"}
        return {what: _differ({"hash": one.lineage.get(key)}, {"hash": other.lineage.get(key)})
                for what, key in named.items()}  # fmt: skip
    return {
        "data": _differ(_data(one), _data(other)),
        "code": _differ(_code(one), _code(other)),
        "parameters": _differ(one.parameters, other.parameters),
    }


def source_hashes(origin: Origin) -> dict[str, str]:
    """What ingest read that is not code: the hash of the source file or folder, by its path."""
    deps = origin.get("stages", {}).get("ingest", {}).get("deps", [])
    code = origin.get("code", {}).get("files", {})
    return {
        dep["path"]: dep["md5"]
        for dep in deps
        if dep["path"] not in code and not any(name.startswith(f"{dep['path']}/") for name in code)
    }


def _data(lineage: ReleaseLineage) -> dict[str, Any]:
    source = {f"source {path}": digest for path, digest in source_hashes(lineage.origin).items()}
    weeks = {f"{name} {week}": md5 for name, found in lineage.weeks.items() for week, md5 in found.items()}
    return source | weeks


def _code(lineage: ReleaseLineage) -> dict[str, Any]:
    return {"commit": lineage.origin["code"]["commit"], **lineage.origin["code"]["files"]}


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(set(one) | set(other))
    return {name: [one.get(name), other.get(name)] for name in names if one.get(name) != other.get(name)}


def _flat(values: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{at}{name}.") if isinstance(value, Mapping) and value else {f"{at}{name}": value}
    return flat


@dataclass(frozen=True)
class SkuLineage:
    """price: its row of the price list; panel: its rows by week, with the number of sales lines of each week (`lines`);
    lines: these sales lines with the file (`source`) and the row of it that each one is."""

    price: pl.DataFrame
    panel: pl.DataFrame
    lines: pl.DataFrame


def read_sku(lake: Lake, lineage: ReleaseLineage, stock_code: Item | str, invoice: str = "") -> SkuLineage:
    """What the release learned one price from; `invoice` narrows the lines. Raises UnknownSku."""
    item, zones = Item.of(stock_code), _zones(lake, lineage.release)
    zone = zones.get(item.store or "", item.store) if zones else None
    code = item.stock_code if zone else item.as_code
    of_item = (pl.col("stock_code") == code) & (pl.col("store") == zone if zone else True)
    price = pl.read_parquet(io.BytesIO(lake.read(release_key(lineage.release, PRICE_LIST)).body)).filter(of_item)
    if not price.height:
        raise UnknownSku(f"release {lineage.release} has no price of {item}.", hint="the price list names them all.")
    sold_in = [store for store, its in zones.items() if its == zone]
    of_lines = (pl.col("stock_code") == code) & (pl.col("store").is_in(sold_in) if zone else True)
    panel = _read(
        lake, lineage.weeks["panel"], "panel", pl.col("stock_code") == (str(Item(code, zone)) if zone else code)
    )
    lines = _read(lake, lineage.weeks["raw"], "raw", of_lines)
    counts = lines.group_by("week").agg(lines=pl.len())
    kept = panel.select("week", "price", "units").join(counts, on="week", how="left").fill_null(0)
    chosen = lines.filter(pl.col("invoice").cast(pl.String) == invoice) if invoice else lines
    return SkuLineage(price, kept.sort("week"), chosen.select(LINE).sort("invoice_time", "row"))


def _zones(lake: Lake, release: str) -> dict[str, str]:
    """Each store of a release whose prices differ by store, and the zone whose prices it has."""
    arrays = unpack(lake.read(release_key(release, CATALOG)).body, CATALOG)
    return dict(zip(*(arrays[name].tolist() for name in STORES), strict=True)) if has_stores(arrays) else {}


def _read(lake: Lake, weeks: Mapping[str, str], name: str, wanted: pl.Expr) -> pl.DataFrame:
    if not weeks:
        raise LedgerError(
            f"the lake {lake.url} does not say which {name} partitions the release came from.",
            hint="it was made by an older version, or by dvc repro, which gives the lake nothing.",
        )

    def read(week: str) -> pl.DataFrame:
        rows = pl.read_parquet(io.BytesIO(lake.read(object_key(weeks[week])).body)).filter(wanted)
        return rows.drop("week", strict=False).with_columns(week=pl.lit(week))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return pl.concat(pool.map(read, sorted(weeks)), how="diagonal_relaxed")
