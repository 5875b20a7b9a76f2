"""A company's proxy that does not know this machine is no hindrance; one in the way of a server is named."""

from urllib.request import proxy_bypass_environment

import pytest

from flows.proxy import check_proxies, proxy_for, spare_own_machine
from pricewright.core.errors import PricewrightError

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
    with pytest.raises(PricewrightError, match="HTTPS_PROXY of the environment is no proxy's address") as caught:
        check_proxies({"HTTPS_PROXY": value})
    assert "HTTPS_PROXY=http://host:port" in caught.value.hint
    check_proxies({"HTTP_PROXY": "proxy.corp:8080", "HTTPS_PROXY": PROXY})
