"""Reads YAML that people write; writes files whole or not at all; keeps their SHA-256, to read none twice."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pricewright.core.errors import ParameterError

SETTLED = 2.0  # seconds after which a file that is written again has another time of change
# When the content changed, which a tool that copies may set back; when anything did, be it a link, which nobody can.
CONTENT, INODE = "st_mtime_ns", "st_ctime_ns"
Stamp = list[int]


def read_yaml(path: Path, option: str, hint: str) -> tuple[yaml.Node | None, Any]:
    """A YAML file as nodes, which know their lines, and as what it says. Raises ParameterError, with one of the hints:
    the option that names such a file, or what a good one is like."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} cannot be read: {error}.", hint=f"give a YAML file: {option} FILE.") from None
    try:
        return yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ParameterError(f"{path.name} is not YAML: {error}", hint=hint) from None


def write_whole(path: Path, body: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def digest_of(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp_of(path: Path, times: Sequence[str] = (CONTENT,)) -> Stamp:
    """What differs where a file was written to since: size, inode and times in ns."""
    found = path.stat()
    return [found.st_size, found.st_ino, *(getattr(found, name) for name in times)]


class Digests:
    """Digests of files that keep their stamps; those that were asked for are written down by `save`.

    file: where they are written down; times: of the stamp; trust: whether what is written there is believed. A file
    that changed less than `settled` seconds ago might change again and keep its times: it is not written down.
    """

    def __init__(
        self, file: Path, times: Sequence[str] = (CONTENT,), *, trust: bool = True, settled: float = SETTLED
    ) -> None:
        self._file, self._times, self._settled = file, times, settled
        self._before = _read(file) if trust else {}
        self._now: dict[str, tuple[Stamp, str]] = {}

    def stamp(self, path: Path) -> Stamp:
        """The file's stamp."""
        return stamp_of(path, self._times)

    def of(self, path: Path) -> str:
        """The file's sha256."""
        resolved, stamp = str(path.resolve()), self.stamp(path)
        known, digest = self._before.get(resolved, ([], ""))
        if known != stamp:
            digest = digest_of(path)
        if self.stamp(path) == stamp and time.time() - max(stamp[2:]) / 1e9 > self._settled:
            self._now[resolved] = (stamp, digest)
        return digest

    def save(self) -> None:
        """Write down what was asked for, and nothing else."""
        write_whole(self._file, json.dumps(self._now).encode())


def _read(file: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        return {resolved: (stamp, digest) for resolved, (stamp, digest) in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):  # it is a cache: torn, it is as good as none
        return {}
