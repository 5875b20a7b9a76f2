"""Where a release comes from: hashes for its manifest, and the week's dvc.lock in the lake for other machines."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from demand.errors import ChannelConflict
from tasks.run import Run

ATTEMPTS = 3
CODE = ("demand/", "tasks/", "inference/", "blocks/")


def lineage_hashes(root: Path) -> dict[str, str]:
    """data: hash of the accepted transactions; code, params: over all that the stages before promotion read.

    Taken from dvc.lock; `unknown` where the stages were run without the ledger.
    """
    path = root / "dvc.lock"
    stages: dict[str, Any] = yaml.safe_load(path.read_text())["stages"] if path.exists() else {}
    before = {name: stage for name, stage in stages.items() if name != "promote"}
    raw = [out["md5"] for out in before.get("ingest", {}).get("outs", []) if out["path"] == "work/raw"]
    deps = {dep["path"]: dep["md5"] for stage in before.values() for dep in stage.get("deps", [])}
    code = {name: value for name, value in deps.items() if name.startswith(CODE)}
    params = {name: stage.get("params", {}) for name, stage in before.items()}
    return {"data": raw[0] if raw else "unknown", "code": _hash(code), "params": _hash(params)}


def _hash(content: dict[str, Any]) -> str:
    if not content:
        return "unknown"
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def record_lineage(run: Run) -> None:
    """Publish dvc.lock under the run's last full week; of two writers one wins, the other reads again and retries."""
    key, body = f"lineage/{run.week}/dvc.lock", run.ledger.lock_file.read_bytes()
    for attempt in range(1, ATTEMPTS + 1):
        seen = run.lake.find(key)
        if seen is not None and seen.body == body:
            return
        try:
            run.lake.swap(key, seen, body)
            return
        except ChannelConflict:
            if attempt == ATTEMPTS:
                raise
