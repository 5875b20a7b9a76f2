"""What a caller asks about other prices, read from the body of a request, and what it comes to."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from inference.catalog import Catalog
from inference.query import Complaint, InvalidQuery, read_items, read_store
from pricewright.core.blocks import DamagedFile
from pricewright.core.errors import ParameterError
from pricewright.core.item import Item
from pricewright.core.substitution import Whole
from pricewright.core.what_if import MOST_PRICE, Change, read_share, what_if, what_if_by

TINY = 1e-9
HINT = "give change, such as -10%, or price, such as 3.99; and a category, SKUs, or neither for all."
PARAMETERS = ("category", "store", "stock_codes", "items", "change", "price", "prices")
SHOWN = 100  # prices beyond a rule that an answer names


class Asked(NamedTuple):
    """The products of a category and those named; all of the shop's, where neither is given. A store leaves those that
    it has."""

    category: str
    store: str
    items: tuple[Item, ...]
    change: Change


def read_what_if(given: Mapping[str, Any]) -> Asked:
    """The question of a request's body. Raises InvalidQuery with all that is wrong, and InvalidItem."""
    if given.get("prices") is not None:
        return _read_prices(given)
    complaints = [
        Complaint(str(name)[:60], repr(value)[:60], f"not a parameter; there are {', '.join(PARAMETERS)}.")
        for name, value in given.items()
        if name not in PARAMETERS
    ]
    category = given.get("category")
    if category is not None and (not isinstance(category, str) or not category.strip()):
        complaints.append(Complaint("category", repr(category)[:60], "the name of a category is needed."))
    store, items = read_store(given, []), read_items(given, complaints)
    change = _change(given, complaints)
    if complaints or change is None:
        raise InvalidQuery(complaints, HINT)
    return Asked(category or "", store, tuple(items), change)


def answer_what_if(catalog: Catalog, asked: Asked) -> dict[str, Any]:
    """Units and sales of the products asked for, and of all, now and then.

    Raises UnknownSku, and DamagedFile when the catalog's numbers make no sense.
    """
    families = catalog.families
    chosen, change = _priced(catalog, asked) if asked.change.each else (_chosen(catalog, asked), asked.change)
    with np.errstate(all="ignore"):
        found = what_if(families.shop, chosen, change)
        if change.each:
            found |= _by_group(catalog, chosen, change)
    numbers = [*found.values(), *found["all"].values()]
    if not all(np.isfinite(value) for value in numbers if isinstance(value, int | float)):
        raise DamagedFile("the catalog's demand makes units or sales that are not finite.")
    return found


def _read_prices(given: Mapping[str, Any]) -> Asked:
    """A list of items with a price each, and nothing beside it."""
    complaints = [
        Complaint(str(name)[:60], repr(value)[:60], "prices are asked for alone.")
        for name, value in given.items()
        if name != "prices"
    ]
    rows = given["prices"]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        complaints.append(Complaint("prices", repr(rows)[:60], "a list of stock_code, store and price is needed."))
        raise InvalidQuery(complaints, HINT)
    items = []
    for row in rows:  # one by one: an item that is named twice has two prices
        items += read_items({"items": [{name: row[name] for name in row if name != "price"}]}, complaints)
    prices = [_price(row.get("price"), complaints) for row in rows]
    if complaints:
        raise InvalidQuery(complaints, HINT)
    each = tuple(change.price for change in prices if change is not None and change.price is not None)
    return Asked("", "", tuple(items), Change(each=each))


def _priced(catalog: Catalog, asked: Asked) -> tuple[Whole, Change]:
    """Indices in order, and the price of each. Raises InvalidQuery for an item with two prices."""
    found: dict[int, float] = {}
    for item, price in zip(asked.items, asked.change.each, strict=True):
        index = catalog.index_of(item)
        if found.setdefault(index, price) != price:
            rule = f"has the price {found[index]:g} as well: one price per item is needed."
            raise InvalidQuery([Complaint("prices", f"{item} at {price:g}", rule)], HINT)
    indices = sorted(found)
    return np.array(indices, dtype=np.int64), Change(each=tuple(found[index] for index in indices))


def _by_group(catalog: Catalog, chosen: Whole, change: Change) -> dict[str, Any]:
    """The same by category, and by zone in a chain; and the prices that break a rule of their item."""
    shop = catalog.families.shop
    found: dict[str, Any] = {"by_category": what_if_by(shop, chosen, change, np.asarray(catalog.arrays["list_family"]))}
    if catalog.stores:
        found["by_zone"] = what_if_by(shop, chosen, change, catalog.stores.of_items)
    rules = catalog.families.rules
    breaks = []
    for index, price in zip(chosen.tolist(), change.each, strict=True):
        now, low, high = (float(values[index]) for values in (shop.current, shop.low, shop.high))
        why = ["guardrail"] if not low - TINY <= price <= high + TINY else []
        if abs(price - now) > TINY:
            why += rules.broken(index, price, now) if rules else []
        item = catalog.item(index)
        breaks += [{"stock_code": item.stock_code, "store": item.store, "price": price, "rule": rule} for rule in why]
    return found | {"breaks": breaks[:SHOWN], "breaks_count": len(breaks)}


def _chosen(catalog: Catalog, asked: Asked) -> Whole:
    inside = catalog.of_store(asked.store) if asked.store else np.arange(len(catalog))
    if not asked.category and not asked.items:
        return inside
    named = [catalog.index_of(item) for item in asked.items]
    if asked.category:
        named += np.intersect1d(catalog.families.category(asked.category), inside).tolist()
    return np.unique(np.array(named, dtype=np.int64))


def _change(given: Mapping[str, Any], complaints: list[Complaint]) -> Change | None:
    share, price = given.get("change"), given.get("price")
    if (share is None) == (price is None):
        both = "both" if share is not None else "nothing"
        complaints.append(Complaint("change or price", both, "exactly one of them is needed."))
        return None
    if share is None:
        return _price(price, complaints)
    try:
        if isinstance(share, str):
            return Change(share=read_share(share))
        rule = 'text in per cent is needed, such as "-10%".'
    except ParameterError as error:
        rule = error.message.partition(": ")[2]
    complaints.append(Complaint("change", repr(share)[:60], rule))
    return None


def _price(price: Any, complaints: list[Complaint]) -> Change | None:
    if isinstance(price, int | float) and not isinstance(price, bool) and 0 < price <= MOST_PRICE:
        return Change(price=float(price))
    rule = f"a number above 0 and at most {MOST_PRICE:g} is needed."
    complaints.append(Complaint("price", repr(price)[:60], rule))
    return None
