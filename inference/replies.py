"""Replies and problems in one shape, with a status that fits; problems follow RFC 9457 (problem+json)."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NOTHING: Mapping[str, Any] = MappingProxyType({})
TITLES = {
    400: "The request cannot be read",
    404: "Not found",
    405: "Method not allowed",
    409: "This release cannot answer it",
    413: "Too large",
    422: "A parameter breaks its rule",
    500: "An error of ours",
    503: "No release to answer from",
}
to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode  # made once: dumps would make one a call


class Reply(NamedTuple):
    """Status, text and headers; `served` says to the log which release and model answered."""

    status: int
    text: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = NOTHING
    served: Mapping[str, Any] = NOTHING

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
