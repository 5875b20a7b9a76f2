"""Writes a release to a folder: all of it or nothing."""

import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ReleaseError
from pricewright.core.models import models_of
from pricewright.core.release.arrays import pack, split
from pricewright.core.release.manifest import (
    BACKTEST,
    CATALOG,
    HISTORY,
    MANIFEST,
    PLAN,
    PRICE_CHANGES,
    PRICE_LIST,
    FileEntry,
    Manifest,
)
from pricewright.release.verify import verify_bundle


def write_bundle(
    folder: Path,
    models: Mapping[str, bytes],
    catalog_arrays: Mapping[str, NDArray[Any]],
    price_list: pl.DataFrame,
    backtest: pl.DataFrame,
    plan: Mapping[str, Any],
    price_changes: pl.DataFrame,
    metrics: Mapping[str, Any],
    gates: Mapping[str, Any],
    lineage: Mapping[str, Any],
    week: str,
    created: str,
) -> Manifest:
    """Write the files of a release to `<folder>/<id>/` and return its manifest.

    catalog_arrays say which models there are, and in which order they answer, see core/models.py. The same content
    gives the same bytes and the same id; metrics, gates, lineage and `created` (UTC, ISO 8601)
    are in the manifest only. Raises ReleaseError when the content does not pass verify_bundle; nothing is left then.
    """
    catalog, late = split(catalog_arrays)
    tables = {PRICE_LIST: price_list, BACKTEST: backtest, PRICE_CHANGES: price_changes}
    bodies = _models(models, models_of(catalog)) | {
        CATALOG: pack(catalog),
        HISTORY: pack(late),
        PLAN: plan_json(plan),
        **{name: _parquet(table) for name, table in tables.items()},
    }
    files = {name: FileEntry.of(body) for name, body in bodies.items()}
    manifest = Manifest(files, week, created, metrics, gates, lineage)
    verify_bundle(bodies.__getitem__, manifest)
    _write(folder, manifest.id, bodies | {MANIFEST: manifest.to_json()})
    return manifest


def _models(models: Mapping[str, bytes], order: Sequence[str]) -> dict[str, bytes]:
    if set(models) != set(order):
        raise ReleaseError(f"models {sorted(models)}: a release holds {', '.join(order)}, neither more nor fewer.")
    return {f"{name}.onnx": bytes(models[name]) for name in order}


def plan_json(plan: Mapping[str, Any]) -> bytes:
    """The content of plan.json."""
    return json.dumps(dict(plan), indent=2).encode() + b"\n"


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _write(folder: Path, release: str, bodies: Mapping[str, bytes]) -> None:
    """Into a folder beside, then one rename: whoever looks sees a whole release or none."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".release-"))
    beside.chmod(0o755)
    try:
        for name, body in bodies.items():
            (beside / name).write_bytes(body)
        shutil.rmtree(folder / release, ignore_errors=True)
        beside.rename(folder / release)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
