"""Answers as JSON text: from memory, from Redis, or from the first model that can answer."""

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from inference.cache import Memory, RedisCache
from inference.catalog import Product
from inference.messages import to_json
from inference.models import Model
from inference.pricing import TINY, price_with, priced_for_tax
from inference.query import InvalidQuery, Query
from inference.served import Release
from inference.settings import Settings
from pricewright.core.blocks import DamagedFile
from pricewright.core.decision import Terms
from pricewright.core.errors import PricewrightError
from pricewright.core.models import LIST_MODEL, NETWORK

AMOUNTS = ("optimal_price", "expected_units", "expected_sales", "current_expected_sales")
COLUMNS = {"unit_price", "quantity", "quantity_min", "quantity_max", "predicted_sales"}
FIELDS = {
    "release", "release_source", "last_week", "model", "fallbacks", "stock_code", "store", "description", "family",
    "objective", "unit_cost", "current_price", "guardrail_low", "guardrail_high", "moved", "reason", *AMOUNTS,
    "expected_units_low", "expected_units_high", "sales_uplift", "uplift_probability", "elasticity", "elasticity_low",
    "elasticity_high", "promised_low", "promised_high", "unitprice_min", "unitprice_max", "curve",
    "tax_rate", "price_without_tax", "price_with_tax", "profit_now", "profit",
}  # fmt: skip
DRAWN = {float, int, type(None)}
UNKNOWN = ("family", "promised_low", "promised_high", "profit_now", "profit")  # to lists of older releases


def answer(release: Release, index: int, query: Query, *, curve: bool = True) -> dict[str, Any]:
    """The answer of the first that can give one, from `query.model` on; `fallbacks` says why those before could not.

    Raises InvalidQuery when the query cannot be met for this SKU by whichever model.
    """
    product, terms = release.catalog.product(index), release.catalog.terms
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
    row, lost = release.catalog.last_resort(index)
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
        product.current_price: row["current_expected_sales"] / (product.current_price * product.net),
        row["optimal_price"]: row["expected_units"],
    }
    ignored = [name for name, value in query._asdict().items() if value is not None and name != "model"]
    unknown = {"expected_units_low": None, "expected_units_high": None}
    answer = (
        dict.fromkeys(UNKNOWN)
        | priced_for_tax(product, row["optimal_price"])
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
    sales = [price * product.net * units[price] for price in prices]
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


def could_be_ours(found: Mapping[str, Any], release: Release, index: int, query: Query) -> bool:
    """Whether an answer that others may have written agrees with the catalog: its SKU, its guardrail, its fields."""
    product = release.catalog.product(index)
    known: dict[str, Any] = {
        "release": release.id, "model": query.model, "fallbacks": [], "stock_code": product.stock_code,
        "store": product.store, "description": product.description, "current_price": product.current_price,
        "guardrail_low": product.low, "guardrail_high": product.high,
    }  # fmt: skip
    fields = FIELDS | {"ignored"} if query.model == LIST_MODEL else FIELDS
    if set(found) != fields or any(found[name] != value for name, value in known.items()):
        return False
    if not all(type(found[name]) in (float, int) and found[name] >= 0 for name in AMOUNTS):
        return False
    low, high = product.low, product.high
    if query.model != LIST_MODEL:  # it knows no other range
        low, high = max(low, query.unitprice_min or low), min(high, query.unitprice_max or high)
    return low - TINY <= found["optimal_price"] <= high + TINY and _is_curve(found["curve"])


def _is_curve(curve: Any) -> bool:
    if not isinstance(curve, dict) or not COLUMNS <= set(curve) <= COLUMNS | {"predicted_profit"}:
        return False
    columns = curve.values()
    if not all(isinstance(column, list) and {type(value) for value in column} <= DRAWN for column in columns):
        return False
    return len({len(column) for column in columns}) == 1


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

    def find(self, release: Release, index: int, query: Query) -> Answer:
        """The answer for a SKU; only what the model asked for answered itself is kept."""
        key = f"{release.id}:{index}:{query.key()}"
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        with self._going.setdefault(key, threading.Lock()):
            try:
                return self._fetch(release, index, query, key)
            finally:
                self._going.pop(key, None)

    def _fetch(self, release: Release, index: int, query: Query, key: str) -> Answer:
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        item = release.catalog.item(index)
        shared = f"pricewright:2:{release.id}:{item.key}:{query.key()}"
        kept = self.redis.find(shared, lambda found: could_be_ours(found, release, index, query))
        if kept is not None:
            self._memory.keep(key, kept)
            return Answer(kept, "redis", query.model, [])
        found = answer(release, index, query)
        text = to_json(found)
        if not found["fallbacks"]:
            self._memory.keep(key, text)
            self.redis.keep(shared, text)
        return Answer(text, "miss", found["model"], found["fallbacks"])
