"""Which path asks for what."""

from collections.abc import Mapping
from typing import NamedTuple


class Route(NamedTuple):
    """A method and a path template, with at most one parameter, the last, which takes the rest of the path with its
    slashes, encoded as it is; `name`: which method of the API answers."""

    method: str
    template: str
    name: str

    def match(self, path: str) -> Mapping[str, str] | None:
        """The parameters in a path, or None when it is another one; without parameters a slash may end it."""
        start, brace, name = self.template.partition("{")
        if not brace:
            return {} if path.rstrip("/") == self.template else None
        given = path[len(start) :] if path.startswith(start) else ""
        return {name[:-1]: given} if given else None


ROUTES = (
    Route("GET", "/v1/predict-price/{stock_code}", "price"),
    Route("POST", "/v1/prices", "prices"),
    Route("POST", "/v1/what-if", "what_if"),
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
    matches = [(route, found) for route in ROUTES if (found := route.match(path)) is not None]
    allowed = [route.method for route, _ in matches]
    for route, found in matches:
        if route.method == ("GET" if method == "HEAD" else method):
            return route, found, allowed
    return None, {}, allowed
