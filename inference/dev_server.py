"""A small web server for one desk: the playground's page, and the handler, spoken to as API Gateway would."""

import argparse
import base64
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, abort, request
from werkzeug.exceptions import SecurityError

from inference.handler import handler

HERE = Path(__file__).parent
OWN_NAMES = ["127.0.0.1", "localhost"]  # a page that has its own name turned to this machine calls it by that name
PAGES = {  # nothing is loaded from elsewhere; the chart library writes its own styles
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript",
         ".svg": "image/svg+xml"}  # fmt: skip


def make_gateway(handle: Callable[[dict[str, Any], object], dict[str, Any]], hosts: list[str] | None = None) -> Flask:
    """A web application that serves the playground and hands everything below /v1 to the handler.

    `hosts`: the only names it may be called by; None for any, as behind a proxy.
    """
    app = Flask(__name__, static_folder=None)
    app.config["TRUSTED_HOSTS"] = hosts

    @app.get("/")
    @app.get("/desk")
    def page() -> Response:
        return _page("desk.html" if request.path == "/desk" else "index.html")

    @app.get("/playground/<name>")
    def asset(name: str) -> Response:
        return _page(name)

    @app.get("/vendored/<name>")
    def library(name: str) -> Response:
        return _with(_page(name, HERE / "vendored"), {"cache-control": "max-age=86400"})

    @app.get("/plotly.min.js")
    def charts() -> Response:
        return _with(Response(_plotly(), mimetype="text/javascript"), {"cache-control": "max-age=86400"})

    @app.get("/openapi.json")
    def description() -> Response:
        return Response((HERE / "openapi.json").read_bytes(), mimetype="application/json")

    @app.before_request
    def api() -> Response | None:
        """Everything below /v1, whatever the path holds and the method is: the handler has the routes, not Flask."""
        if isinstance(request.routing_exception, SecurityError):  # not one of `hosts`; Flask would say so after this
            raise request.routing_exception
        if not request.path.startswith("/v1/"):
            return None
        answer = handle(gateway_event(), None)
        body = answer["body"].encode()
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body)
        return _with(Response(body, answer["statusCode"], answer["headers"]), {"x-content-type-options": "nosniff"})

    return app


def gateway_event() -> dict[str, Any]:
    """The present request as an HTTP API sends it (payload 2.0)."""
    query = request.query_string.decode(errors="replace")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "queryStringParameters": {
            name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()
        }
        or None,
        "requestContext": {"http": {"method": request.method, "path": request.path}, "stage": "$default"},
        "body": request.get_data(as_text=True) or None,
        "isBase64Encoded": False,
    }


def _page(name: str, folder: Path = HERE / "playground") -> Response:
    """A file of the playground, or of what others wrote for it, and of no other folder."""
    found = {path.name: path for path in folder.iterdir() if path.suffix in TYPES}.get(name)
    if found is None:
        abort(404)
    return _with(Response(found.read_bytes(), mimetype=TYPES[found.suffix]), PAGES)


def _with(response: Response, headers: dict[str, str]) -> Response:
    response.headers.update(headers)
    return response


def _plotly() -> bytes:
    """Plotly's own bundle, as its Python package carries it."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def main() -> None:
    """`python -m inference.dev_server [--port 8080] [--store FOLDER]`: the playground on this machine alone."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--store", default="", help="the lake; default: PRICEWRIGHT_STORE")
    asked = parser.parse_args()
    if asked.store:
        os.environ["PRICEWRIGHT_STORE"] = asked.store
    make_gateway(handler, OWN_NAMES if asked.host == OWN_NAMES[0] else None).run(asked.host, asked.port, threaded=True)


if __name__ == "__main__":
    main()
