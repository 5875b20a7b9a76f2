"""The manifest of a release: hash and size of every file, and what is known about where it came from.

Needs nothing but the standard library: the price API reads it at its cold start.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pricewright.core.blocks import digests, sha256
from pricewright.core.errors import ReleaseError
from pricewright.core.models import NETWORK

CATALOG, HISTORY, MANIFEST = "catalog.npz", "history.npz", "manifest.json"
PRICE_LIST, BACKTEST = "price_list.parquet", "backtest.parquet"
PLAN, PRICE_CHANGES = "plan.json", "price_changes.parquet"
LATER = (PLAN, PRICE_CHANGES)  # older releases have none of them, and are served again after a roll-back
FILES = (f"{NETWORK}.onnx", CATALOG, HISTORY, PRICE_LIST, BACKTEST, *LATER)  # beside them an ONNX file of each backup
WEEK = re.compile(r"[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])")
HEX, DIGEST = frozenset("0123456789abcdef"), 64  # of a SHA-256: digits and how many of them
IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
SHORT = 8  # digits of the hash in a release's id
LONGEST_NAME = 100
MOST_BYTES = 16 << 20  # of manifest.json: a catalog of 5 million SKUs has 1.5 MB of blocks in it


class FileEntry(NamedTuple):
    """A file's SHA-256 (hex), its size in bytes, and of a large one the SHA-256 of every block, see blocks.py."""

    sha256: str
    size: int
    blocks: str = ""

    @classmethod
    def of(cls, body: bytes) -> "FileEntry":
        """The entry of these bytes."""
        return cls(sha256(body).hexdigest(), len(body), digests(body))


