"""Which release a lake folder serves: its production pointer, read and written."""

import json
from pathlib import Path

POINTER = Path("channels", "production.json")


def promoted(lake: Path) -> Path:
    """The folder of the release that a lake folder serves."""
    pointer = lake / POINTER
    if not pointer.exists():
        raise SystemExit(f"{lake} serves no release: make run makes one, STORE= names another lake folder.")
    return lake / "releases" / str(json.loads(pointer.read_text())["release"])


def point(lake: Path, release: str) -> Path:
    """Point to a release that lies in the lake; returns the lake."""
    pointer = lake / POINTER
    pointer.parent.mkdir()
    pointer.write_text(json.dumps({"release": release}))
    return lake
