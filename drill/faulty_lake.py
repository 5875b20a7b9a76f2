"""S3 on this machine that can be slow, fail one call in five, or not answer at all; `python -m drill.faulty_lake PORT`.

moto answers, atomically where S3 is; what stands before it breaks calls. A call that fails either was not done, or was
done and its reply is lost: whoever asked cannot tell which, and has to live with both.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from drill.machine import ROOT, wait_for_port
from flows.embedded import free_port
from testing.asking import dice

SLOW = 0.4  # seconds before each call
SHARE = 0.2  # of the calls fail when it is flaky
CONTROL = "/-drill/"
BUCKET = "drill"
KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "test") | {"AWS_REGION": "eu-west-1"}


class Faulty:
    """A WSGI application before another one."""

    def __init__(self, app: Any, seed: int) -> None:
        self._app = app
        self._dice = dice(seed)
        self._lock = threading.Lock()
        self.mode = "well"
        self.broken = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL):
            self.mode = environ["PATH_INFO"].removeprefix(CONTROL) or self.mode
            start_response("200 OK", [("content-type", "text/plain")])
            return [str(self.broken).encode()]
        return self._broken(environ, start_response, self.mode)

    def _broken(self, environ: dict[str, Any], start_response: Callable[..., Any], mode: str) -> Iterable[bytes]:
        with self._lock:
            fails, how = self._dice.random() < SHARE, self._dice.choice(("503", "cut", "reply lost"))
        if mode == "slow":
            time.sleep(SLOW)
        if mode == "down" or (mode == "flaky" and fails):
            self.broken += 1
            if mode == "flaky" and how == "503":
                start_response("503 Slow Down", [("content-type", "application/xml")])
                return [b"<Error><Code>SlowDown</Code><Message>reduce your request rate</Message></Error>"]
            if mode == "flaky" and how == "reply lost":
                list(self._app(environ, lambda *_: lambda _: None))
            raise ConnectionError("the drill cuts this connection")
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


class FaultyLake:
    """The server in a process of its own, and how it is told to break."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def become(self, mode: str) -> int:
        """Well, slow, flaky or down from now on; returns how many calls it broke so far."""
        with urlopen(Request(f"{self.url}{CONTROL}{mode}", method="PUT"), timeout=30) as answer:  # noqa: S310
            return int(answer.read())

    @property
    def environment(self) -> dict[str, str]:
        """What whoever uses this lake has to know."""
        return KEYS | {"PRICEWRIGHT_S3_ENDPOINT": self.url}


@contextmanager
def faulty_lake(seed: int) -> Iterator[FaultyLake]:
    """For as long as the context lasts."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "drill.faulty_lake", str(port), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            wait_for_port(port, process)
            yield FaultyLake(port)
        finally:
            process.terminate()


def main() -> None:
    """Serve until the drill ends."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    from testing.s3_server import Atomic

    class Abrupt(WSGIRequestHandler):
        """Closes the connection where the application says so, without a word."""

        def run_wsgi(self) -> None:
            try:
                super().run_wsgi()
            except ConnectionError:
                self.close_connection = True

        def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
            self.close_connection = True

        def log(self, *_: Any) -> None:
            """Nobody reads it."""

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("seed", type=int)
    asked = parser.parse_args()
    app = Faulty(Atomic(DomainDispatcherApplication(create_backend_app)), asked.seed)
    make_server("127.0.0.1", asked.port, app, threaded=True, request_handler=Abrupt).serve_forever()


if __name__ == "__main__":
    main()
