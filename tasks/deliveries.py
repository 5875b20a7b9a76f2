"""Sales that lie in a bucket: mirrored into the workspace, so that the ledger sees which of them are new."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath

from blocks.lake import Lake
from pricewright.core.address import refuse_secret
from pricewright.core.errors import SourceError
from pricewright.ingest.source import READERS
from pricewright.whole_file import write_whole

INDEX = ".index.json"
ORIGIN = ".origin"  # the URL that a folder mirrors


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
