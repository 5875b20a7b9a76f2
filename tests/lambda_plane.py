"""AWS Lambda over HTTP: moto keeps functions, versions and aliases; calls are answered by the real inference handler.

A version answers with the environment it was published with, and an alias sends calls to its versions by weight, as
Lambda does. Every call through the alias is counted in CloudWatch. Two things moto lacks are added: revisions of an
alias, and calls (it would need a container engine).
"""

import itertools
import json
import os
import re
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

import boto3

from inference.handler import App, make_app
from inference.log import line
from inference.settings import read_settings

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pricewright"
OURS = {"title": "Internal error", "status": 500, "detail": "the price API failed."}
ROLE = {"Version": "2012-10-17", "Statement": []}


def image(letter: str) -> str:
    """An image by digest."""
    return f"{REPOSITORY}@sha256:{letter * 64}"


class LambdaPlane:
    """`mute`: letters of images that fail each call; `flaky`: share of the customers' calls that fail, by letter;
    `unwell`: share of the customers' calls that are answered 500, by letter; `hollow`: answers 500 for many SKUs."""

    def __init__(self, moto: str) -> None:
        self.moto = moto
        self.mute: set[str] = set()
        self.flaky: dict[str, float] = {}
        self.unwell: dict[str, float] = {}
        self.hollow: set[str] = set()
        self.customers = 0  # calls through the alias right after it was moved
        self.changes: list[str] = []  # what was asked to change, in order
        self.strike: tuple[str, int] | None = None  # kill the caller before or after the n-th change, or at a call
        self.meanwhile: Callable[[], object] = lambda: None  # what others do, before each call
        self._apps: dict[tuple[str, str], App] = {}
        self._revisions: dict[str, str] = {}
        self._calls = itertools.count()
        self._metrics = boto3.client("cloudwatch", endpoint_url=moto, region_name="eu-west-1")
        self.client = boto3.client("lambda", endpoint_url=moto, region_name="eu-west-1")

    def create(self, store: str, stage: str, letter: str = "a", alias: bool = True) -> str:
        """A function as the AWS template makes it, with version 1 behind `live`."""
        iam = boto3.client("iam", endpoint_url=self.moto, region_name="eu-west-1")
        name = f"pricewright-{uuid.uuid4().hex[:8]}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ROLE))["Role"]["Arn"]
        variables = {"PRICEWRIGHT_STORE": store, "PRICEWRIGHT_CHANNEL": stage, "PRICEWRIGHT_S3_ENDPOINT": self.moto,
                     "PRICEWRIGHT_REFRESH_SECONDS": "0.01", "PRICEWRIGHT_MODEL_SECONDS": "10"}  # fmt: skip
        self.client.create_function(
            FunctionName=name, PackageType="Image", Code={"ImageUri": image(letter)}, Role=role,
            Environment={"Variables": variables}, Description=f"sha256:{letter * 64}",
        )  # fmt: skip
        self.client.publish_version(FunctionName=name)
        if alias:
            self.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return name

    def call(self, function: str, qualifier: str, event: Any, *, customer: bool = False) -> tuple[Any, bool]:
        """The answer, and whether the function failed."""
        version, alias = qualifier, not qualifier.isdigit()
        number = next(self._calls)
        if alias:
            found = self.client.get_alias(FunctionName=function, Name=qualifier)
            weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            version, at = found["FunctionVersion"], (number * 37 % 100) / 100
            for other, weight in weights.items():
                version = other if at < weight else version
        seen = self.client.get_function_configuration(FunctionName=function, Qualifier=version)
        letter = found_letter(seen["Description"])
        failed = letter in self.mute or (customer and (number * 61 % 100) / 100 < self.flaky.get(letter, 0))
        if alias:
            self._count(function, qualifier, version, failed=failed)
        if failed:
            return {"errorMessage": "the image is broken", "errorType": "Runtime.ExitError"}, True
        own = {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_VERSION": version}
        variables = seen["Environment"]["Variables"] | own
        settings = read_settings(variables)
        share = self.unwell.get(letter, 0) if customer else letter in self.hollow and "/v1/prices" in json.dumps(event)
        if (number * 61 % 100) / 100 < share:
            self.log(line("/v1/prices", 500, 1.0, {}, "", 0, "", settings.channel, function, version))
            return {"statusCode": 500, "body": json.dumps(OURS)}, False
        app = self._apps.get((function, version))
        if app is None:
            app = self._apps[function, version] = self.start(variables)
        return app(event), False

    def start(self, variables: dict[str, str]) -> App:
        """What answers the calls of a version with this environment."""
        return make_app(read_settings(variables), log=self.log)

    def log(self, text: str) -> None:
        """Keep what CloudWatch makes of a line, of its metrics by version alone: nobody here reads the others."""
        written = json.loads(text)
        for about in written["_aws"]["CloudWatchMetrics"]:
            for names in (names for names in about["Dimensions"] if "Version" in names):
                dimensions = [{"Name": name, "Value": written[name]} for name in names]
                data = [{"MetricName": each["Name"], "Dimensions": dimensions, "Value": float(written[each["Name"]])}
                        for each in about["Metrics"]]  # fmt: skip
                self._metrics.put_metric_data(Namespace=about["Namespace"], MetricData=data)

    def forward(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        """What moto answers."""
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        try:
            with urlopen(Request(self.moto + path, data=body or None, method=method, headers=kept), timeout=30) as got:
                return int(got.status), got.read()
        except HTTPError as error:
            return error.code, error.read()

    def revised(self, method: str, path: str, body: bytes) -> bool:
        """Whether an alias is still what whoever changes it has seen."""
        alias = re.search(r"/functions/([^/]+)/aliases/([^/?]+)", path)
        if not alias:
            return True
        key = "/".join(alias.groups())
        if method == "PUT":
            expected = json.loads(body or b"{}").get("RevisionId")
            if expected and expected != self._revisions.get(key, expected):
                return False
            self._revisions[key] = str(uuid.uuid4())
        return True

    def with_revision(self, path: str, body: bytes) -> bytes:
        alias = re.search(r"/functions/([^/]+)/aliases/([^/?]+)", path)
        revision = self._revisions.get("/".join(alias.groups())) if alias else None
        return json.dumps(json.loads(body) | {"RevisionId": revision}).encode() if revision else body

    def changed(self, path: str) -> None:
        function = path.split("/functions/")[1].split("/")[0]
        for _ in range(self.customers if "/aliases" in path else 0):
            self.call(function, "live", {"warmup": True}, customer=True)

    def _count(self, function: str, alias: str, version: str, *, failed: bool) -> None:
        dimensions = {"FunctionName": function, "Resource": f"{function}:{alias}", "ExecutedVersion": version}
        about = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        values = {"Invocations": 1.0, "Errors": float(failed)}
        data = [{"MetricName": name, "Dimensions": about, "Value": value} for name, value in values.items()]
        self._metrics.put_metric_data(Namespace="AWS/Lambda", MetricData=data)


def found_letter(label: str) -> str:
    """`a` of `sha256:aaaa...`; moto tells the image of a version wrongly, so it is read from the label."""
    match = re.search(r"sha256:([0-9a-f])", label)
    return match.group(1) if match else ""


class _Handler(BaseHTTPRequestHandler):
    plane: LambdaPlane

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        call = re.match(r"/2015-03-31/functions/([^/]+)/invocations", self.path)
        if call:
            self._strike("call")
            self.plane.meanwhile()
            query = parse_qs(urlsplit(self.path).query)
            answer, failed = self.plane.call(unquote(call.group(1)), query["Qualifier"][0], json.loads(body or b"{}"))
            self._send(200, json.dumps(answer).encode(), {"X-Amz-Function-Error": "Unhandled"} if failed else {})
            return
        change = self.command in ("PUT", "POST")
        if change:
            self._strike("before")
            self.plane.changes.append(f"{self.command} {self.path.rpartition('/')[2]}")
        if not self.plane.revised(self.command, self.path, body):
            self._send(412, b"{}", {"x-amzn-ErrorType": "PreconditionFailedException"})
            return
        status, reply = self.plane.forward(self.command, self.path, self.headers, body)
        if status < 300:
            reply = self.plane.with_revision(self.path, reply)
            if change:
                self.plane.changed(self.path)
                self._strike("after")
        self._send(status, reply, {} if status < 300 else {"x-amzn-ErrorType": _kind(reply)})

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def _strike(self, when: str) -> None:
        if self.plane.strike and self.plane.strike[0] == when:
            if self.plane.strike[1] == 0:
                self.plane.strike = None
                pid = re.search(r"exec-env/pid-(\d+)", self.headers.get("user-agent", ""))
                os.kill(int(pid.group(1)), signal.SIGKILL)
            else:
                self.plane.strike = (when, self.plane.strike[1] - 1)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in (
                {"content-length": str(len(body)), "content-type": "application/json"} | headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked was killed
            pass

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _kind(reply: bytes) -> str:
    try:
        content = json.loads(reply)
    except ValueError:
        return "ServiceException"
    return str(content.get("__type") or content.get("Type") or "ServiceException")


@contextmanager
def lambda_plane(moto: str, kind: type[LambdaPlane] = LambdaPlane) -> Iterator[tuple[LambdaPlane, str]]:
    """The plane and its address."""
    plane = kind(moto)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"plane": plane}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield plane, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
