"""A run on somebody's own Prefect server waits while that starts again, and says so when nobody answers."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import proxy_bypass_environment

import pytest

from flows.embedded import EPHEMERAL, check_proxies, prefect_server, proxy_for, spare_own_machine, wait_for_server
from pricewright.core.errors import PricewrightError

ROOT = Path(__file__).parents[2]


class Closed(BaseHTTPRequestHandler):
    """Wants a log-in first."""

    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_nobody_starts_is_named_with_what_to_do(free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(PricewrightError, match=r"does not answer: .*refused") as caught:
        wait_for_server(url, patience=0.2)
    assert url in caught.value.message and "pricewright up" in caught.value.hint


def test_prefects_own_ephemeral_server_is_not_waited_for() -> None:
    wait_for_server(EPHEMERAL, patience=0.0)


def test_a_server_that_is_starting_again_is_waited_for(free_port: Callable[[], int], tmp_path: Path) -> None:
    port = free_port()

    def serve_one() -> None:
        time.sleep(0.7)
        with HTTPServer(("127.0.0.1", port), Closed) as server:
            server.handle_request()

    thread = threading.Thread(target=serve_one)
    thread.start()
    url = f"http://127.0.0.1:{port}/api"
    began = time.monotonic()
    with prefect_server(tmp_path, {"PREFECT_API_URL": url}) as used:
        assert used == url and time.monotonic() - began > 0.6
    thread.join()


def test_a_proxy_in_the_way_of_somebodys_server_is_named_soon(free_port: Callable[[], int]) -> None:
    """As a process: a proxy that answers 503 to whatever it is asked, and a server elsewhere."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", free_port()), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code = "from flows.embedded import wait_for_server; wait_for_server('http://prefect.corp:4200/api')"
        proxy = {"http_proxy": f"http://127.0.0.1:{server.server_port}", "no_proxy": "", "NO_PROXY": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | proxy, capture_output=True, text=True, timeout=30, cwd=ROOT
        )
        server.shutdown()
    assert "does not answer through http_proxy=" in done.stderr and "add prefect.corp to NO_PROXY" in done.stderr


def test_our_own_server_starts_behind_a_proxy_without_a_home_to_write_and_wants_a_log_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    odd = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9", "PREFECT_HOME": f"{tmp_path}/file"}
    code = "import sys\nfrom pathlib import Path\nfrom flows.embedded import prefect_server, wait_for_server\n"
    code += "from urllib.request import Request, urlopen\nfrom prefect.client.orchestration import get_client\n"
    code += "with prefect_server(Path(sys.argv[1])) as url:\n    wait_for_server(url, 5)\n    print(url)\n"
    code += "    print(get_client(sync_client=True).read_flows())\n"
    code += "    urlopen(Request(f'{url}/flows/filter', b'{}', {'content-type': 'application/json'}))\n"
    unset = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "file" / "prefect"], env=unset | odd, capture_output=True, text=True,
        timeout=120, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.startswith("http://127.0.0.1:") and done.stdout.endswith("/api\n[]\n"), done.stderr
    assert "HTTP Error 401" in done.stderr, "nobody else on this machine's loopback starts anything"


PROXY = "http://proxy.corp:8080"
OWN = ("127.0.0.1:4200", "localhost:9000", "[::1]:80")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_this_machine_is_asked_without_the_proxy_and_others_with_it(name: str) -> None:
    environment = {name: PROXY}
    spare_own_machine(environment)
    for exceptions in (environment["NO_PROXY"], environment["no_proxy"]):
        assert all(proxy_bypass_environment(host, {"no": exceptions}) for host in ("127.0.0.1:42", "localhost", "::1"))
        assert not proxy_bypass_environment("s3.amazonaws.com", {"no": exceptions})


def test_what_was_excepted_stays_so_in_both_spellings() -> None:
    environment = {"HTTP_PROXY": PROXY, "NO_PROXY": "lake.corp, .intern", "no_proxy": "10.0.0.1,127.0.0.1"}
    spare_own_machine(environment)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "lake.corp,.intern,10.0.0.1,127.0.0.1,localhost,::1"
    assert environment["HTTP_PROXY"] == PROXY
    spare_own_machine(environment)
    assert environment["NO_PROXY"].count("localhost") == 1


@pytest.mark.parametrize("environment", [{}, {"HTTP_PROXY": ""}, {"HTTP_PROXY": PROXY, "NO_PROXY": "*"}])
def test_where_no_proxy_stands_between_nothing_is_changed(environment: dict[str, str]) -> None:
    before = dict(environment)
    spare_own_machine(environment)
    assert environment == before


def test_a_socks_proxy_that_no_library_here_speaks_is_left_out() -> None:
    environment = {"ALL_PROXY": "socks5://proxy.corp:1080", "HTTP_PROXY": PROXY}
    spare_own_machine(environment)
    assert "ALL_PROXY" not in environment and environment["HTTP_PROXY"] == PROXY


def test_it_says_through_which_proxy_an_address_is_asked_and_no_password() -> None:
    environment = {"http_proxy": "http://me:secret@proxy.corp:8080", "no_proxy": ".intern,127.0.0.1"}
    assert proxy_for("http://prefect.corp:4200/api", environment) == "http_proxy=http://***@proxy.corp:8080"
    assert proxy_for("http://prefect.intern/api", environment) == ""
    assert proxy_for("http://127.0.0.1:4200/api", environment) == ""
    assert proxy_for("https://prefect.corp/api", environment) == ""


@pytest.mark.parametrize("value", ["http://proxy:port", "ftp://proxy:21"])
def test_a_proxy_that_is_no_address_is_named_with_its_variable(value: str) -> None:
    with pytest.raises(
        PricewrightError, match="HTTPS_PROXY of the environment is not the address of a proxy"
    ) as caught:
        check_proxies({"HTTPS_PROXY": value})
    assert "HTTPS_PROXY=http://host:port" in caught.value.hint
    check_proxies({"HTTP_PROXY": "proxy.corp:8080", "HTTPS_PROXY": PROXY})
