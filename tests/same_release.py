"""`python -m tests.same_release BEFORE AFTER`: whether two lakes hold the same releases, byte for byte.

For a change of the code that shall change no answer: run the same market before and after it, each into a lake of its
own. Of a manifest, all is compared but when it was made and the hashes of code and run that it was made by.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
MAY_DIFFER = {"created", "sealed", "code", "lineage", "seconds"}  # keys of a manifest, wherever they stand


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs; 0 when nothing does, 1 otherwise, 2 when there is nothing to compare."""
    before, after = (Path(argument) / "releases" for argument in (arguments or sys.argv[1:]))
    count, pairs = len(files_of(before)), list(differences(before, after))
    print("\n".join(pairs) or f"{count} files are the same")
    return int(bool(pairs)) if count else 2


def differences(before: Path, after: Path) -> Iterator[str]:
    """What differs between two folders of releases, one line each."""
    old, new = files_of(before), files_of(after)
    yield from (f"only before: {name}" for name in sorted(old - new))
    yield from (f"only after: {name}" for name in sorted(new - old))
    for name in sorted(old & new):
        ours, theirs = (folder / name for folder in (before, after))
        if ours.name == MANIFEST:
            contents = [plain(json.loads(path.read_text())) for path in (ours, theirs)]
            yield from (f"{name}: {key}" for key in sorted(changed(*contents)))
        elif ours.read_bytes() != theirs.read_bytes():
            yield f"{name}: its bytes"


def files_of(folder: Path) -> set[str]:
    """Files below a folder, each by its way from there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def plain(value: Any) -> Any:
    """The value without what may differ."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key not in MAY_DIFFER}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    """Paths at which two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = before.keys() | after.keys()
        return set().union(*(changed(before.get(key), after.get(key), f"{path}.{key}") for key in keys))
    return set() if before == after else {path.lstrip(".")}


if __name__ == "__main__":
    sys.exit(main())
