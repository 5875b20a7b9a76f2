"""Runs a Prefect server inside this process, on a free port, with SQLite in its own folder.

If you have a server, set PREFECT_API_URL, and that one is used. `create_app(ephemeral=True)` is half private to
Prefect: where it fails, Prefect's own ephemeral mode (a subprocess, slower and noisier) takes over.
"""

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment, urlopen  # type: ignore[attr-defined]  # typeshed lacks the first

from pricewright.core.address import without_secret
from pricewright.core.errors import PricewrightError

OWN = ("127.0.0.1", "localhost", "::1")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EXCEPTIONS = ("NO_PROXY", "no_proxy")  # libraries differ in which of the two they read
PATIENCE = 60.0  # seconds that a server of one's own may take to answer: it may just be starting again
PROXY_PATIENCE = 5.0  # seconds for one behind a proxy: what that refuses once it refuses for good
GATEWAY = frozenset((407, 502, 503, 504))  # HTTP: said by a proxy that gets no further
EPHEMERAL = "ephemeral"  # Prefect starts a server of its own
START_LIMIT = 120.0  # seconds; a fresh database takes 10 to 25
LENT = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS")  # fmt: skip
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # errors come back as exceptions, and are shown once
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def spare_own_machine(environment: MutableMapping[str, str]) -> None:
    """Add this machine to the exceptions of the proxy; call it before Prefect, boto3 or urllib read them.

    A SOCKS proxy is left out where httpx lacks its package: Prefect's client would refuse to start, and nothing else
    here speaks SOCKS either.
    """
    if find_spec("socksio") is None:
        for name, proxy in find_proxies(environment).items():
            if proxy.lower().startswith("socks"):
                del environment[name]
    listed = _exceptions(environment)
    if find_proxies(environment) and "*" not in listed:
        environment.update(dict.fromkeys(EXCEPTIONS, ",".join(dict.fromkeys([*listed, *OWN]))))


def find_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxies that are set, by the name of their variable as it is written there."""
    return {name: value for name, value in environment.items() if name.upper() in PROXIES and value}


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """NAME=address of the proxy through which this URL is asked, as it may be shown; empty when asked directly."""
    address = urlsplit(url)
    if proxy_bypass_environment(address.netloc, {"no": ",".join(_exceptions(environment))}):
        return ""
    wanted = (f"{address.scheme}_PROXY".upper(), "ALL_PROXY")
    found = {name.upper(): f"{name}={without_secret(value)}" for name, value in find_proxies(environment).items()}
    return next((found[name] for name in wanted if name in found), "")


def check_proxies(environment: Mapping[str, str]) -> None:
    """Raises PricewrightError for a proxy that is no address, which Prefect's client would meet with a traceback."""
    for name, value in find_proxies(environment).items():
        from httpx import InvalidURL, Proxy

        try:
            Proxy(value if "://" in value else f"http://{value}")
        except (InvalidURL, ValueError) as error:
            raise PricewrightError(
                f"{name} of the environment is not the address of a proxy: {error}.",
                hint=f"write it as {name}=http://host:port, or unset it.",
            ) from None


def _exceptions(environment: Mapping[str, str]) -> list[str]:
    listed = [host.strip() for name in EXCEPTIONS for host in environment.get(name, "").split(",")]
    return [host for host in dict.fromkeys(listed) if host]


