"""A company's proxy knows the internet and not this machine: what runs here is asked without it."""

from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

from pricewright.core.address import without_secret
from pricewright.core.errors import PricewrightError

OWN = ("127.0.0.1", "localhost", "::1")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EXCEPTIONS = ("NO_PROXY", "no_proxy")  # libraries differ in which of the two they read


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
                f"{name} of the environment is no proxy's address: {error}.",
                hint=f"write it as {name}=http://host:port, or unset it.",
            ) from None


def _exceptions(environment: Mapping[str, str]) -> list[str]:
    listed = [host.strip() for name in EXCEPTIONS for host in environment.get(name, "").split(",")]
    return [host for host in dict.fromkeys(listed) if host]
