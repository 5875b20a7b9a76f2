"""A lake with a release of any number of SKUs: those of a real one over and over, under new codes."""

from pathlib import Path

import numpy as np

from bench.served import point
from pricewright.core.arrays import pack, split, unpack
from pricewright.core.manifest import CATALOG, HISTORY, MANIFEST, FileEntry, Manifest
from pricewright.core.models import models_of

WEEK, FIRST = "2011-W48", "1000000"


def grow(release: Path, skus: int, lake: Path) -> Path:
    """Write it below `lake`, on the production channel; the models are those of the release."""
    arrays = unpack((release / CATALOG).read_bytes(), CATALOG)
    if (release / HISTORY).exists():
        arrays |= unpack((release / HISTORY).read_bytes(), HISTORY)
    known = len(arrays["stock_code"])
    rows = np.arange(skus) % known
    shared = {"feature_names", "history_weeks", "endings"}
    grown = {
        name: array[rows] if array.shape[:1] == (known,) and name not in shared and "residuals" not in name else array
        for name, array in arrays.items()
    }
    grown["stock_code"] = (int(FIRST) + np.arange(skus)).astype(str)
    if "demand_family" in grown:
        grown["demand_family"] = grown["demand_family"] + known * (np.arange(skus) // known)  # a family per copy
    catalog, late = split(grown)
    bodies = {f"{name}.onnx": (release / f"{name}.onnx").read_bytes() for name in models_of(arrays)}
    bodies |= {CATALOG: pack(catalog), HISTORY: pack(late)}
    manifest = Manifest({name: FileEntry.of(body) for name, body in bodies.items()}, WEEK, "", {}, {}, {})
    folder = lake / "releases" / manifest.id
    folder.mkdir(parents=True)
    for name, body in (bodies | {MANIFEST: manifest.to_json()}).items():
        (folder / name).write_bytes(body)
    return point(lake, manifest.id)
