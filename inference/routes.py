"""Which path asks for what."""

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
        wanted, given = self.template.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(want != there if not want.startswith("{") else not there for want, there in pairs):
            return None
        return {want[1:-1]: unquote(there) for want, there in pairs if want.startswith("{")}


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
