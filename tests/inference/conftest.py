"""A lake with a small release on its production channel, and the price API over it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from synthetic_release import write_release

from inference.handler import App, make_app
from inference.settings import Settings

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
        path.write_text(json.dumps({"release": release, "previous": None, "promoted_at": "", "promoted_by": ""}))

    def app(self, **settings: Any) -> App:
        asked = {"store": str(self.folder)} | settings
        return make_app(Settings(**asked), clock=self.clock, now=lambda: NOW, log=self.log.append)

    def last_line(self) -> dict[str, Any]:
        return dict(json.loads(self.log[-1]))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop whose production channel serves a release."""
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same, for tests that change nothing."""
    made = Shop(tmp_path_factory.mktemp("steady"))
    made.point(made.write())
    return made


@pytest.fixture(scope="session")
def api(steady: Shop) -> App:
    """The API over the steady shop."""
    return steady.app()


Get = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="session")
def get(api: App) -> Get:
    """Status and content of a GET through API Gateway."""

    def ask(path: str, **query: str) -> tuple[int, Any]:
        answer = api({"httpMethod": "GET", "path": path, "queryStringParameters": query or None})
        return answer["statusCode"], json.loads(answer["body"])

    return ask
