"""The wall clock of a Lambda may be wrong, or jump: what is timed goes on, and a lake that minds it is waited for."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from inference.handler import App, make_app
from inference.settings import Settings
from tests.synthetic_shop import NOW, Shop

ASKED = {"stock_code": "20007"}
TOLERATED = timedelta(minutes=15)  # of S3, between a request's date and its own clock
JUMPS = [timedelta(hours=hours) for hours in (0, 5, -7, 3000, -9000, 0)]


class Wall:
    """A wall clock that can be put forward and back."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


def over(shop: Shop, wall: Wall, **settings: Any) -> App:
    asked = {"store": str(shop.folder)} | settings
    return make_app(Settings(**asked), clock=shop.clock, now=wall, log=shop.log.append)


def age(api: App) -> int:
    return int(json.loads(api({"httpMethod": "GET", "path": "/v1/health"})["body"])["data_age_days"])


def test_a_promotion_is_followed_whatever_the_wall_clock_does(shop: Shop) -> None:
    wall = Wall()
    api = over(shop, wall)
    releases = [api(ASKED)["release"], shop.write(level=0.5)]
    for turn, jump in enumerate(JUMPS):
        wall.time = NOW + jump
        shop.point(releases[turn % 2])
        assert api(ASKED)["release"] == releases[(turn + 1) % 2] or turn == 0
        shop.clock.seconds += 31
        assert api(ASKED)["release"] == releases[turn % 2]


def test_a_model_that_failed_rests_for_its_seconds_whatever_the_wall_clock_does(shop: Shop) -> None:
    wall = Wall()
    api = over(shop, wall, retry_seconds=15)
    (path,) = shop.folder.glob("releases/*/network.onnx")
    body = path.read_bytes()
    path.unlink()
    assert api(ASKED)["model"] == "lightgbm"
    path.write_bytes(body)
    for jump in JUMPS:
        wall.time = NOW + jump
        assert "resting for 15 s" in api(ASKED)["fallbacks"][0]["why"]
    wall.time = NOW - timedelta(hours=9)
    shop.clock.seconds += 16
    assert api(ASKED)["model"] == "network"


def test_the_age_of_the_data_follows_the_wall_clock_and_is_never_negative(shop: Shop) -> None:
    wall = Wall()
    api = over(shop, wall)
    ages = []
    for jump in (0, 24 * 9, -24 * 500, 0):
        wall.time = NOW + timedelta(hours=jump)
        ages.append(age(api))
    assert ages == [1, 10, 0, 1]


def test_the_line_of_a_request_carries_the_wall_clock_and_how_long_it_took_does_not(shop: Shop) -> None:
    wall = Wall()
    api = over(shop, wall)
    for jump in JUMPS:
        wall.time = NOW + jump
        api(ASKED)
    lines = [json.loads(line) for line in shop.log]
    assert [line["_aws"]["Timestamp"] for line in lines] == [int((NOW + jump).timestamp() * 1000) for jump in JUMPS]
    assert all(0 <= line["Milliseconds"] < 60_000 for line in lines)


class StrictS3(ThreadingHTTPServer):
    """A bucket over a folder that refuses requests whose date is too far from its own clock, as S3 does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), StrictRequest)
        self.folder = folder
        self.ahead = timedelta()
        self.refused = 0


class StrictRequest(BaseHTTPRequestHandler):
    server: StrictS3

    def do_GET(self) -> None:
        asked = datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) + self.server.ahead - asked) > TOLERATED:
            self.server.refused += 1
            text = "The difference between the request time and the current time is too large."
            self.reply(403, f"<Error><Code>RequestTimeTooSkewed</Code><Message>{text}</Message></Error>".encode())
            return
        path = self.server.folder / self.path.partition("?")[0].removeprefix("/shop/")
        found = path.is_file()
        self.reply(200 if found else 404, path.read_bytes() if found else b"<Error><Code>NoSuchKey</Code></Error>")

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("last-modified", "Mon, 05 Dec 2011 03:00:00 GMT")
        self.send_header("etag", f'"{hash(body)}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def bucket(shop: Shop, s3_environment: dict[str, str]) -> Iterator[StrictS3]:
    server = StrictS3(shop.folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def s3_over(shop: Shop, bucket: StrictS3, **settings: Any) -> App:
    endpoint = f"http://127.0.0.1:{bucket.server_port}"
    times = {"pointer_seconds": 2.0, "artifact_seconds": 4.0}
    return over(shop, Wall(), store="s3://shop", s3_endpoint=endpoint, region="eu-west-1", **times, **settings)


def test_a_bucket_that_finds_our_clock_wrong_leaves_the_release_in_memory_serving(shop: Shop, bucket: StrictS3) -> None:
    api = s3_over(shop, bucket)
    first, second = api(ASKED)["release"], shop.write(level=0.5)
    shop.point(second)
    for hours in (5, -5):
        bucket.ahead = timedelta(hours=hours)
        shop.clock.seconds += 31
        answer = api(ASKED)
        assert (answer["release"], answer["model"]) == (first, "network")
        assert "RequestTimeTooSkewed" in answer["release_trouble"]
        assert json.loads(shop.log[-1])["ReleaseTrouble"] == 1
    assert bucket.refused >= 2
    bucket.ahead = timedelta(minutes=4)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert (answer["release"], answer["release_trouble"]) == (second, None)


def test_a_cold_start_with_a_wrong_clock_answers_from_the_image_until_it_is_right(
    shop: Shop, bucket: StrictS3, tmp_path: Path
) -> None:
    other = Shop(tmp_path / "image")
    baked = other.folder / "releases" / other.write(level=-0.5)
    bucket.ahead = timedelta(hours=-3)
    api = s3_over(shop, bucket, baked_release=str(baked))
    answer = api(ASKED)
    assert (answer["release_source"], answer["model"]) == ("image", "network")
    assert "RequestTimeTooSkewed" in answer["release_trouble"]
    bucket.ahead = timedelta()
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert (answer["release_source"], answer["release_trouble"]) == ("lake", None)


def test_nothing_but_the_handler_asks_for_the_time_of_day() -> None:
    sources = {path.name: path.read_text() for path in (Path(__file__).parents[2] / "inference").glob("*.py")}
    asking = {name for name, text in sources.items() if "datetime.now" in text or "time.time(" in text}
    assert asking == {"handler.py"} and sources["handler.py"].count("datetime.now") == 1
