"""Releases as somebody would write them who can write to the lake and means harm: every hash is right."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from pricewright.core.arrays import pack, split
from pricewright.core.manifest import (
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
from pricewright.release.bundle import _parquet, plan_json
from testing.synthetic_release import CREATED, EFFECTS, FEATURES, WEEK, contents, onnx_model

Change = Callable[[dict[str, Any]], None]
NETWORK_INPUTS: dict[str, list[Any]] = {
    "features": ["r", len(FEATURES)], "effects": ["r", EFFECTS], "log_price_ratio": ["n"],
}  # fmt: skip


def bodies_of(change: Change = lambda arrays: None, **how: Any) -> dict[str, bytes]:
    """The files of a release that is as it should be, but for what `change` does to the catalog's arrays."""
    return files_of(contents(**how), change)


def files_of(content: Mapping[str, Any], change: Change = lambda arrays: None) -> dict[str, bytes]:
    """The same for these arguments of write_bundle."""
    arrays = dict(content["catalog_arrays"])
    change(arrays)
    early, late = split(arrays)
    models = {f"{name}.onnx": body for name, body in content["models"].items()}
    tables = {PRICE_LIST: "price_list", BACKTEST: "backtest", PRICE_CHANGES: "price_changes"}
    written = {file: _parquet(content[name]) for file, name in tables.items()}
    return models | {CATALOG: pack(early), HISTORY: pack(late), PLAN: plan_json(content["plan"])} | written


def write_unchecked(folder: Path, bodies: Mapping[str, bytes], week: str = WEEK) -> str:
    """Write these files and a manifest that fits them below `folder`, whatever they are; the release's id."""
    files = {name: FileEntry.of(body) for name, body in bodies.items()}
    manifest = Manifest(files, week, CREATED, {}, {}, {})
    target = folder / manifest.id
    target.mkdir(parents=True, exist_ok=True)
    for name, body in bodies.items():
        (target / name).write_bytes(body)
    (target / MANIFEST).write_bytes(manifest.to_json())
    return manifest.id


def manifest_of(files: Mapping[str, Mapping[str, Any]], **other: Any) -> tuple[str, bytes]:
    """Id and bytes of a manifest of these files, as they are stated, whose id is that of its files."""
    lines = "".join(
        f"{name} {entry['sha256']}{' ' if entry.get('blocks') else ''}{entry.get('blocks', '')}\n"
        for name, entry in sorted(files.items())
    )
    release = f"{WEEK}-{hashlib.sha256(lines.encode()).hexdigest()[:8]}"
    content = {"id": release, "week": WEEK, "created": CREATED, "files": files}
    content |= {"metrics": {}, "gates": {}, "lineage": {}, "approvals": []}
    return release, json.dumps(content | other).encode()


def elsewhere_onnx(location: str, *, inside: bool = False) -> bytes:
    """A network with a tensor in another file; `inside` of a branch of a condition, where it is easily overlooked."""
    tensor = TensorProto(name="elsewhere", data_type=TensorProto.FLOAT, dims=[128])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "512")):
        tensor.external_data.add(key=key, value=value)
    if inside:
        ends = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [128])]
        branch = helper.make_graph([helper.make_node("Identity", ["elsewhere"], ["out"])], "b", [], ends, [tensor])
        yes = helper.make_node("If", ["true"], ["w"], then_branch=branch, else_branch=branch)
        body = onnx_model([yes], {"true": np.array(True)}, NETWORK_INPUTS, {"w": [128]})
    else:
        nodes = [
            helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
            helper.make_node("Mul", ["x", "elsewhere"], ["units"]),
        ]
        body = onnx_model(nodes, {"axis": [1]}, NETWORK_INPUTS, {"units": ["n", 128]})
        body = _with_tensor(body, tensor)
    return body


def huge_onnx(values: int) -> bytes:
    """A network of 300 bytes that computes with so many values at once; only ONNX Runtime knows its operators."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["much"]),
        helper.make_node("ReduceSum", ["much"], ["sum"], keepdims=0),
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("Mul", ["x", "sum"], ["units"]),
    ]
    return onnx_model(nodes, {"shape": [values], "axis": [1]}, NETWORK_INPUTS, {"units": ["n", 1]})


def outer_onnx(side: int) -> bytes:
    """A network that makes side x side values of two rows of `side`; the numpy reader knows all its operators."""
    row = np.ones((1, side), np.float32)
    nodes = [
        helper.make_node("Mul", ["column", "row"], ["square"]),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], keepdims=1),
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("Mul", ["x", "mean"], ["units"]),
    ]
    constants = {"column": row.T.copy(), "row": row, "axes": [0, 1], "axis": [1]}
    return onnx_model(nodes, constants, NETWORK_INPUTS, {"units": ["n", 1]})


def _with_tensor(body: bytes, tensor: Any) -> bytes:
    from onnx import load_from_string

    model = load_from_string(body)
    model.graph.initializer.append(tensor)
    return bytes(model.SerializeToString())
