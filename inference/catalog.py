"""What a release knows about every SKU: prices, guardrail, features, history, families, price list."""

from collections.abc import Callable, Mapping
from functools import cached_property
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.families import Families
from inference.zones import LONGEST, NEAR, STORES_HINT, Stores
from pricewright.core.arrays import FAMILY
from pricewright.core.blocks import DamagedFile
from pricewright.core.content import (
    LISTED,
    check_form,
    check_history,
    check_listed,
    check_values,
    has_plan,
    has_stores,
)
from pricewright.core.decision import Terms
from pricewright.core.errors import PricewrightError, UnknownSku
from pricewright.core.item import Item
from pricewright.core.manifest import CATALOG
from pricewright.core.models import models_of
from pricewright.core.substitution import Whole

SEARCH = "GET /v1/skus?search=... finds SKUs."
TAX_RATE = f"{LISTED}tax_rate"
NUMBERS = (
    "current_price", "reference_price", "anchor_price", "last_price", "dispersion", "guardrail_low", "guardrail_high",
)  # fmt: skip


class Product(NamedTuple):
    """One SKU as the models need it; features (k,), effects (e,); `catalog_index` is its index there."""

    catalog_index: int
    stock_code: str
    description: str
    current_price: float
    reference_price: float
    base_price: float
    last_price: float
    low: float
    high: float
    unit_cost: float | None
    dispersion: float
    features: NDArray[np.float32]
    effects: NDArray[np.float32]
    family: str | None = None  # it competes with nobody, or the release does not know
    store: str | None = None  # the shop's stores have one price, or it has none
    net: float = 1.0  # what tax leaves of a price
    tax_rate: float | None = None


