"""The stores of a chain whose prices differ by store, and the zone or store that each has its prices of."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pricewright.core.content import STORES
from pricewright.core.errors import UnknownSku
from pricewright.core.substitution import Whole

NEAR = 5  # at most this many names are offered for one that is not known
LONGEST = 60  # characters of an unknown name that are looked at and shown
STORES_HINT = "GET /v1/stores lists them all; name one: ?store=..., or CODE@STORE."


class Stores:
    """Over the arrays of a catalog; of each store the zone whose prices it has."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.of_items = np.asarray(arrays["store"])
        names, zones = (np.asarray(arrays[name]).tolist() for name in STORES)
        self.zones: dict[str, str] = dict(zip(names, zones, strict=True))
        self._known: dict[str, str] = {name.upper(): name for name in sorted({*names, *zones})}

    def known(self, store: str) -> str:
        """A store or zone as the release writes it. Raises UnknownSku that names some of them."""
        found = self._known.get(store.strip().upper())
        if found is None:
            raise UnknownSku(f"store {store[:LONGEST]!r} is in no price list; there are {self.some()}.", STORES_HINT)
        return found

    def priced_in(self, store: str) -> str:
        """The zone or store whose prices a store has; a zone's own name is known as well. Raises UnknownSku."""
        known = self.known(store)
        return self.zones.get(known, known)

    def indices(self, store: str) -> Whole:
        """The indices of the items of a store or zone. Raises UnknownSku."""
        return np.flatnonzero(self.of_items == self.priced_in(store))

    def some(self) -> str:
        """A few of the stores, for a message."""
        names = list(self.zones)
        return f"{', '.join(names[:NEAR])}{f' and {len(names) - NEAR} more' if len(names) > NEAR else ''}"

    def table(self) -> list[dict[str, Any]]:
        """Each store, the zone whose prices it has, and how many items that is."""
        zones, counts = np.unique(self.of_items, return_counts=True)
        items = dict(zip(zones.tolist(), counts.tolist(), strict=True))
        return [{"store": store, "zone": zone, "skus": items.get(zone, 0)} for store, zone in self.zones.items()]
