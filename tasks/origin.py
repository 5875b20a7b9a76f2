"""The origin of a release: every stage before promotion with the hashes of what it read and wrote, code, parameters.

Written once, when the release is, under the hash of its own content; the release's manifest holds that hash. What the
hashes stand for lies below dvc/ in the lake, so that another machine needs nothing but the lake.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from blocks.lake import Lake
from tasks.lock import LOCK
from tasks.workspace import Workspace

CODE = ("pricewright/", "tasks/", "inference/", "blocks/")
COMMIT = "PRICEWRIGHT_COMMIT"  # where the code was built into an image, which has no .git
Origin = dict[str, Any]


def origin_key(digest: str) -> str:
    """Where the lake keeps an origin."""
    return f"lineage/origins/{digest}.json"


def write_origin(at: Workspace, lake: Lake, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Put the origin of what the workspace made into the lake; what a manifest's lineage says about it.

    Hashes of data, code and params (`unknown` where the stages were run without the ledger), and of the origin itself.
    """
    stages = _stages(at.root / LOCK)
    raw = [out["md5"] for out in stages.get("ingest", {}).get("outs", []) if out["path"] == "work/raw"]
    deps = {dep["path"]: dep["md5"] for stage in stages.values() for dep in stage.get("deps", [])}
    code = {name: value for name, value in deps.items() if name.startswith(CODE)}
    params = {name: stage.get("params", {}) for name, stage in stages.items()}
    hashes = {"data": raw[0] if raw else "unknown", "code": _hash(code), "params": _hash(params)}
    if not stages:
        return hashes
    files = {path.relative_to(at.root).as_posix(): _md5(path) for name in code for path in _files(at.root / name)}
    origin = {
        "stages": stages,
        "code": commit_of(at.root, environment) | {"files": dict(sorted(files.items()))},
        "source": {"name": at.described if at.simulated else at.source.name, "simulated": at.simulated},
        "counts": {stage: _numbers(at, stage) for stage in ("ingest", "feature")},
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


def _numbers(at: Workspace, stage: str) -> dict[str, Any]:
    path = at.metrics(stage)
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
