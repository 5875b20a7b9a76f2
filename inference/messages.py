"""Requests and replies in one shape, whatever invokes the function; problems follow RFC 9457."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pricewright.core.item import Item, quoted

Kind = Literal["gateway", "direct"]
NOTHING: Mapping[str, Any] = MappingProxyType({})
NO_HEADERS: Mapping[str, Any] = MappingProxyType({})
TITLES = {
    400: "The request cannot be read",
    404: "Not found",
    405: "Method not allowed",
    409: "This release cannot answer it",
    413: "Too large",
    422: "A parameter breaks its rule",
    500: "Internal error",
    503: "No release to answer from",
}
to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode  # made once: dumps would make one a call


class UnreadableEvent(ValueError):
    """The event is none of the kinds that are known."""


class Request(NamedTuple):
    """Method, path as it stands in a URL, and parameters; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, Any] = NOTHING
    headers: Mapping[str, Any] = NOTHING
    body: Any = None  # text over HTTP, the object itself when invoked directly
    kind: Kind = "gateway"


def read_event(event: Any) -> Request:
    """The request in an event. Raises UnreadableEvent, and InvalidItem for what no stock code can be."""
    if not isinstance(event, Mapping):
        raise UnreadableEvent(f"the event is a {type(event).__name__}, an object is needed.")
    context = event.get("requestContext")
    if isinstance(context, Mapping) and isinstance(context.get("http"), Mapping):
        return _http(event, context)
    if "httpMethod" in event:
        path = str(event.get("path") or "/")
        # Version 1.0 is an HTTP API; a REST API and a load balancer name none, and decode only what parameters show.
        decoded = event.get("version") == "1.0" or (bool(_parameters(event)) and _ends_decoded(event, path))
        return _gateway(event, str(event["httpMethod"]), _encoded(path) if decoded else path)
    return _direct(event)


def _http(event: Mapping[str, Any], context: Mapping[str, Any]) -> Request:
    """Payload 2.0; the path starts with the stage unless that is the default one."""
    path, stage = str(event.get("rawPath") or "/"), context.get("stage")
    if stage and path.startswith(f"/{stage}/"):
        path = path.removeprefix(f"/{stage}")
    if _is_decoded(event, context, path):
        path = _encoded(path)
    return _gateway(event, str(context["http"].get("method", "GET")), path)


def _is_decoded(event: Mapping[str, Any], context: Mapping[str, Any], path: str) -> bool:
    """Whether the sender has decoded the path: HTTP APIs do, `rawPath` is raw by name only; function URLs do not."""
    return ".lambda-url." not in str(context.get("domainName")) and _ends_decoded(event, path)


def _ends_decoded(event: Mapping[str, Any], path: str) -> bool:
    """Whether the path ends with its parameters, which all senders decode: else it still is as it was sent."""
    return all(path.endswith(text) for text in _parameters(event))


def _parameters(event: Mapping[str, Any]) -> list[str]:
    given = event.get("pathParameters")
    return [text for text in given.values() if isinstance(text, str)] if isinstance(given, Mapping) else []


def _encoded(path: str) -> str:
    """A decoded path as one that decodes to it: what has a meaning in a path stands for itself."""
    return path.replace("%", "%25").replace("@", "%40") if "%" in path or "@" in path else path


def _gateway(event: Mapping[str, Any], method: str, path: str) -> Request:
    body = event.get("body")
    if event.get("isBase64Encoded") and isinstance(body, str):
        try:
            body = _from_base64(body)
        except ValueError:
            raise UnreadableEvent("the body is not UTF-8 text in base64.") from None
    headers = {str(name).lower(): str(value) for name, value in _pairs(event, "headers").items()}
    return Request(method.upper(), path, _pairs(event, "queryStringParameters"), headers, body)


def _pairs(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Names and values in a member of an event that may be missing or null. Raises UnreadableEvent."""
    given = event.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UnreadableEvent(f"{name} is a {type(given).__name__}, an object is needed.")
    return {str(key): value for key, value in given.items()}


def _direct(event: Mapping[str, Any]) -> Request:
    if "stock_code" in event:
        code = quoted(Item(str(event["stock_code"])).stock_code)
        query = {name: value for name, value in event.items() if name != "stock_code"}
        return Request("GET", f"/v1/predict-price/{code}", query, kind="direct")
    if "stock_codes" in event or "items" in event:
        return Request("POST", "/v1/prices", body=dict(event), kind="direct")
    if event.get("warmup") or event.get("source") == "aws.events":
        return Request("POST", "/v1/warmup", kind="direct")
    keys = ", ".join(map(str, list(event)[:5])) or "nothing"
    raise UnreadableEvent(f"the event has {keys}: stock_code, stock_codes, warmup, or an HTTP request is needed.")


def _from_base64(text: str) -> str:
    """The text in it; raises ValueError when it is no base64 or no text."""
    import base64

    return base64.b64decode(text, validate=True).decode()


class Reply(NamedTuple):
    """Status, text and headers; `served` says to the log which release and model answered."""

    status: int
    text: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = NO_HEADERS
    served: Mapping[str, Any] = NO_HEADERS

    def as_gateway(self) -> dict[str, Any]:
        """The reply that API Gateway (both versions) and function URLs take."""
        headers = {"content-type": self.content_type, **self.headers}
        return {"statusCode": self.status, "headers": headers, "body": self.text, "isBase64Encoded": False}

    def as_object(self) -> Any:
        """The reply to a direct invocation."""
        return json.loads(self.text) if self.content_type.endswith("json") else self.text


def reply(content: Any, status: int = 200) -> Reply:
    """Content as JSON."""
    return Reply(status, to_json(content))


def problem(status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    """What went wrong, and what to do about it."""
    content: dict[str, Any] = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
    if hint:
        content["hint"] = hint
    text = to_json(content | more)
    return Reply(status, text, "application/problem+json", headers or {})
