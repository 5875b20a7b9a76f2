"""What rules look at: the items of a shop with their words, costs, sizes and competitors' prices."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.items import parts
from pricewright.rules.file import Order, Rule, Selection

SIZE = re.compile(r"(?:(\d+)\s*[x×*]\s*)?(\d+(?:[.,]\d+)?)\s*([a-zµ]*)", re.IGNORECASE)
UNITS = {
    "mg": ("g", 0.001), "g": ("g", 1.0), "kg": ("g", 1000.0), "oz": ("g", 28.349523), "lb": ("g", 453.59237),
    "ml": ("ml", 1.0), "cl": ("ml", 10.0), "dl": ("ml", 100.0), "l": ("ml", 1000.0), "ltr": ("ml", 1000.0),
    "mm": ("mm", 1.0), "cm": ("mm", 10.0), "m": ("mm", 1000.0),
}  # fmt: skip
CHANGED = 1e-3  # of the logarithm of a regular price; less is rounding
WORDS = ("category", "brand", "sku", "zone", "size")


class Size(NamedTuple):
    """How much is in a pack, in units that compare: g, ml, mm, or pieces."""

    amount: float
    unit: str


def read_size(text: str | None) -> Size | None:
    """`500 ml`, `0.5 l`, `6 x 330 ml`, `12`; None for what is no size."""
    found = SIZE.fullmatch((text or "").strip())
    if not found:
        return None
    packs, amount, unit = found.groups()
    name, factor = UNITS.get(unit.lower(), (unit.lower(), 1.0))
    total = int(packs or 1) * float(amount.replace(",", ".")) * factor
    return Size(total, name) if total > 0 else None


@dataclass(frozen=True)
class Items:
    """n items. words: the text of each in every column of WORDS, "" where it has none; the rest is nan where unknown.

    weeks_since: since the last change of the regular price; week: the Monday of the week that prices are for; net: what
    tax leaves of a price, (n,), where it takes any.
    """

    keys: tuple[str, ...]
    words: Mapping[str, NDArray[np.str_]]
    unit_cost: NDArray[np.float64]
    competitor_price: NDArray[np.float64]
    weeks_since: NDArray[np.float64]
    week: date
    net: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: NDArray[np.int64]) -> "Items":
        """Some of them."""
        words = {name: values[rows] for name, values in self.words.items()}
        return Items(
            tuple(self.keys[row] for row in rows), words, self.unit_cost[rows], self.competitor_price[rows],
            self.weeks_since[rows], self.week, None if self.net is None else self.net[rows],
        )  # fmt: skip

    def chosen(self, where: Selection) -> NDArray[np.int64]:
        """The indices of the selected items. A category is also chosen by the path to it: Food, of Food > Juice."""
        mask = np.ones(len(self), dtype=bool)
        for column, names in where.given().items():
            wanted, words = [_plain(name) for name in names], self.words[column]
            match = _falls_under if column == "category" else str.__eq__
            known = {word: any(match(_plain(word), name) for name in wanted) for word in set(words.tolist())}
            mask &= np.array([known[word] for word in words.tolist()], dtype=bool)
        return np.flatnonzero(mask)

    def groups(self, indices: NDArray[np.int64], within: Sequence[str]) -> list[list[int]]:
        """Indices in groups of one zone and the same words of `within`; an item without such a word is in none."""
        found: dict[tuple[str, ...], list[int]] = {}
        for index in indices.tolist():
            words = tuple(_plain(str(self.words[column][index])) for column in within)
            if all(words):
                found.setdefault((str(self.words["zone"][index]), *words), []).append(index)
        return list(found.values())

    def unknown(self, rules: Sequence[Rule]) -> list[tuple[str, str, str]]:
        """Rule, column and name of what the rules select and no item has."""
        found = []
        for rule in rules:
            selections = [rule.where, *([rule.under] if isinstance(rule, Order) else [])]
            for where in selections:
                for column, names in where.given().items():
                    single = [(name, Selection.model_validate({column: [name]})) for name in names]
                    found += [(rule.name, column, name) for name, one in single if not len(self.chosen(one))]
        return found


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _falls_under(category: str, wanted: str) -> bool:
    return category == wanted or category.replace(" >", ">").startswith(f"{wanted.replace(' >', '>')}>")


def items_of(catalog: pl.DataFrame, panel: pl.DataFrame, products: pl.DataFrame | None = None) -> Items:
    """The items of a catalog (stock_code is the item's key), in its order; panel: stock_code, week, list_price.

    products: as the product file says, for sizes, and for category and brand where no line has them.
    """
    keys = catalog["stock_code"]
    parted = "store" in catalog.columns and bool(catalog["store"].count())
    named = parts(keys, parted=parted)
    table = pl.DataFrame({"key": keys, "sku": named["stock_code"], "zone": named["store"]})
    table = table.with_columns(_column(catalog, name) for name in ("category", "brand"))
    if products is not None:
        listed = products.select(pl.col("stock_code").alias("sku"), pl.col("category").alias("category_listed"),
                                 pl.col("brand").alias("brand_listed"), "size")  # fmt: skip
        table = table.join(listed, on="sku", how="left", maintain_order="left")
        table = table.with_columns(pl.coalesce(f"{name}_listed", name).alias(name) for name in ("category", "brand"))
    else:
        table = table.with_columns(size=pl.lit(None, pl.String))
    last = panel["week"].max()
    if not isinstance(last, date):
        raise TypeError(f"the panel's weeks are {panel['week'].dtype}: dates are needed.")
    return Items(
        tuple(keys),
        {name: np.asarray(table[name].fill_null("").to_list(), dtype=np.str_) for name in WORDS},
        _numbers(catalog, "unit_cost"),
        _numbers(catalog, "competitor_price"),
        weeks_since_change(panel, keys),
        last + timedelta(days=7),
    )


def weeks_since_change(panel: pl.DataFrame, keys: pl.Series) -> NDArray[np.float64]:
    """Weeks from the last change of each item's regular price to the coming week, (n,); nan where it never changed."""
    price = "list_price" if "list_price" in panel.columns else "price"
    logs = panel.select("stock_code", "week", pl.col(price).log().alias("log")).sort("stock_code", "week")
    changes = logs.filter(pl.col("log").diff().over("stock_code").abs() > CHANGED)
    last = changes.group_by("stock_code").agg(pl.col("week").max())
    coming = pl.lit(panel["week"].max()) + pl.duration(days=7)
    found = keys.to_frame("stock_code").join(last, on="stock_code", how="left", maintain_order="left")
    weeks = found.select((coming.cast(pl.Date) - pl.col("week").cast(pl.Date)).dt.total_days() / 7).to_series()
    return weeks.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()


def _column(catalog: pl.DataFrame, name: str) -> pl.Series:
    return catalog[name] if name in catalog.columns else pl.Series(name, [None] * catalog.height, dtype=pl.String)


def _numbers(catalog: pl.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in catalog.columns:
        return np.full(catalog.height, np.nan)
    return catalog[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
