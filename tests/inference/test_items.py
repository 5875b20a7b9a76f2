"""A code that holds what URLs, keys and files use themselves is answered for, and no other is."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
import redis
from werkzeug.serving import make_server

from inference.dev_server import make_gateway
from inference.handler import App
from tests.inference.test_cache import opened
from tests.inference.test_handler import content, rest
from tests.inference.test_handler import http as http_api
from tests.odd_codes import ODD
from tests.synthetic_shop import Shop


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("odd"))
    made.point(made.write(codes=ODD))
    return made


@pytest.fixture(scope="module")
def api(odd: Shop) -> App:
    return odd.app()


@pytest.fixture(scope="module")
def port(api: App) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, make_gateway(api), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def ask(port: int, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and content; the path is sent as it stands."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
    answer = line.getresponse()
    found = answer.status, json.loads(answer.read())
    line.close()
    return found


@pytest.mark.parametrize("code", ODD)
def test_a_url_gets_the_price_and_the_sales_of_exactly_that_code(port: int, code: str) -> None:
    for route in ("predict-price", "sales"):
        status, found = ask(port, f"/v1/{route}/{quote(code, safe='')}")
        assert (status, found["stock_code"]) == (200, code)


@pytest.mark.parametrize("code", ["A@B", "A@B@C", "A@", "@A", "A+B", "A&B=C", "A'B", "A,B", "A;B", "A:B", "A/", "A//B"])
def test_what_a_url_may_hold_as_it_is_need_not_be_encoded(port: int, code: str) -> None:
    status, found = ask(port, f"/v1/predict-price/{code}")
    assert (status, found["stock_code"]) == (200, code)


def test_a_path_is_decoded_once_over_http(port: int) -> None:
    sent = {"A%2541": "A%41", "A%41": "AA", "A%252FB": "A%2FB", "A%2FB": "A/B", "A%25252FB": "A%252FB"}
    for segment, code in sent.items():
        assert ask(port, f"/v1/predict-price/{segment}")[1]["stock_code"] == code


def function_url(path: str) -> dict[str, Any]:
    """An event of a function URL, which leaves the path as it was sent."""
    event = http_api(path)
    return event | {"requestContext": event["requestContext"] | {"domainName": "x.lambda-url.eu-west-1.on.aws"}}


def as_sent_with_parameters(path: str) -> dict[str, Any]:
    """Of whom the decoded parameter shows that the path still is encoded."""
    from urllib.parse import unquote

    return http_api(path) | {"pathParameters": {"proxy": unquote(path.removeprefix("/v1/"))}}


@pytest.mark.parametrize("code", ODD)
def test_every_kind_of_event_leads_to_the_same_code(api: App, code: str) -> None:
    plain, encoded = f"/v1/predict-price/{code}", f"/v1/predict-price/{quote(code, safe='')}"
    decoded = http_api(plain) | {"pathParameters": {"proxy": f"predict-price/{code}"}}
    first = {"version": "1.0"} | rest(plain)
    by_rest_api = rest(plain) | {"pathParameters": {"stock_code": code}}
    sent = function_url(encoded), rest(encoded), as_sent_with_parameters(encoded)
    kept = rest(encoded) | {"pathParameters": {"stock_code": code}}
    for event in (http_api(plain), decoded, first, by_rest_api, kept, *sent):
        assert content(api(event))["stock_code"] == code, event
    assert api({"stock_code": code})["stock_code"] == code


def test_a_slash_at_the_end_is_the_paths_own_unless_a_code_ends_so(api: App) -> None:
    found = {code: content(api(http_api(f"/v1/predict-price/{code}")))["stock_code"] for code in ("A/", "AA/", "AA//")}
    assert found == {"A/": "A/", "AA/": "AA", "AA//": "AA"}
    assert api(http_api("/v1/ready/"))["statusCode"] == 200


def test_capitals_and_blanks_do_not_matter_where_no_code_has_them_so(api: App) -> None:
    asked = {"aa": "AA", "  AA ": "AA", "a@b": "A@B", "É": "É", "é": "é", " A": " A", " a/b ": "A/B"}
    assert {code: api({"stock_code": code})["stock_code"] for code in asked} == asked


def test_a_bulk_request_takes_any_code(port: int) -> None:
    status, found = ask(port, "/v1/prices", {"stock_codes": list(ODD)})
    assert status == 200 and [row["stock_code"] for row in found["prices"]] == list(ODD) and not found["unknown"]
    status, found = ask(port, "/v1/what-if", {"stock_codes": list(ODD), "change": "-10%"})
    assert (status, found["skus"]) == (200, len(ODD))


def test_a_page_after_any_code_goes_on_with_the_next(port: int) -> None:
    codes, cursor = [], ""
    while cursor is not None:
        _, page = ask(port, f"/v1/skus?limit=1&cursor={quote(cursor, safe='')}")
        codes += [row["stock_code"] for row in page["skus"]]
        cursor = page["next_cursor"]
    assert codes == sorted(ODD)


def test_the_price_list_holds_the_codes_as_they_are(odd: Shop, port: int) -> None:
    (file,) = Path(odd.folder).glob("releases/*/price_list.parquet")
    listed = [row["stock_code"] for row in ask(port, "/v1/price-list")[1]["prices"]]
    assert pl.read_parquet(file)["stock_code"].to_list() == listed == sorted(ODD)


def test_every_code_has_a_key_of_its_own_in_redis(odd: Shop, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        first, second = opened(odd.app(redis_url=redis_url), "AA"), odd.app(redis_url=redis_url)
        for code in ODD:
            assert first({"stock_code": code})["stock_code"] == code
        opened(second, "AA")
        answers = [second({"stock_code": code}) for code in ODD]
        assert [(answer["stock_code"], answer["cache"]) for answer in answers] == [(code, "redis") for code in ODD]
        keys = [key.decode() for key in client.scan_iter("pricewright:*")]
    parts = {tuple(key.split(":")) for key in keys}
    assert len(parts) >= len(ODD) and {len(part) for part in parts} == {5}


@pytest.mark.parametrize(
    ("code", "word"), [("X" * 201, "201 characters"), ("%20", "blank"), ("A%00B", "control"), ("A%0d%0aB", "control")]
)
def test_what_no_code_can_be_is_a_400_that_says_why(port: int, code: str, word: str) -> None:
    for route in ("predict-price", "sales"):
        status, problem = ask(port, f"/v1/{route}/{code}")
        assert (status, problem["status"]) == (400, 400) and word in problem["detail"] and problem["hint"]


@pytest.mark.parametrize("code", ["", " ", "X" * 201, "A\nB", "\x00"])
def test_what_no_code_can_be_is_a_400_in_a_body_too(port: int, code: str) -> None:
    for path, more in (("/v1/prices", {}), ("/v1/what-if", {"change": "-10%"})):
        status, problem = ask(port, path, {"stock_codes": ["AA", code], **more})
        assert status == 400 and problem["hint"], path


def test_it_is_refused_before_any_release_is_looked_for(tmp_path: Path) -> None:
    answer = Shop(tmp_path / "empty").app()(http_api(f"/v1/predict-price/{'X' * 201}"))
    assert answer["statusCode"] == 400
