"""A promotion reaches a warm function, a broken one does not, and a lake that fails leaves the last release serving."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from inference.handler import App, make_app
from inference.settings import Settings
from inference.store import BucketStore
from tests.synthetic_shop import NOW, Shop

ASKED = {"stock_code": "20007"}


def served_by(api: App) -> str:
    return str(api(ASKED)["release"])


def test_a_promotion_is_served_within_the_interval_and_without_a_restart(shop: Shop) -> None:
    api = shop.app()
    first = served_by(api)
    second = shop.write(level=0.5)
    shop.point(second)
    assert served_by(api) == first
    shop.clock.seconds += 31
    assert served_by(api) == second
    shop.point(first)
    shop.clock.seconds += 31
    assert served_by(api) == first


@pytest.mark.parametrize("name", ["manifest.json", "catalog.npz", "network.onnx"])
def test_a_new_release_that_cannot_be_loaded_leaves_the_old_one_serving(shop: Shop, name: str) -> None:
    api = shop.app()
    first, second = served_by(api), shop.write(level=0.5)
    broken = shop.folder / "releases" / second / name
    body = broken.read_bytes()
    broken.write_bytes(body[:-9])
    shop.point(second)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release"] == first and answer["model"] == "network"
    assert answer["release_trouble"] and json.loads(shop.log[-1])["ReleaseTrouble"] == 1
    broken.write_bytes(body)
    shop.clock.seconds += 31
    assert served_by(api) == second and api(ASKED)["release_trouble"] is None


@pytest.mark.parametrize(
    "pointer", [b"", b"not json", b"[]", b"{}", b'{"release": 3}', b'{"release": "../../etc"}', b"\xff\xfe"]
)
def test_a_pointer_that_is_none_leaves_the_old_release_serving(shop: Shop, pointer: bytes) -> None:
    api = shop.app()
    first = served_by(api)
    (shop.folder / "channels" / "production.json").write_bytes(pointer)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release"] == first and "not a pointer to a release" in answer["release_trouble"]


def test_a_pointer_to_a_release_that_is_not_there_leaves_the_old_one_serving(shop: Shop) -> None:
    api = shop.app()
    first = served_by(api)
    shop.point("2011-W49-00000000")
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release"] == first and "2011-W49-00000000" in answer["release_trouble"]


def test_a_release_under_another_ones_name_is_not_served(shop: Shop) -> None:
    first, second = served_by(shop.app()), shop.write(level=0.5)
    shutil.rmtree(shop.folder / "releases" / first)
    (shop.folder / "releases" / second).rename(shop.folder / "releases" / first)
    assert shop.app()(ASKED)["status"] == 503


def test_without_any_release_the_answer_is_503_and_says_why(tmp_path: Path) -> None:
    api = Shop(tmp_path).app()
    for event in (ASKED, {"httpMethod": "GET", "path": "/v1/health"}, {"warmup": True}):
        answer = api(event)
        problem = json.loads(answer["body"]) if "body" in answer else answer
        assert problem["status"] == 503 and "production.json" in problem["detail"]


@pytest.fixture
def baked(shop: Shop, tmp_path: Path) -> Path:
    """The folder of a release in an image, older than what the channel serves."""
    release = shop.write(level=-0.5)
    shutil.move(shop.folder / "releases" / release, tmp_path / "baked")
    return tmp_path / "baked"


def test_the_release_in_the_image_is_the_last_resort_and_gives_way_to_the_lake(shop: Shop, baked: Path) -> None:
    pointer = shop.folder / "channels" / "production.json"
    away = pointer.rename(pointer.with_suffix(".away"))
    api = shop.app(baked_release=str(baked))
    answer = api(ASKED)
    assert (answer["release_source"], answer["model"]) == ("image", "network") and answer["release_trouble"]
    away.rename(pointer)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release_source"] == "lake" and answer["release_trouble"] is None


def test_a_pinned_release_is_served_whatever_the_channel_says(shop: Shop) -> None:
    other = shop.write(level=0.5)
    assert served_by(shop.app(release=other)) == other
    missing = shop.app(release="2011-W48-00000000")(ASKED)
    assert missing["status"] == 503


def test_a_release_swap_under_load_loses_no_request(shop: Shop) -> None:
    api = shop.app()
    releases = [served_by(api), shop.write(level=0.5)]
    seen: list[Any] = []
    stop = threading.Event()

    def ask() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            seen.append(api(ASKED | {"num_price_bins": 10 + number % 50}))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(8):
        shop.point(releases[turn % 2])
        shop.clock.seconds += 31
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert {answer.get("release") for answer in seen} == set(releases)
    assert all(answer["model"] == "network" and not answer["fallbacks"] for answer in seen)


# The same over S3.


@pytest.fixture
def bucket(shop: Shop, s3_url: str, s3_endpoint: str) -> Callable[[], None]:
    """Copies the shop's folder into a bucket, as often as it is called."""
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
    name, prefix = s3_url.removeprefix("s3://").split("/", 1)

    def copy() -> None:
        for path in shop.folder.rglob("*"):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(shop.folder).as_posix()}"
                client.put_object(Bucket=name, Key=key, Body=path.read_bytes())

    copy()
    return copy