class Catalog:
    """catalog.npz of a release, and history.npz once it is asked for; SKUs are sorted by stock_code.

    Nothing is copied, rows are read when asked for.
    """

    def __init__(self, arrays: Mapping[str, Any], read_history: Callable[[], Mapping[str, Any]]) -> None:
        """Raises ReleaseError when an answer cannot follow from these arrays."""
        check_form(arrays)
        self.arrays = arrays
        self._read_history = read_history
        self.codes = np.asarray(self.arrays["stock_code"])
        self._longest = self.codes.dtype.itemsize // np.dtype("U1").itemsize
        self.terms = Terms(
            bins=int(self.arrays["bins"]),
            objective=self.arrays["objective"].item(),
            minimum_probability=float(self.arrays["minimum_probability"]),
            endings=tuple(self.arrays["endings"].tolist()),
        )
        self.spread = float(self.arrays["spread"])
        self.last_week = str(self.arrays["last_week"])
        self.columns = tuple(name.removeprefix(LISTED) for name in self.arrays if name.startswith(LISTED))
        self.models = models_of(self.arrays)
        self.planned = has_plan(arrays)
        self.stores = Stores(arrays) if has_stores(arrays) else None

    def __len__(self) -> int:
        return len(self.codes)

    def item(self, index: int) -> Item:
        """The item at an index."""
        key = str(self.codes[index])
        return Item.parse(key) if self.stores else Item(key)

    def index_of(self, item: Item) -> int:
        """The index of an item; the case of its letters does not matter. Raises UnknownSku with near matches."""
        index = self.find(item)
        if index is not None:
            return index
        if self.stores:
            self._check_store(item)
        near = self.near(item)
        raise UnknownSku(
            f"SKU {item.as_code[:LONGEST]!r} is in no price list; there are {len(self.codes)} SKUs.",
            hint=f"did you mean {', '.join(near)}?" if near else SEARCH,
        )

    def find(self, item: Item) -> int | None:
        """The same, None for an item that is not known: near matches of thousands would take minutes.

        A code as it stands comes before one that differs in case or in blanks around it. In a chain whose prices differ
        by store, a store stands for the zone whose prices it has.
        """
        if not self.stores:
            return self._find(item.as_code)
        index = self._find(str(item))
        if index is None and item.store is None:  # it may have been typed as one text
            item = Item.parse(item.stock_code)
        if index is None and item.store is not None and (zone := self._zone(item.store)):
            index = self._find(str(Item(item.stock_code, zone)))
        return index

    def _zone(self, store: str) -> str | None:
        try:
            return self.stores.priced_in(store) if self.stores else None
        except UnknownSku:
            return None

    def _check_store(self, item: Item) -> None:
        """Raises UnknownSku for an item whose code has prices by store and that names none, or a store nobody knows."""
        stores = self.stores
        if stores is None:
            return
        item = item if item.store else Item.parse(item.stock_code)
        if item.store:
            stores.known(item.store)
        elif any(
            self._find(str(Item(item.stock_code, zone))) is not None for zone in dict.fromkeys(stores.zones.values())
        ):
            some = stores.some()
            raise UnknownSku(f"SKU {item.stock_code!r} has a price in each store: name one of {some}.", STORES_HINT)

    def _find(self, code: str) -> int | None:
        wanted = code.strip().upper()
        if len(code) <= self._longest:  # numpy would make all codes as long first
            index = int(np.searchsorted(self.codes, code))
            if index < len(self.codes) and self.codes[index] == code:
                return index
        if len(wanted) > self._longest:
            return None
        capitals, order = self._capitals
        first, end = (int(np.searchsorted(capitals, wanted, side, sorter=order)) for side in ("left", "right"))
        return int(order[first]) if end - first == 1 else None  # of several that differ in case none is meant surely

    @cached_property
    def _capitals(self) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
        """The codes in capitals, at their indices, and the indices in the order of those."""
        capitals = np.char.upper(self.codes)
        return capitals, np.argsort(capitals, kind="stable")

    def product(self, index: int) -> Product:
        """The SKU at an index."""
        at = {name: float(self.arrays[name][index]) for name in NUMBERS}
        if not all(0 < at[name] < np.inf for name in NUMBERS) or at["guardrail_low"] > at["guardrail_high"]:
            raise DamagedFile(f"the catalog has {at} for SKU {self.codes[index]}: prices follow from it.")
        cost = float(self.arrays["unit_cost"][index])
        low, high, base_price = at.pop("guardrail_low"), at.pop("guardrail_high"), at.pop("anchor_price")
        item = self.item(index)
        return Product(
            index,
            item.stock_code,
            str(self.arrays["description"][index]),
            **at,
            base_price=base_price,
            low=low,
            high=high,
            unit_cost=cost if np.isfinite(cost) else None,
            features=self.arrays["features"][index],
            effects=self.arrays["effects"][index],
            family=(str(self.arrays[FAMILY][index]) or None) if self.planned else None,
            store=item.store,
            net=self.families.net(index),
            tax_rate=self._tax_rate(index),
        )

    def _tax_rate(self, index: int) -> float | None:
        rate = float(self.arrays[TAX_RATE][index]) if TAX_RATE in self.arrays else float("nan")
        return rate if isfinite(rate) else None

    def listed(self, index: int) -> dict[str, Any]:
        """The SKU's row of the price list; what is not known is None. Raises ReleaseError without history.npz."""
        texts = {name: self._late[LISTED + name][index].item() for name in ("model", "reason")}
        return self.numbers(index) | texts

    def rows(self, first: int, last: int) -> list[dict[str, Any]]:
        """Rows of the price list, each as `listed` gives it, read a column at a time: of 5,000 SKUs in 0.1 s."""
        items = [self.item(index) for index in range(first, min(last, len(self.codes)))]
        columns: dict[str, list[Any]] = {"stock_code": [item.stock_code for item in items]}
        columns["description"] = np.asarray(self.arrays["description"][first:last]).tolist()
        columns |= {name: np.asarray(self.arrays[LISTED + name][first:last]).tolist() for name in self._checked}
        texts = {name: np.asarray(self._late[LISTED + name][first:last]).tolist() for name in ("model", "reason")}
        rows = zip(*columns.values(), strict=True)
        late = zip(*texts.values(), strict=True)
        return [
            self._known(dict(zip(columns, row, strict=True)), item) | dict(zip(texts, more, strict=True))
            for item, row, more in zip(items, rows, late, strict=True)
        ]

    def last_resort(self, index: int) -> tuple[dict[str, Any], str]:
        """The SKU's row of the price list, and why its reason is missing, if it cannot be read."""
        try:
            return self.listed(index), ""
        except PricewrightError as error:
            return self.numbers(index) | {"reason": "as the price list says"}, error.message

    def numbers(self, index: int) -> dict[str, Any]:
        """Code, description, family and numbers of the SKU's row of the price list: there without history.npz."""
        item = self.item(index)
        row: dict[str, Any] = {
            "stock_code": item.stock_code,
            "description": str(self.arrays["description"][index]),
        }
        row |= {name: self.arrays[LISTED + name][index].item() for name in self._checked}
        return self._known(row, item)

    def _known(self, row: dict[str, Any], item: Item) -> dict[str, Any]:
        """The row of an item, with None for what is not known."""
        known = {name: value if isinstance(value, str) or isfinite(value) else None for name, value in row.items()}
        known["store"] = item.store
        return known | {"family": known["family"] or None} if self.planned else known

    def history(self, index: int) -> tuple[list[str], list[float | None], list[float | None]]:
        """Weeks (Mondays), units and prices; None for weeks in which the SKU was not on sale.

        Raises ReleaseError without history.npz.
        """
        units, prices = (self._late[name][index].tolist() for name in ("history_units", "history_price"))
        known = [i for i, price in enumerate(prices) if price == price]
        first = known[0] if known else 0
        weeks = self._late["history_weeks"].tolist()[first:]
        return weeks, [_known(value) for value in units[first:]], [_known(value) for value in prices[first:]]

    def paid(self, first: int, last: int) -> tuple[NDArray[np.str_], NDArray[np.float32], NDArray[np.float32]]:
        """Weeks (T,), and units and prices paid (n, T) of the SKUs at these places; nan where one was not on sale.

        Raises ReleaseError without history.npz.
        """
        late = self._late
        return np.asarray(late["history_weeks"]), late["history_units"][first:last], late["history_price"][first:last]

    @cached_property
    def _late(self) -> Mapping[str, Any]:
        """history.npz: read, checked and kept with its first use; a failure is not kept."""
        arrays = self._read_history()
        check_history(arrays, len(self))
        return arrays

    @cached_property
    def _checked(self) -> tuple[str, ...]:
        """The columns of numbers of the price list, checked with their first use."""
        check_listed(self.arrays, [LISTED + name for name in self.columns], CATALOG, len(self))
        return self.columns

    def check(self) -> None:
        """Read and check all of it. Raises ReleaseError."""
        check_values(self.arrays)
        check_listed(self.arrays, [LISTED + name for name in self.columns], CATALOG, len(self))

    @cached_property
    def families(self) -> Families:
        """Products that compete; of a release that holds a plan."""
        return Families(self.arrays)

    def of_store(self, store: str) -> Whole:
        """The indices of the items of a store or zone. Raises UnknownSku, also where prices do not differ by store."""
        if self.stores:
            return self.stores.indices(store)
        hint = "leave the store out."
        raise UnknownSku(f"store {store[:LONGEST]!r} is in no price list: all stores have one price.", hint)

    def categories(self) -> dict[str, int]:
        """The categories, or learned families, of the price list, and how many items each has; sorted."""
        names, counts = np.unique(np.asarray(self.arrays[FAMILY]), return_counts=True) if self.planned else ((), ())
        return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}

    def search(self, text: str) -> NDArray[np.intp]:
        """Indices of the SKUs whose code starts with the text or whose description holds it, in any case."""
        if not text.strip():
            return np.arange(len(self.codes))
        wanted = text.strip().upper()
        described = np.char.find(np.char.upper(np.asarray(self.arrays["description"])), wanted) >= 0
        return np.flatnonzero(described | np.char.startswith(self._capitals[0], wanted))

    def near(self, item: Item) -> list[str]:
        """Known codes most like an unknown one, the most similar first."""
        import difflib

        wanted = item.as_code.strip().upper()[:LONGEST]
        start = np.flatnonzero(np.char.startswith(self._capitals[0], wanted[:2]))[:2000] if wanted else ()
        known: dict[str, list[str]] = {}
        for index in start:
            known.setdefault(str(self._capitals[0][index]), []).append(str(self.codes[index]))
        alike = difflib.get_close_matches(wanted, known, NEAR, 0.6)
        return [code for capitals in alike for code in known[capitals]][:NEAR]


def _known(value: float) -> float | None:
    return None if value != value else round(value, 4)
