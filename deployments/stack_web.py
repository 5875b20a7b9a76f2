"""`python -m deployments.stack_web`: the stack's web server: playground, price API, reports, notices, metrics."""

import argparse
import json
import logging
import os
import re
from dataclasses import replace
from pathlib import Path

from flask import Flask, Response, abort, request
from werkzeug.serving import make_server

from blocks.lake import Lake
from deployments.desk_routes import add_desk
from deployments.metrics import Metrics, Runs, ask_prefect
from deployments.stack import HOST
from inference.dev_server import OWN_NAMES, make_gateway
from inference.handler import make_app
from inference.log import write
from inference.settings import read_settings
from tasks.candidate import report_files
from tasks.desk import Desk
from tasks.releases import now
from tasks.smoke import PriceApi

LARGEST_NOTICE = 64 * 1024  # bytes
TYPES = {".html": "text/html", ".png": "image/png"}
# Evidently's page brings scripts of its own: it runs them in an origin of its own, and loads nothing.
ALONE = {
    "content-security-policy": "sandbox allow-scripts; default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
    "x-content-type-options": "nosniff",
}


def make_desk(gateway: Flask, lake: Lake, notices: Path, metrics: Metrics | None = None) -> Flask:
    """The gateway with `/reports/<release>/<name>` of the lake, `/notices`, which writes down what it is told, and
    `/metrics` for Prometheus, where there are any."""

    @gateway.get("/reports/<release>/<name>")
    def report(release: str, name: str) -> Response:
        blob = (
            lake.find(f"reports/{release}/{name}")
            if name in report_files() and re.fullmatch(r"[\w-]+", release)
            else None
        )
        if blob is None:
            abort(404, f"there is no report {name} of {release}.")
        return Response(blob.body, mimetype=TYPES[Path(name).suffix], headers=ALONE)

    @gateway.post("/notices")
    def notice() -> Response:
        content = request.get_json(silent=True) if (request.content_length or 0) <= LARGEST_NOTICE else None
        if not isinstance(content, dict):
            abort(422, 'a notice is a JSON object of at most 64 kB, such as {"subject": ..., "body": ...}.')
        line = {
            "at": f"{now():%Y-%m-%d %H:%M:%S}",
            "subject": str(content.get("subject", "")),
            "body": str(content.get("body", "")),
        }
        with notices.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return Response("", 204)

    @gateway.get("/metrics")
    def measured() -> Response:
        return Response(metrics.text if metrics else b"", mimetype="text/plain; version=0.0.4")

    return gateway


def main() -> None:
    """Serve until the stack stops."""
    parser = argparse.ArgumentParser(prog="python -m deployments.stack_web", description=__doc__)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", default="", help="its price cache; else PRICEWRIGHT_REDIS_URL")
    parser.add_argument("--notices", type=Path, required=True)
    options = parser.parse_args()
    settings = read_settings(os.environ)
    redis = options.redis or settings.redis_url
    metrics = Metrics(*([Runs(ask_prefect())] if os.environ.get("PREFECT_API_URL") else []))

    def log(line: str) -> None:
        write(line)
        metrics.observe(line)

    asked = replace(settings, store=os.environ["PRICEWRIGHT_STORE"], channel="production", redis_url=redis)
    api = make_app(asked, log=log)
    gateway = make_gateway(api, OWN_NAMES if options.host == HOST else None)
    lake = Lake(os.environ["PRICEWRIGHT_STORE"])
    decided = add_desk(gateway, Desk(lake, PriceApi.through(api)), settings)
    desk = make_desk(decided, lake, options.notices, metrics)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the API logs its requests itself
    make_server(options.host, options.port, desk, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
