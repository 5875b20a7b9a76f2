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
from pricewright.core.what_if import MOST_PRICE, Change, read_share, what_if

HINT = "give change, such as -10%, or price, such as 3.99; and a category, SKUs, or neither for all."
PARAMETERS = ("category", "store", "stock_codes", "items", "change", "price")


class Asked(NamedTuple):
    """The products of a category and those named; all of the shop's, where neither is given. A store leaves those that
    it has."""

    category: str
    store: str
    items: tuple[Item, ...]
    change: Change


def read_what_if(given: Mapping[str, Any]) -> Asked:
    """The question of a request's body. Raises InvalidQuery with all that is wrong, and InvalidItem."""
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
    with np.errstate(all="ignore"):
        found = what_if(families.shop, _chosen(catalog, asked), asked.change)
    numbers = [*found.values(), *found["all"].values()]
    if not all(np.isfinite(value) for value in numbers if not isinstance(value, dict)):
        raise DamagedFile("the catalog's demand makes units or sales that are not finite.")
    return found


def _chosen(catalog: Catalog, asked: Asked) -> Whole:
    inside = catalog.of_store(asked.store) if asked.store else np.arange(len(catalog))
    if not asked.category and not asked.items:
        return inside
    named = [catalog.place(item) for item in asked.items]
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
