"""What a backfill has done so far, in a folder: a run that was killed finds there what is left to do."""

import json
import shutil
from pathlib import Path
from typing import Any

from pricewright.whole_file import write_whole


class Journal:
    """`begun.json`: what the weeks were before; `jobs/<week>/`: what each is made of; `done/<week>.json`: what came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, before: dict[str, Any]) -> None:
        """Write down what was before anything changes."""
        write_whole(self.folder / "begun.json", json.dumps(before).encode())

    def before(self) -> dict[str, Any] | None:
        """What was before; None where nothing has begun."""
        return _read(self.folder / "begun.json")

    def job(self, week: str) -> Path:
        """The folder of a week's job."""
        return self.folder / "jobs" / week

    def write(self, week: str, result: dict[str, Any]) -> None:
        """A week is done."""
        write_whole(self.folder / "done" / f"{week}.json", json.dumps(result).encode())

    def done(self, week: str) -> dict[str, Any] | None:
        """What came of a week; None while it is not done."""
        return _read(self.folder / "done" / f"{week}.json")

    def close(self) -> None:
        """All is done: the next backfill of these weeks begins anew. What says so goes first."""
        (self.folder / "begun.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return content