def s3_app(shop: Shop, url: str, endpoint: str, **settings: Any) -> App:
    asked = Settings(store=url, s3_endpoint=endpoint, region="eu-west-1", pointer_seconds=0.5, artifact_seconds=2)
    return make_app(Settings(**{**vars(asked), **settings}), clock=shop.clock, now=lambda: NOW, log=shop.log.append)


def test_a_bucket_is_followed_like_a_folder(shop: Shop, bucket, s3_url: str, s3_endpoint: str) -> None:
    api = s3_app(shop, s3_url, s3_endpoint)
    assert served_by(api) == served_by(shop.app())
    second = shop.write(level=0.5)
    shop.point(second)
    bucket()
    shop.clock.seconds += 31
    assert served_by(api) == second and api(ASKED)["release_trouble"] is None


def test_an_object_is_read_again_only_when_it_has_changed(shop, bucket, s3_url: str, s3_endpoint: str) -> None:
    store = BucketStore(Settings(store=s3_url, s3_endpoint=s3_endpoint, region="eu-west-1"))
    body, tag = store.changed("channels/production.json", "") or (b"", "")
    assert json.loads(body)["release"]
    assert store.changed("channels/production.json", tag) is None
    shop.point(shop.write(level=0.5))
    bucket()
    assert store.changed("channels/production.json", tag)


class Forbidding(BaseHTTPRequestHandler):
    """S3 that refuses everything."""

    def do_GET(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def forbidding() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forbidding)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """S3 that takes the call and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("fault", ["down", "forbidding", "silent"])
def test_when_s3_fails_the_release_in_the_image_answers_in_time(
    shop: Shop, baked: Path, s3_environment, free_port, request: pytest.FixtureRequest, fault: str
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}" if fault == "down" else request.getfixturevalue(fault)
    api = s3_app(shop, "s3://shop/lake", endpoint, baked_release=str(baked))
    started = time.monotonic()
    answer = api(ASKED)
    assert time.monotonic() - started < 3
    assert (answer["model"], answer["release_source"]) == ("network", "image")
    assert "s3://shop/lake refuses channels/production.json" in answer["release_trouble"]
    health = json.loads(api({"httpMethod": "GET", "path": "/v1/health"})["body"])
    assert health["status"] == "degraded" and health["lake"] == answer["release_trouble"]


def test_when_s3_fails_later_the_release_in_memory_goes_on(shop, bucket, s3_url: str, s3_endpoint: str) -> None:
    api = s3_app(shop, s3_url, s3_endpoint)
    first = served_by(api)
    name = s3_url.removeprefix("s3://").split("/")[0]
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
    for entry in client.list_objects_v2(Bucket=name)["Contents"]:
        client.delete_object(Bucket=name, Key=entry["Key"])
    shop.clock.seconds += 31
    answer = api(ASKED | {"num_price_bins": 33})
    assert answer["release"] == first and answer["model"] == "network" and answer["release_trouble"]
