"""A lake folder with small releases, whose channel can be moved, and the price API over it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference.handler import App, make_app
from inference.settings import Settings
from testing.synthetic_release import write_release

NOW = datetime(2011, 12, 6, 3, tzinfo=UTC)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Shop:
    """A lake folder whose channel can be moved, and an API over it whose log is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.log: list[str] = []

    def write(self, **how: Any) -> str:
        return write_release(self.folder / "releases", **how).id

    def point(self, release: str, channel: str = "production") -> None:
        path = self.folder / "channels" / f"{channel}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".new")  # nobody reads half a pointer, as from the lake itself
        aside.write_text(json.dumps({"release": release, "previous": None, "promoted_at": "", "promoted_by": ""}))
        aside.replace(path)

    def app(self, **settings: Any) -> App:
        asked = {"store": str(self.folder)} | settings
        return make_app(Settings(**asked), clock=self.clock, now=lambda: NOW, log=self.log.append)

    def last_line(self) -> dict[str, Any]:
        return dict(json.loads(self.log[-1]))