@contextmanager
def prefect_server(home: Path, environment: MutableMapping[str, str] = os.environ) -> Iterator[str]:
    """The API of a Prefect server for as long as the context lasts; call it before flows are imported."""
    spare_own_machine(environment)
    check_proxies(environment)
    if url := environment.get("PREFECT_API_URL"):
        wait_for_server(url)
        yield url
        return
    port, auth = free_port(), f"run:{token_hex()}"  # a web page in this machine's browser gets nowhere without it
    environment["PREFECT_HOME"] = str(_writable(environment.get("PREFECT_HOME"), home))
    environment.update(QUIET)
    environment.update(
        PREFECT_API_URL=f"http://127.0.0.1:{port}/api",
        PREFECT_API_AUTH_STRING=auth,
        PREFECT_SERVER_API_AUTH_STRING=auth,
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS=f"http://127.0.0.1:{port}",
        PREFECT_API_BLOCKS_REGISTER_ON_START="false",
        PREFECT_SERVER_EPHEMERAL_ENABLED="false",
        PREFECT_UI_ENABLED="false",
        PREFECT__SERVER_EPHEMERAL="1",
        PREFECT__SERVER_FINAL="1",
    )
    _reread_settings()
    try:
        server = _Server(port)
        server.start()
    except (ImportError, TypeError, RuntimeError, OSError):
        _fall_back(environment)
        yield EPHEMERAL
        return
    try:
        yield environment["PREFECT_API_URL"]
    finally:
        server.stop()
        for name in LENT:
            del environment[name]


def wait_for_server(url: str, patience: float = PATIENCE) -> None:
    """Until somebody answers there, whatever he says. Raises PricewrightError when nobody does in time."""
    proxy = proxy_for(url, os.environ)
    deadline = time.monotonic() + (min(patience, PROXY_PATIENCE) if proxy else patience)
    while url != EPHEMERAL and (reason := silence(url, bool(proxy))):
        if time.monotonic() > deadline:
            raise PricewrightError(
                f"Prefect's server {url} does not answer{f' through {proxy}' if proxy else ''}: {reason}.",
                hint=f"add {urlsplit(url).hostname} to NO_PROXY where it is to be asked without the proxy."
                if proxy
                else "pricewright up starts one; where PREFECT_API_URL is not set, a run brings its own.",
            )
        time.sleep(0.5)


def silence(url: str, through_proxy: bool, patience: float = 10.0) -> str:
    """Why nobody answers there; empty when somebody does, if only to ask for a log-in or another certificate."""
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=patience):  # noqa: S310  the operator's own URL
            return ""
    except HTTPError as error:  # a log-in is missing, say: Prefect's client brings one
        return str(error) if through_proxy and error.code in GATEWAY else ""
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        return "" if isinstance(reason, SSLError) else str(reason)


class _Server:
    """Prefect's API under uvicorn, in a thread."""

    def __init__(self, port: int) -> None:
        import uvicorn
        from prefect.server.api.server import create_app

        app = create_app(ephemeral=True)
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="prefect-server", daemon=True)

    def start(self) -> None:
        """Raises RuntimeError when the server ends or says nothing for too long."""
        self._thread.start()
        deadline = time.monotonic() + START_LIMIT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self._server.should_exit = True
                raise RuntimeError("the embedded Prefect server did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """Send what is still to be logged, then end."""
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
        self._server.should_exit = True
        self._thread.join(10)


def _writable(asked: str | None, own: Path) -> Path:
    """The first folder that can be written: the one asked for, our own, a temporary one."""
    for folder in (Path(asked) if asked else own, own):
        try:
            folder.expanduser().mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder.expanduser()).close()
        except OSError:
            continue
        return folder
    return Path(tempfile.mkdtemp(prefix="pricewright-prefect-"))


def _fall_back(environment: MutableMapping[str, str]) -> None:
    for name in (*LENT, "PREFECT__SERVER_EPHEMERAL", "PREFECT__SERVER_FINAL"):
        environment.pop(name, None)
    environment["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "true"
    environment["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = str(int(START_LIMIT))
    _reread_settings()


def _reread_settings() -> None:
    """Settings are read when Prefect is imported: once more, where something imported it before us."""
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def free_port() -> int:
    """A free port of this machine. Raises PricewrightError where it cannot reach itself, as with no network at all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        try:
            socket.create_connection(probe.getsockname(), timeout=5).close()
        except OSError as error:
            raise PricewrightError(
                f"127.0.0.1 cannot be reached ({error}): a run talks to its own server there.",
                hint="bring the loopback interface up: ip link set lo up.",
            ) from error
        return int(probe.getsockname()[1])
