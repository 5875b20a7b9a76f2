"""From a release back to rows, code and parameters, read from the lake alone; and what two releases differ in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from blocks.lake import Lake
from pricewright.core.errors import ReleaseError
from pricewright.core.release.manifest import MANIFEST, Manifest
from tasks.lock import object_key
from tasks.origin import Origin, read_origin

PARTITIONED = {"raw": "work/raw", "panel": "work/panel"}


@dataclass(frozen=True)
class Descent:
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


def read_descent(lake: Lake, release: str) -> Descent:
    """Where a release of the lake came from. Raises ReleaseError when the lake has no such release."""
    blob = lake.find(f"releases/{release}/{MANIFEST}")
    if blob is None:
        raise ReleaseError(f"the lake {lake.url} has no release {release}.", hint="see pricewright releases.")
    manifest = Manifest.from_json(blob.body)
    origin = read_origin(lake, manifest.lineage)
    parameters, overridden = used_parameters(origin)
    return Descent(
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


def differences(one: Descent, other: Descent) -> dict[str, Any]:
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
    """What ingest read that is no code: the hash of the source file or folder, by its path."""
    deps = origin.get("stages", {}).get("ingest", {}).get("deps", [])
    code = origin.get("code", {}).get("files", {})
    return {
        dep["path"]: dep["md5"]
        for dep in deps
        if dep["path"] not in code and not any(name.startswith(f"{dep['path']}/") for name in code)
    }


def _data(descent: Descent) -> dict[str, Any]:
    source = {f"source {path}": digest for path, digest in source_hashes(descent.origin).items()}
    weeks = {f"{name} {week}": md5 for name, found in descent.weeks.items() for week, md5 in found.items()}
    return source | weeks


def _code(descent: Descent) -> dict[str, Any]:
    return {"commit": descent.origin["code"]["commit"], **descent.origin["code"]["files"]}


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(set(one) | set(other))
    return {name: [one.get(name), other.get(name)] for name in names if one.get(name) != other.get(name)}


def _flat(values: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{at}{name}.") if isinstance(value, Mapping) and value else {f"{at}{name}": value}
    return flat
