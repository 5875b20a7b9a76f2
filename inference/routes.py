"""Which path asks for what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True)
class Route:
    """A method and a path template; `name` is the method of the API that answers."""

    method: str
    template: str
    name: str

    def match(self, path: str) -> Mapping[str, str] | None:
        """The parameters in a path, or None when it is another one."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        found = re.fullmatch(pattern, path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


ROUTES = (
    Route("GET", "/v1/predict-price/{stock_code}", "price"),
    Route("POST", "/v1/prices", "prices"),
    Route("GET", "/v1/price-list", "price_list"),
    Route("GET", "/v1/skus", "skus"),
    Route("GET", "/v1/sales/{stock_code}", "sales"),
    Route("GET", "/v1/releases/current", "release"),
    Route("GET", "/v1/health", "health"),
    Route("GET", "/v1/ready", "ready"),
    Route("POST", "/v1/warmup", "warmup"),
)


def find_route(method: str, path: str) -> tuple[Route | None, Mapping[str, str], list[str]]:
    """The route of a request with its path parameters, and the methods that the path allows."""
    path = path.rstrip("/") or "/"
    matches = [(route, found) for route in ROUTES if (found := route.match(path)) is not None]
    allowed = [route.method for route, _ in matches]
    for route, found in matches:
        if route.method == ("GET" if method == "HEAD" else method):
            return route, found, allowed
    return None, {}, allowed
