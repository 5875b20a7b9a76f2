"""Who answers: the network, else the release's backups, and last its price list, which cannot fail."""

from typing import Any

from inference.catalog import Product
from inference.models import Model
from inference.pricing import price_with
from inference.query import InvalidQuery, Query
from inference.release import Release
from pricewright.core.errors import PricewrightError
from pricewright.core.models import LIST_MODEL, NETWORK
from pricewright.core.recommendation import Terms
from pricewright.core.release.blocks import DamagedFile

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