@dataclass(frozen=True)
class Manifest:
    """What a release holds; `files` by name, `week` the last week of the data (2011-W48).

    Nothing of it changes but `approvals`, which may grow: each is signed by itself. `sealed` is the digest that the
    manifest states of all the rest, empty in one from before there was any.
    """

    files: Mapping[str, FileEntry]
    week: str
    created: str
    metrics: Mapping[str, Any]
    gates: Mapping[str, Any]
    lineage: Mapping[str, Any]
    approvals: tuple[Mapping[str, Any], ...] = ()
    sealed: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that the manifest says but approvals: files, gates, metrics, lineage, when and of when.

        The id follows from the files alone; this is what decisions and pointers hold on to beside it.
        """
        content = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return str(sha256(content.encode()).hexdigest())

    def with_seal(self) -> "Manifest":
        """The same, stating its digest: what is written for the first time is sealed."""
        return replace(self, sealed=self.digest)

    def check_seal(self) -> None:
        """Raise ReleaseError when gates, metrics or lineage are not those that were written."""
        if self.sealed and self.sealed != self.digest:
            raise ReleaseError(
                f"{MANIFEST} of release {self.id} says {self._gates()} under the seal {self.sealed[:12]}..., its "
                f"content makes {self.digest[:12]}...: gates, metrics or lineage were altered.",
                hint="promote the release again, from the run that made it.",
            )

    @property
    def id(self) -> str:
        """The release id, which follows from week and files alone."""
        return release_id(self.week, self.files)

    def check(self, name: str, body: bytes) -> None:
        """Raise ReleaseError when `body` is not the file of that name."""
        expected = self.files.get(name)
        if expected is None:
            raise ReleaseError(f"release {self.id} has no file {name}: it has {', '.join(sorted(self.files))}.")
        if len(body) != expected.size:
            raise ReleaseError(
                f"{name} of release {self.id} has {len(body)} bytes, its manifest says {expected.size}.",
                hint="the file was cut off or replaced; promote the release again.",
            )
        seen = sha256(body).hexdigest()
        if seen != expected.sha256:
            raise ReleaseError(
                f"{name} of release {self.id} has sha256 {seen[:12]}..., its manifest says {expected.sha256[:12]}....",
                hint="the file was altered after it was written; promote the release again.",
            )

    def to_json(self) -> bytes:
        """The content of manifest.json; a number that is not finite becomes null, which JSON can hold."""
        content = self._content() | {"approvals": _finite(self.approvals)}
        content |= {"sealed": self.sealed} if self.sealed else {}
        return json.dumps(content, indent=2, allow_nan=False).encode() + b"\n"

    def _content(self) -> dict[str, Any]:
        files = {name: _stated(entry) for name, entry in sorted(self.files.items())}
        content: dict[str, Any] = {"id": self.id, "week": self.week, "created": self.created, "files": files}
        content |= {"metrics": self.metrics, "gates": self.gates, "lineage": self.lineage}
        finite: dict[str, Any] = _finite(content)
        return finite

    def _gates(self) -> str:
        gates = {name: gate.get("status") for name, gate in self.gates.items() if isinstance(gate, Mapping)}
        return ", ".join(f"{name} {status}" for name, status in gates.items()) or "no gates"

    @classmethod
    def from_json(cls, body: bytes) -> "Manifest":
        """The inverse of to_json. Raises ReleaseError when it is not a manifest or its id is not that of its files."""
        if len(body) > MOST_BYTES:
            raise ReleaseError(f"{MANIFEST} has {len(body):,} bytes: at most {MOST_BYTES:,} are read.")
        try:
            content = json.loads(body)
            files = {name: _entry(name, entry) for name, entry in content["files"].items()}
            known: dict[str, Any] = {key: _text(key, content[key]) for key in ("week", "created")}
            known |= {key: dict(content[key]) for key in ("metrics", "gates", "lineage")}
            known["approvals"] = tuple(dict(entry) for entry in content.get("approvals", ()))
            known["sealed"] = _text("sealed", content.get("sealed", ""))
            stated = content["id"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ReleaseError(
                f"{MANIFEST} is not a valid manifest: {type(error).__name__} {str(error)[:200]}."
            ) from None
        manifest = cls(files, **known)
        if stated != manifest.id:
            raise ReleaseError(f"{MANIFEST} says id {stated}, its files make {manifest.id}: it was altered.")
        return manifest


def is_id(text: str) -> bool:
    """Whether it can be the id of a release, and so is no path to another folder."""
    week, _, hexadecimal = text.rpartition("-")
    return bool(WEEK.fullmatch(week)) and len(hexadecimal) == SHORT and HEX.issuperset(hexadecimal)


def need_id(release: str) -> None:
    """Raise ReleaseError for what is not the id of a release, and could be a path to another folder."""
    if not is_id(release):
        raise ReleaseError(
            f"{release[:80]!r} is not the id of a release, such as 2011-W48-0a1b2c3d.", hint="see pricewright releases."
        )


def release_id(week: str, files: Mapping[str, FileEntry]) -> str:
    """`<week>-<first 8 hex of the SHA-256 over name and hashes of the files, sorted by name>`."""
    if not WEEK.fullmatch(week):
        raise ReleaseError(f"week {week!r} of a release: a year and an ISO week such as 2011-W48 are needed.")
    lines = "".join(
        f"{name} {entry.sha256}{' ' if entry.blocks else ''}{entry.blocks}\n" for name, entry in sorted(files.items())
    )
    return f"{week}-{sha256(lines.encode()).hexdigest()[:SHORT]}"


def _entry(name: str, stated: Mapping[str, Any]) -> FileEntry:
    """A file as the manifest states it; raises ValueError for what no file of a release can be."""
    size, digest, blocks = stated["size"], _text("sha256", stated["sha256"]), _text("blocks", stated.get("blocks", ""))
    if not IN_NAMES.issuperset(name) or name[:1] in ("", ".", "-") or len(name) > LONGEST_NAME:
        raise ValueError(f"{name[:80]!r} is not the name of a file in a release's own folder")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"the size of {name} is {str(size)[:40]}: a whole number is needed")
    if len(digest) != DIGEST or len(blocks) % DIGEST or not HEX.issuperset(digest) or not HEX.issuperset(blocks):
        raise ValueError(f"sha256 of {name} is no SHA-256 in hex")
    return FileEntry(digest, size, blocks)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a {type(value).__name__}, text is needed")
    return value


def _stated(entry: FileEntry) -> dict[str, Any]:
    stated = {"sha256": entry.sha256, "size": entry.size}
    return stated | {"blocks": entry.blocks} if entry.blocks else stated


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def release_key(release: str, name: str = "") -> str:
    """Where a lake holds a file of a release; without a name, the folder of all of them."""
    return f"releases/{release}/{name}" if name else f"releases/{release}"
