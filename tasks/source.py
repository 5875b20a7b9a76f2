"""A source's mapping file, and sources in a bucket, mirrored so that the ledger sees what is new."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from blocks.lake import Lake
from pricewright.core.address import refuse_secret
from pricewright.core.errors import ParameterError, SourceError
from pricewright.files import write_whole
from pricewright.ingest.source import READERS
from tasks.workspace import Parameters

PARTS = ("columns", "ingest")
HINT = "pricewright look SOURCE --out FILE writes one."
# A line has one of these prices; of both, the one that is asked for by itself is taken.
EITHER = {"unit_price": "line_total", "line_total": "unit_price"}
INDEX = ".index.json"
ORIGIN = ".origin"  # the URL that a folder mirrors


def write_mapping(path: Path, source: str, mapping: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `columns` and `ingest`. Raises ParameterError where the file cannot be written."""
    head = f"# How {' '.join(source.split())} is read: pricewright run --source SOURCE --mapping {path.name}\n"
    text = yaml.safe_dump({part: dict(mapping[part]) for part in PARTS}, sort_keys=False, allow_unicode=True)
    try:
        write_whole(path, (head + text).encode())
    except OSError as error:
        raise ParameterError(
            f"{path} cannot be written: {error}.", "--out names a file in a folder of yours."
        ) from error


def read_mapping(path: Path) -> dict[str, dict[str, Any]]:
    """`columns` (a text per word) and `ingest` (parameters). Raises ParameterError when it holds anything else."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"the mapping {path} cannot be read: {error}.", HINT) from error
    except yaml.YAMLError as error:
        raise ParameterError(f"the mapping {path} is not YAML: {error}", HINT) from error
    parts = content if isinstance(content, dict) else {}
    if not parts or set(parts) - set(PARTS):
        found = ", ".join(map(str, parts)) or type(content).__name__
        raise ParameterError(f"the mapping {path} holds {found}: it must hold {' and '.join(PARTS)}.", HINT)
    found_parts = {part: parts.get(part) or {} for part in PARTS}
    for part, values in found_parts.items():
        if not isinstance(values, dict):
            raise ParameterError(f"{part} of the mapping {path} is {values!r}: it must be a mapping.", HINT)
    for word, column in found_parts["columns"].items():
        if not (isinstance(column, str) and column):
            raise ParameterError(
                f"columns.{word} of the mapping {path} is {column!r}: it must be a column's name.", HINT
            )
    return found_parts


def with_mapping(path: str, columns: Mapping[str, str], overrides: Parameters) -> tuple[dict[str, str], Parameters]:
    """Columns and overrides laid over those of a mapping; `path` may be empty. Raises ParameterError.

    A column that is asked for by itself is no longer the mapping's for another word.
    """
    if not path:
        return dict(columns), overrides
    mapping = read_mapping(Path(path).expanduser())
    replaced = {EITHER.get(word) for word in columns}
    kept = {
        word: column
        for word, column in mapping["columns"].items()
        if word not in replaced and column not in columns.values()
    }
    return kept | dict(columns), _laid_over({"ingest": mapping["ingest"]} if mapping["ingest"] else {}, overrides)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Parameters:
    """Both, of two values the one above; unlike tasks.workspace.overlay, neither has to know the other's names."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _laid_over(merged[name], value) if both else value
    return merged


def bring_in(root: Path, source: str, environment: Mapping[str, str] | None = None) -> str:
    """The source as a path: an `s3://` URL is mirrored, anything else is given back as it is.

    Only what changed since the last time is read. Raises SourceError when there is no file of sales.
    """
    if "://" not in source:
        return source
    refuse_secret("source", source)
    base, _, name = source.rstrip("/").rpartition("/")
    whole = PurePosixPath(name).suffix.lower() in READERS
    folder = root / ".pricewright" / "deliveries" / sha256(source.encode()).hexdigest()[:12]
    mirror(Lake(base if whole else source, environment), folder, name if whole else "")
    write_whole(folder / ORIGIN, source.encode())
    return str(folder / name if whole else folder)


def origin(root: Path, source: str) -> str:
    """Where a source was brought in from; a source that was not is its own origin."""
    path = root / source
    for folder in (path, path.parent):
        if folder.is_relative_to(root / ".pricewright" / "deliveries") and (folder / ORIGIN).exists():
            return (folder / ORIGIN).read_text()
    return source


def mirror(bucket: Lake, folder: Path, only: str = "") -> tuple[int, int]:
    """Make the folder hold the bucket's files of sales; returns how many were read, and how many are gone.

    `only` names one file. A file is replaced in one step, and then written down: killed between, it is read again.
    """
    there = {key: tag for key, tag in bucket.tags("").items() if not only or key == only}
    there = {key: tag for key, tag in there.items() if PurePosixPath(key).suffix.lower() in READERS}
    if not there:
        raise SourceError(
            f"{bucket.url} holds no file of sales{f' called {only}' if only else ''}: {', '.join(READERS)} are read.",
            "is it the right bucket and prefix?",
        )
    index = folder / INDEX
    known: dict[str, str] = json.loads(index.read_text()) if index.exists() else {}
    changed = [key for key, tag in sorted(there.items()) if known.get(key) != tag or not (folder / key).exists()]
    for key in changed:
        write_whole(folder / key, bucket.read(key).body)
        known[key] = there[key]
        write_whole(index, json.dumps(known, indent=1).encode())
    gone = sorted(set(known) - set(there))
    for key in gone:
        (folder / key).unlink(missing_ok=True)
        del known[key]
    write_whole(index, json.dumps(known, indent=1).encode())
    return len(changed), len(gone)
