"""The routes of the API and what each answers, over one release, in JSON."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from inference.answers import Answers, answer
from inference.catalog import SEARCH, Catalog
from inference.messages import Reply, Request, problem, reply, to_json
from inference.plan import plan_rows, promise_of
from inference.query import (
    STORE,
    Complaint,
    InvalidQuery,
    read_items,
    read_query,
    read_text,
    read_whole,
    shown,
    with_store,
)
from inference.served import Release, Served
from inference.settings import Settings
from inference.what_if import answer_what_if, read_what_if
from pricewright.core.errors import UnknownSku
from pricewright.core.item import Item, quoted
from pricewright.core.spreadsheet import as_csv
from pricewright.core.substitution import Whole

MOST_LISTED, FEW = 500, 50  # SKUs on one page, and where no limit is given
MOST_ON_PAGE = 5_000  # SKUs on one page of the price list: 3 MB
MOST_OF_PLAN = 2_000  # SKUs on one page of the plan: 2 MB, and half a second of intervals
MOST_WHOLE = 25_000  # more rows than ever fit into a reply
PAGES = "page it: /v1/price-list?limit=5000&cursor=..., or take price_list.parquet of the release."
MOST_GUESSED = 20  # unknown SKUs of a bulk request for which near ones are looked up: 5,000 would take a minute


class Api:
    """The routes by name; each takes the request and the parameters in its path."""

    def __init__(self, settings: Settings, served: Served, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._served = served
        self._now = now
        self._answers = Answers(settings)

    def price(self, request: Request, item: Item) -> Reply:
        """The price of one SKU with its curve."""
        release = self._served.current()
        query = read_query(_without(request.query, STORE), release.tiers)
        found = self._answers.find(release, _index(release, with_store(item, request.query)), query)
        head = {"cache": found.cache, "release_trouble": self._served.trouble or None}
        served = {"release": release.id, "model": found.model, "fallbacks": found.fallbacks, "cache": found.cache}
        return Reply(200, f"{to_json(head)[:-1]},{found.text[1:]}", served=served)

    def prices(self, request: Request) -> Reply:
        """Prices of many SKUs, without curves; SKUs that are not known are named."""
        asked = _body(request, "stock_codes")
        for name in ("stock_codes", "items"):
            if isinstance(asked.get(name), list) and len(asked[name]) > self._settings.most_skus:
                return self._too_many(len(asked[name]))
        complaints: list[Complaint] = []
        items = read_items(asked, complaints)
        if not items and not complaints:
            complaints.append(Complaint("stock_codes", "None", "a list of at least one SKU is needed."))
        if complaints:
            raise InvalidQuery(complaints)
        release = self._served.current()
        query = read_query(_without(asked, STORE, "stock_codes", "items"), release.tiers)
        indices, unknown = _indices(release, items)
        if not indices:
            raise UnknownSku(f"none of the {len(items)} SKUs is in the price list.", hint=SEARCH)
        found, refused = [], []
        for index in indices:
            try:
                found.append(answer(release, index, query, curve=False))
            except InvalidQuery as error:
                item = release.catalog.item(index)
                refused.append({"stock_code": item.stock_code, "store": item.store, "why": error.message})
        head = {"release": release.id, "release_trouble": self._served.trouble or None}
        return reply(head | {"prices": found, "unknown": unknown, "refused": refused})

    def what_if(self, request: Request) -> Reply:
        """Units and sales of a category, some SKUs or all of them, if their prices were other ones."""
        asked = read_what_if(_body(request, "change"))
        if len(asked.items) > self._settings.most_skus:
            return self._too_many(len(asked.items))
        release = self._served.current()
        if not release.catalog.planned:
            return _unplanned(release)
        found = answer_what_if(release.catalog, asked)
        return reply({"release": release.id, "release_trouble": self._served.trouble or None} | found)

    def price_list(self, request: Request) -> Reply:
        """The price list of the release, as CSV or JSON (`format`): all of it, or a page (`limit`, `cursor`)."""
        catalog = self._served.current().catalog
        limit, first = read_whole(request.query, "limit", 1, MOST_ON_PAGE), _first(catalog, request)
        wanted = request.query.get("format", "json")
        if wanted not in ("csv", "json"):
            raise InvalidQuery([Complaint("format", shown(wanted), "one of csv, json is needed.")])
        last = len(catalog) if limit is None else min(first + limit, len(catalog))
        if last - first > MOST_WHOLE:
            return problem(413, f"the price list has {len(catalog):,} SKUs, too many for one reply.", PAGES)
        rows = catalog.rows(first, last)
        following = str(catalog.codes[last - 1]) if rows and last < len(catalog) else None
        return self._listed_as(wanted, rows, following, limit)

    def _listed_as(self, wanted: str, rows: list[dict[str, Any]], following: str | None, limit: int | None) -> Reply:
        release = self._served.current().id
        if wanted == "json":
            return reply({"release": release, "prices": rows, "next_cursor": following})
        headers = {"content-disposition": f'attachment; filename="price-list-{release}.csv"'}
        if following is not None:
            headers["link"] = f'<?format=csv&limit={limit}&cursor={quoted(following)}>; rel="next"'
        return Reply(200, as_csv(rows), "text/csv; charset=utf-8", headers)

    def plan(self, request: Request) -> Reply:
        """The plan a page at a time: the price list with intervals, and what was asked before; 409 without a plan."""
        limit = read_whole(request.query, "limit", 1, MOST_OF_PLAN) or MOST_OF_PLAN
        release = self._served.current()
        catalog, first = release.catalog, _first(release.catalog, request)
        if not catalog.planned:
            return _unplanned(release)
        last = min(first + limit, len(catalog))
        summary = promise_of(release.artifacts)
        rows = plan_rows(catalog, first, last, float(summary.get("trust", 1.0)))
        following = str(catalog.codes[last - 1]) if rows and last < len(catalog) else None
        head = self._about(release) | {"release_trouble": self._served.trouble or None, "promise": summary}
        return reply(head | {"plan": rows, "next_cursor": following})

    def skus(self, request: Request) -> Reply:
        """SKUs by code or description, a page at a time."""
        limit = read_whole(request.query, "limit", 1, MOST_LISTED) or FEW
        after = read_text(request.query, "cursor")
        catalog = self._served.current().catalog
        indices = _searched(catalog, request.query)
        later = indices[catalog.codes[indices] > after]
        page = [catalog.listed(int(index)) for index in later[:limit]]
        following = str(catalog.codes[later[len(page) - 1]]) if len(later) > len(page) and page else None
        return reply({"count": len(indices), "skus": page, "next_cursor": following})

    def stores(self, _: Request) -> Reply:
        """The stores of a chain whose prices differ by store, and the zone whose prices each has; none of any other."""
        release = self._served.current()
        stores = release.catalog.stores
        return reply({"release": release.id, "stores": stores.table() if stores else []})

    def categories(self, _: Request) -> Reply:
        """The categories, or learned families, within which products take sales from each other."""
        release = self._served.current()
        named = [{"category": name, "skus": count} for name, count in release.catalog.categories().items()]
        return reply({"release": release.id, "categories": named})

    def sales(self, request: Request, item: Item) -> Reply:
        """The weekly history behind the curve."""
        release = self._served.current()
        index = _index(release, with_store(item, request.query))
        weeks, units, prices = release.catalog.history(index)
        found = release.catalog.item(index)
        head = {"release": release.id, "stock_code": found.stock_code, "store": found.store}
        return reply(head | {"week": weeks, "quantity": units, "unit_price": prices})

    def release(self, _: Request) -> Reply:
        """The release that is served: where it comes from, how good it is, what its gates said."""
        release = self._served.current()
        manifest = release.artifacts.manifest
        known = {"created": manifest.created, "metrics": manifest.metrics, "gates": manifest.gates}
        return reply(self._about(release) | known | {"lineage": manifest.lineage})

    def health(self, _: Request) -> Reply:
        """The state of everything that an answer may need; 503 when there is no release at all."""
        release = self._served.current()
        models = {name: _state(release, name) for name in release.catalog.models}
        good = not self._served.trouble and not any(state.startswith("resting") for state in models.values())
        states = {"lake": self._served.trouble or "ok", "redis": self._answers.redis.state, "models": models}
        return reply({"status": "ok" if good else "degraded"} | self._about(release) | states)

    def ready(self, _: Request) -> Reply:
        """Whether prices can be asked for."""
        return reply({"status": "ready", "release": self._served.current().id})

    def warmup(self, _: Request) -> Reply:
        """Load the release and its network, and answer once, so that the next request finds everything there."""
        release = self._served.current()
        found = answer(release, 0, read_query({}, release.tiers))
        warm = {"release": release.id, "model": found["model"], "fallbacks": found["fallbacks"]}
        age = {"DataAgeDays": self._about(release)["data_age_days"]}
        return Reply(200, json.dumps({"status": "warm"} | warm), served=warm | age)

    def _too_many(self, count: int) -> Reply:
        limit = self._settings.most_skus
        return problem(413, f"{count} SKUs in one request, at most {limit} are answered.", "send several.")

    def _about(self, release: Release) -> dict[str, Any]:
        week = release.catalog.last_week
        end = date.fromisocalendar(int(week[:4]), int(week[6:]), 7) + timedelta(days=1)
        return {
            "release": release.id,
            "release_source": release.source,
            "last_week": week,
            "data_age_days": max((self._now().astimezone(UTC).date() - end).days, 0),
            "skus": len(release.catalog),
            "currency": self._settings.currency or None,
            "locale": self._settings.locale or None,
        }


def _unplanned(release: Release) -> Reply:
    text = f"release {release.id} was made before families of products were known."
    return problem(409, text, "promote a release of the next weekly run.")


def _first(catalog: Catalog, request: Request) -> int:
    """Where a page of the price list begins: behind the code of its cursor."""
    return int(np.searchsorted(catalog.codes, read_text(request.query, "cursor"), "right"))


def _state(release: Release, model: str) -> str:
    return release.breaker.why_resting(model) or ("open" if model in release.models.opened else "not opened yet")


def _body(request: Request, needed: str) -> dict[str, Any]:
    try:
        content = json.loads(request.body) if isinstance(request.body, str) else request.body
    except (ValueError, RecursionError) as error:  # the last: brackets in brackets, thousands deep
        content = error
    if not isinstance(content, Mapping):
        shown = str(content)[:80] if content else "empty"
        raise InvalidQuery([Complaint("body", shown, f'a JSON object with "{needed}" is needed.')])
    return dict(content)


def _without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


def _searched(catalog: Catalog, query: Mapping[str, Any]) -> Whole:
    """The indices of the SKUs that a search, a store and a category leave, in order. Raises UnknownSku if none is."""
    text = read_text(query, "search")
    indices = catalog.search(text)
    if query.get(STORE):
        indices = np.intersect1d(indices, catalog.of_store(str(query[STORE])))
    if query.get("category") and catalog.planned:
        indices = np.intersect1d(indices, catalog.families.category(str(query["category"])))
    if not len(indices):
        raise UnknownSku(f"no SKU has {text!r} in its code or description.", hint="try a shorter text.")
    return indices


def _index(release: Release, item: Item) -> int:
    """The index of the item of a path; a slash at its end is the path's, unless a code ends so. Raises UnknownSku."""
    bare = item.as_code.rstrip("/")
    if bare in ("", item.as_code) or release.catalog.find(item) is not None:
        return release.catalog.index_of(item)
    return release.catalog.index_of(Item(bare))


def _indices(release: Release, items: list[Item]) -> tuple[list[int], list[dict[str, Any]]]:
    indices: dict[int, None] = {}
    unknown: list[dict[str, Any]] = []
    for item in items:
        index = release.catalog.find(item)
        if index is not None:
            indices[index] = None
            continue
        near = release.catalog.near(item) if len(unknown) < MOST_GUESSED else []
        hint = f"did you mean {', '.join(near)}?" if near else SEARCH
        unknown.append({"stock_code": item.stock_code, "store": item.store, "hint": hint})
    return list(indices), unknown


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
    Route("GET", "/v1/plan", "plan"),
    Route("GET", "/v1/skus", "skus"),
    Route("GET", "/v1/stores", "stores"),
    Route("GET", "/v1/categories", "categories"),
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
