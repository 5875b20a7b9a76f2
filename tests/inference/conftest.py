"""A lake with a small release on its production channel, and the price API over it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.dev_server import make_gateway
from inference.handler import App
from tests.pages import running
from tests.synthetic_shop import Shop


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


@pytest.fixture(scope="module")
def address(api: App) -> Iterator[str]:
    with running(make_gateway(api)) as url:
        yield url
