"""Answers as JSON text: from memory, from Redis, or from the first model that can answer."""

import threading
from typing import Any, NamedTuple

from inference.cache import Memory, RedisCache
from inference.catalog import Product
from inference.messages import to_json
from inference.models import Model
from inference.pricing import price_with
from inference.query import InvalidQuery, Query
from inference.served import Release
from inference.settings import Settings
from pricewright.core.blocks import DamagedFile
from pricewright.core.decision import Terms
from pricewright.core.errors import PricewrightError
from pricewright.core.models import LIST_MODEL, NETWORK

NOT_PLANNED: dict[str, Any] = {"family": None, "promised_low": None, "promised_high": None}


def answer(release: Release, place: int, query: Query, *, curve: bool = True) -> dict[str, Any]:
    """The answer of the first that can give one, from `query.model` on; `fallbacks` says why those before could not.

    Raises InvalidQuery when the query cannot be met for this SKU by whichever model.
    """
    product, terms = release.catalog.product(place), release.catalog.terms
    fallbacks: list[dict[str, str]] = []
    tiers = release.tiers
    for tier in tiers[tiers.index(query.model) : -1]:
        why = release.breaker.why_resting(tier)
        if not why:
            try:
                found = _ask(release, tier, product, query, curve=curve)
            except (InvalidQuery, DamagedFile):
                raise
            except PricewrightError as error:
                why = error.message
                release.breaker.failed(tier, why)
                release.models.close(tier)
            else:
                release.breaker.worked(tier)
                return _head(release, tier, fallbacks) | found
        fallbacks.append({"model": tier, "why": why})
    row, lost = release.catalog.last_resort(place)
    if lost:
        fallbacks.append({"model": LIST_MODEL, "why": f"its reason is missing: {lost}"})
    return _head(release, LIST_MODEL, fallbacks) | _listed(row, product, query, terms, curve=curve)


def _ask(release: Release, tier: str, product: Product, query: Query, *, curve: bool) -> dict[str, Any]:
    planned = tier == NETWORK and release.catalog.planned

    def work(model: Model) -> dict[str, Any]:
        return price_with(model, product, query, release.catalog, planned=planned, curve=curve)

    found: dict[str, Any] = release.models.run(tier, work)
    return found


def _head(release: Release, tier: str, fallbacks: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "release": release.id,
        "release_source": release.source,
        "last_week": release.catalog.last_week,
        "model": tier,
        "fallbacks": fallbacks,
    }


def _listed(row: dict[str, Any], product: Product, query: Query, terms: Terms, *, curve: bool) -> dict[str, Any]:
    """The row of the price list; what the query asked beyond it is named in `ignored`."""
    row.pop("model", None)
    prices = sorted({product.current_price, row["optimal_price"]})
    units = {
        product.current_price: row["current_expected_sales"] / product.current_price,
        row["optimal_price"]: row["expected_units"],
    }
    ignored = [name for name, value in query._asdict().items() if value is not None and name != "model"]
    unknown = {"expected_units_low": None, "expected_units_high": None}
    answer = (
        NOT_PLANNED
        | row
        | {
            "objective": terms.objective,
            "unit_cost": product.unit_cost,
            "moved": len(prices) > 1,
            "unitprice_min": prices[0],
            "unitprice_max": prices[-1],
            "ignored": ignored,
            **unknown,
        }
    )
    if not curve:
        return answer
    quantities = [units[price] for price in prices]
    sales = [price * units[price] for price in prices]
    nothing = [None] * len(prices)
    return answer | {
        "curve": {
            "unit_price": prices,
            "quantity": quantities,
            "quantity_min": nothing,
            "quantity_max": nothing,
            "predicted_sales": sales,
        }
    }


class Answer(NamedTuple):
    """A JSON object without its opening fields; `cache` is memory, redis or miss."""

    text: str
    cache: str
    model: str
    fallbacks: list[dict[str, str]]


class Answers:
    """Keeps what was computed, under keys with the release id, so that a promotion needs no flush."""

    def __init__(self, settings: Settings) -> None:
        self._memory = Memory(settings.memory_answers)
        self.redis = RedisCache(settings)
        self._going: dict[str, threading.Lock] = {}

    def find(self, release: Release, place: int, query: Query) -> Answer:
        """The answer for a SKU; only what the model asked for answered itself is kept."""
        key = f"{release.id}:{place}:{query.key()}"
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        with self._going.setdefault(key, threading.Lock()):
            try:
                return self._fetch(release, place, query, key)
            finally:
                self._going.pop(key, None)

    def _fetch(self, release: Release, place: int, query: Query, key: str) -> Answer:
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        item = release.catalog.item(place)
        shared = f"pricewright:2:{release.id}:{item.key}:{query.key()}"
        kept = self.redis.find(shared, release=release.id, stock_code=item.stock_code, model=query.model)
        if kept is not None:
            self._memory.keep(key, kept)
            return Answer(kept, "redis", query.model, [])
        found = answer(release, place, query)
        text = to_json(found)
        if not found["fallbacks"]:
            self._memory.keep(key, text)
            self.redis.keep(shared, text)
        return Answer(text, "miss", found["model"], found["fallbacks"])
