"""The Lambda function: an event in, a reply out. Nothing is read or opened before the first event comes."""

import json
import os
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from inference.api import Api, find_route
from inference.log import line, write
from inference.messages import Reply, Request, UnreadableEvent, problem, read_event
from inference.query import InvalidQuery
from inference.served import Served
from inference.settings import Settings, read_settings
from inference.store import Store
from pricewright.core.blocks import DamagedFile
from pricewright.core.errors import (
    InvalidItem,
    LakeError,
    ParameterError,
    PricewrightError,
    ReleaseError,
    UnknownSku,
)
from pricewright.core.item import Item

STATUSES: tuple[tuple[type[PricewrightError], int], ...] = (
    (InvalidItem, 400),
    (UnknownSku, 404),
    (ParameterError, 422),
    (ReleaseError, 503),
    (LakeError, 503),
)
MOST_GROWTH = 12  # bytes that a character of a reply can take in JSON: two escapes of six
_making = threading.Lock()


class App:
    """The price API over one channel; call it with an event. It may be called from many threads."""

    def __init__(self, settings: Settings, served: Served, now: Callable[[], datetime], log: Callable[[str], None]):
        self._settings = settings
        self._served = served
        self._api = Api(settings, served, now)
        self._now = now
        self._log = log

    def __call__(self, event: Any, context: object = None) -> Any:
        """The reply in the form that the event's sender takes. Never raises."""
        started = time.perf_counter()
        try:
            request = read_event(event)
        except UnreadableEvent as error:
            request, made, route, fault = Request("", "", kind="direct"), problem(400, str(error)), "none", ""
        except InvalidItem as error:
            request, made, route, fault = Request("", "", kind="direct"), _refusal(error), "none", ""
        else:
            route, made, fault = self._answer(request)
            made = self._sendable(request, made)
        milliseconds = (time.perf_counter() - started) * 1000
        stamp = int(self._now().timestamp() * 1000)
        trouble, own = self._served.trouble, self._settings
        about = (fault, own.channel, own.function, own.version)
        self._log(line(route, made.status, milliseconds, made.served, trouble, stamp, *about))
        return made.as_object() if request.kind == "direct" else self._allow(request, made).as_gateway()

    def _answer(self, request: Request) -> tuple[str, Reply, str]:
        """The route's template, the reply, and for the log what happened if that was not foreseen."""
        route, segments, allowed = find_route(request.method, request.path)
        if route is None:
            return "none", self._no_route(request, allowed), ""
        try:
            items = map(Item.from_path, segments.values())
            answer = partial(getattr(self._api, route.name), request, *items)
            return route.template, self._undamaged(answer), ""
        except PricewrightError as error:
            return route.template, _refusal(error), ""
        except Exception:  # noqa: BLE001  the caller gets a 500, the log the whole story
            made = problem(500, "the price API failed; the log of the function says how.", "try again.")
            return route.template, made, traceback.format_exc()

    def _undamaged(self, answer: Callable[[], Reply]) -> Reply:
        """The answer; from the release in the image, if a part of the one that is served turns out to be damaged."""
        release = self._served.current()
        try:
            return answer()
        except DamagedFile as error:
            if not self._served.leave(release, error):
                raise
            return answer()

    def _sendable(self, request: Request, made: Reply) -> Reply:
        """The reply, or a problem where it is larger than Lambda sends, in whose JSON a quote takes two bytes."""
        most = self._settings.most_bytes
        if len(made.text) * MOST_GROWTH <= most:
            return made
        sent = len(json.dumps(made.as_object() if request.kind == "direct" else made.as_gateway()))
        if sent <= most:
            return made
        return problem(413, f"the reply has {sent:,} bytes, at most {most:,} are sent.", "ask for less: limit, cursor.")

    def _no_route(self, request: Request, allowed: list[str]) -> Reply:
        if request.method == "OPTIONS" and allowed:
            return Reply(204, "", headers={"allow": ", ".join([*allowed, "OPTIONS"])})
        if allowed:
            text = f"{request.method} {request.path}: only {', '.join(allowed)} is answered."
            return problem(405, text, headers={"allow": ", ".join(allowed)})
        return problem(404, f"there is nothing at {request.path[:200]}.", "openapi.json lists all paths.")

    def _allow(self, request: Request, made: Reply) -> Reply:
        """The reply with CORS headers, when the page that asks is on the list."""
        origin = request.headers.get("origin", "")
        origins = [entry.strip() for entry in self._settings.allowed_origins.split(",") if entry.strip()]
        if not origin or not ({origin, "*"} & set(origins)):
            return made
        headers = {"access-control-allow-origin": origin if "*" not in origins else "*", "vary": "origin"}
        if request.method == "OPTIONS":
            headers |= {
                "access-control-allow-methods": "GET, POST, OPTIONS",
                "access-control-allow-headers": "authorization, content-type, x-api-key",
                "access-control-max-age": "3600",
            }
        return Reply(made.status, made.text, made.content_type, {**made.headers, **headers}, made.served)


def make_app(
    settings: Settings,
    store: Store | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    log: Callable[[str], None] = write,
) -> App:
    """The price API for these settings; it opens nothing before it is called."""
    return App(settings, Served(settings, store, clock), now, log)


_app: App | None = None


def handler(event: Any, context: object = None) -> Any:
    """What Lambda calls; the settings are read from the environment with the first event."""
    global _app
    if _app is None:
        with _making:
            _app = _app or make_app(read_settings(os.environ))
    return _app(event, context)


def _refusal(error: PricewrightError) -> Reply:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    more: dict[str, Any] = {}
    if isinstance(error, InvalidQuery):
        more["errors"] = [complaint._asdict() for complaint in error.complaints]
    return problem(status, error.message, error.hint, **more)
