"""Events as Lambda gets them, each part of which may be anything; from bytes, and as strategies of hypothesis."""

import json
from typing import Any

from hypothesis import strategies as st

from inference.api import ROUTES
from inference.query import PARAMETERS
from tests.fuzz.bytes import NASTY, Bytes

METHODS = ("GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "get", "")
KNOWN = ("20007", "20000a", "NOPE", "2000", " 20014 ")
PATHS = tuple(route.template.replace("{stock_code}", code) for route in ROUTES for code in KNOWN)
NAMES = (*PARAMETERS, "format", "limit", "cursor", "search", "stock_codes", "stock_code", "category", "change", "price")
GOOD: dict[str, tuple[Any, ...]] = {
    "unitprice_min": ("0.5", "1"), "unitprice_max": ("20", "9.99"), "num_price_bins": ("9", "1000", 2),
    "objective": ("sales", "profit"), "unit_cost": ("0.1", 0), "model": ("network", "svr", "price_list", "lightgbm"),
    "format": ("csv", "json"), "limit": ("7", "500"), "cursor": ("20021", ""), "search": ("mug", "2000"),
    "category": ("MUGS", "mugs", "MUG"), "change": ("-10%", "+2.5 %", "-10"), "price": (3.99, 0),
    "stock_codes": (["20007", "x"], ["20007"] * 3), "stock_code": ("20007",),
}  # fmt: skip


def event_from(data: bytes) -> Any:
    """An event out of bytes."""
    at = Bytes(data)
    kind = at.byte() % 6
    if kind < 2:
        return _http(at)
    if kind < 4:
        return _rest(at)
    if kind == 4:
        return {name: _given(at, name) for name in _names(at)} | {at.pick((*NAMES, "warmup", "source")): at.value()}
    return at.value()


def _http(at: Bytes) -> Any:
    event: dict[str, Any] = {"version": "2.0", "rawPath": _path(at)}
    http: Any = {"method": at.pick(METHODS), "path": "/"} if at.byte() % 8 else at.value()
    event["requestContext"] = {"http": http, "stage": at.pick(("$default", "prod", "", "v1"))}
    return event | _rest_of(at)


def _rest(at: Bytes) -> Any:
    context = {"stage": "prod"} if at.byte() % 8 else at.value()
    return {"httpMethod": at.pick(METHODS), "path": _path(at), "requestContext": context} | _rest_of(at)


def _rest_of(at: Bytes) -> dict[str, Any]:
    query: Any = {name: _given(at, name) for name in _names(at)} if at.byte() % 8 else at.value()
    headers: Any = {"origin": at.text(), at.text(): at.text()} if at.byte() % 4 else at.value()
    body: Any = at.value() if at.byte() % 4 else _body(at)
    return {"queryStringParameters": query, "headers": headers, "body": body, "isBase64Encoded": not at.byte() % 4}


def _names(at: Bytes) -> list[str]:
    return [at.pick(NAMES) if at.byte() % 8 else at.text() for _ in range(at.byte() % 4)]


def _given(at: Bytes, name: str) -> Any:
    return at.pick(GOOD[name]) if name in GOOD and at.byte() % 2 else at.value()


def _path(at: Bytes) -> str:
    return at.pick(PATHS) + ("" if at.byte() % 4 else at.text())


def _body(at: Bytes) -> str:
    return json.dumps({name: _given(at, name) for name in ("stock_codes", *_names(at))})


TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(NASTY), st.text(st.characters(), max_size=5))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.sampled_from([10**400, -(10**400)])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
GIVEN = st.one_of(*(st.tuples(st.just(name), st.one_of(st.sampled_from(good), VALUES)) for name, good in GOOD.items()))
QUERIES = st.one_of(st.none(), st.lists(GIVEN, max_size=4).map(dict), VALUES)
BODIES = st.one_of(
    VALUES, st.lists(GIVEN, max_size=3).map(lambda pairs: json.dumps(dict(pairs))), st.binary(max_size=9)
)
REST = {
    "queryStringParameters": QUERIES,
    "headers": st.one_of(st.none(), VALUES, st.dictionaries(TEXTS, TEXTS, max_size=3)),
    "body": BODIES.map(lambda body: body.hex() if isinstance(body, bytes) else body),
    "isBase64Encoded": st.one_of(st.booleans(), VALUES),
}
URL_PATHS = st.one_of(st.sampled_from(PATHS), st.builds(str.__add__, st.sampled_from(PATHS), TEXTS), TEXTS)
V1 = st.fixed_dictionaries(
    {"httpMethod": st.one_of(st.sampled_from(METHODS), VALUES), "path": st.one_of(URL_PATHS, VALUES)},
    optional=REST | {"requestContext": VALUES},
)
HTTP = st.fixed_dictionaries({"method": st.one_of(st.sampled_from(METHODS), VALUES)})
V2 = st.fixed_dictionaries(
    {
        "version": st.just("2.0"),
        "rawPath": st.one_of(URL_PATHS, VALUES),
        "requestContext": st.fixed_dictionaries({"http": HTTP}, optional={"stage": st.one_of(TEXTS, VALUES)}),
    },
    optional=REST,
)
URL = V2.map(lambda event: event | {"requestContext": event["requestContext"] | {"domainName": "x.lambda-url.aws"}})
DIRECT = st.lists(GIVEN, max_size=4).map(dict)
WARM = st.fixed_dictionaries({}, optional={"warmup": VALUES, "source": st.one_of(st.just("aws.events"), VALUES)})
EVENTS = st.one_of(V1, V2, URL, DIRECT, WARM, VALUES)
