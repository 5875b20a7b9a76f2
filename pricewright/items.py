"""What is priced in a chain of stores: a SKU in a zone, in a store, or in the whole chain.

Lines name codes and stores; everything behind them knows an item by one key, the text of pricewright.core.item.Item.
Without stores, and where the chain has one price, the key is the code as it stands.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.core.item import Item

ZONE, STORE, CHAIN = "zone", "store", "chain"
LEVELS = (ZONE, STORE, CHAIN)
LIMITS = ("floor", "ceiling")
DATED = ("unit_cost", "tax_rate")  # amounts that lines know as of their day
NO_STOCK = pl.DataFrame(schema={"stock_code": pl.String, "week": pl.Date, "out": pl.Boolean})
OUT_SHARE = (
    0.5  # an item is out of stock where more of its stores are, and a store in a week where more of its days are
)
NAMED = 5  # codes and stores that a count names
NO_STORES = pl.DataFrame(schema={"store": pl.String, "zone": pl.String})
NO_PRODUCTS = pl.DataFrame(
    schema={
        **dict.fromkeys(("stock_code", "description", "category", "brand"), pl.String),
        **dict.fromkeys(("unit_cost", "tax_rate", *LIMITS), pl.Float64),
    }
)


@dataclass(frozen=True)
class Chain:
    """level: what has a price of its own; has_stores: whether any line names a store; stores, products: as their files
    say (pricewright/ingest); stock: by item, see stock_by_item. Raises ParameterError for an unknown level."""

    level: str = ZONE
    has_stores: bool = False
    stores: pl.DataFrame = field(default_factory=lambda: NO_STORES)
    products: pl.DataFrame = field(default_factory=lambda: NO_PRODUCTS)
    stock: pl.DataFrame = field(default_factory=lambda: NO_STOCK)

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ParameterError(f"price.level is {self.level!r}: it must be one of {', '.join(LEVELS)}.")

    @property
    def parted(self) -> bool:
        """Whether a SKU has a price for each zone or store."""
        return self.has_stores and self.level != CHAIN

    @cached_property
    def digest(self) -> str:
        """Differs where the items of the same lines do."""
        content = (self.level, str(self.has_stores), self.stores.write_csv(), self.products.write_csv())
        return sha256("\n".join(content).encode()).hexdigest()

    def items(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The lines by item: `stock_code` is its key, `store` stays where a line was sold.

        What the product file says of a product goes before what its lines say, but for cost and tax, which lines know
        as of their day. Receipts of two stores may have the same number: `invoice` begins with the store.
        """
        if not self.has_stores and self.products.is_empty():
            return lines
        lines = self._described(lines)
        if not self.has_stores:
            return lines
        zoned = lines.join(self.stores, on="store", how="left", suffix="_of_store", maintain_order="left")
        invoice = pl.coalesce(pl.format("{} {}", "store", "invoice"), "invoice")
        code = item_key(self._priced_in()) if self.parted else pl.col("stock_code")
        return zoned.with_columns(invoice=invoice, stock_code=code).drop("zone_of_store")

    def _priced_in(self) -> pl.Expr:
        """The zone of a line: of its store as the store file says, else its own, else the store itself."""
        if self.level == STORE:
            return pl.col("store")
        return pl.when(pl.col("store").is_not_null()).then(pl.coalesce("zone_of_store", "zone", "store"))

    def _described(self, lines: pl.DataFrame) -> pl.DataFrame:
        if self.products.is_empty():
            return lines
        words = ("description", "category", "brand")
        amounts = [name for name in DATED if name in lines.columns and name in self.products.columns]
        known = self.products.select(
            "stock_code", *(pl.col(name).alias(f"{name}_listed") for name in (*words, *amounts))
        )
        joined = lines.join(known, on="stock_code", how="left", maintain_order="left")
        filled = {word: pl.coalesce(f"{word}_listed", word) for word in words}
        filled |= {name: pl.coalesce(name, f"{name}_listed") for name in amounts}
        return joined.with_columns(**filled).select(lines.columns)

    def zones(self, lines: pl.LazyFrame) -> pl.DataFrame:
        """Each store with a line, sorted, and the zone or store that its prices are those of, as last said."""
        if not self.parted:
            return NO_STORES
        sold = (
            lines.drop_nulls("store").group_by("store").agg(pl.col("zone").sort_by("invoice_time").drop_nulls().last())
        )
        joined = sold.collect(engine="streaming").join(self.stores, on="store", how="left", suffix="_of_store")
        return joined.select("store", zone=self._priced_in()).sort("store")

    def stock_by_item(self, stock: pl.DataFrame, lines: pl.LazyFrame) -> pl.DataFrame:
        """stock_code (the item's key), week and `out`: whether most of its stores were out of stock on most days.

        stock: stock_code, store, week and out_share (pricewright/ingest/stock.py).
        """
        if self.parted:
            stock = stock.join(self.zones(lines).rename({"zone": "of"}), on="store", how="left")
            stock = stock.with_columns(stock_code=item_key(pl.col("of")))
        out = (pl.col("out_share") > OUT_SHARE).mean() > OUT_SHARE
        return stock.group_by("stock_code", "week").agg(out=out).sort("stock_code", "week")

    def with_limits(self, catalog: pl.DataFrame) -> pl.DataFrame:
        """The catalog with `store`, and with the floor and ceiling of the product file."""
        named = parts(catalog["stock_code"], parted=self.parted)
        limits = self.products.select(pl.col("stock_code").alias("code"), *LIMITS)
        coded = catalog.with_columns(named["store"], code=named["stock_code"])
        return coded.join(limits, on="code", how="left", maintain_order="left").drop("code")

    def unjoined(self, lines: pl.LazyFrame) -> dict[str, Any]:
        """What the files beside the sales and the lines do not have in common; empty where there are no such files."""
        found = {}
        for name, table, key in (("products", self.products, "stock_code"), ("stores", self.stores, "store")):
            if table.height:
                sold = lines.select(pl.col(key).drop_nulls().unique()).collect(engine="streaming")[key]
                found[name] = {
                    "listed": table.height,
                    "not_sold": _counted(table[key].filter(~table[key].is_in(sold.implode()))),
                    "not_listed": _counted(sold.filter(~sold.is_in(table[key].implode()))),
                }
        if self.stock.height:
            sold = lines.select(pl.col("stock_code").unique()).collect(engine="streaming")["stock_code"]
            codes = parts(self.stock["stock_code"].unique(), parted=self.parted)["stock_code"].unique()
            found["stock_not_sold"] = _counted(codes.filter(~codes.is_in(sold.implode())))
        without = self.stores.filter(pl.col("zone").is_null())["store"]
        return found | ({"stores_without_zone": _counted(without)} if without.len() else {})


def dear_products(catalog: pl.DataFrame) -> dict[str, Any]:
    """The items that cost more than what is asked for them, with both amounts; empty where none does."""
    dear = catalog.filter(pl.col("unit_cost") > pl.col("current_price"))
    texts = dear.select(
        pl.format("{} ({} > {})", "stock_code", pl.col("unit_cost").round(2), pl.col("current_price").round(2))
    )
    return {"cost_above_price": _counted(texts.to_series())} if dear.height else {}


def _counted(names: pl.Series) -> dict[str, Any]:
    return {"count": len(names), "first": names.sort().head(NAMED).to_list()}


def item_key(store: pl.Expr) -> pl.Expr:
    """The text of Item(stock_code, store), for a column."""
    code = pl.col("stock_code")
    alone = pl.when(code.str.contains("@", literal=True)).then(pl.format("{}@", code)).otherwise(code)
    return pl.coalesce(pl.format("{}@{}", code, store), alone)


def parts(keys: pl.Series, *, parted: bool) -> pl.DataFrame:
    """stock_code and store of the items with these keys; parted: whether they are of a chain whose stores differ."""
    items = [Item.parse(key) if parted else None for key in keys]
    codes = [item.stock_code if item else key for item, key in zip(items, keys, strict=True)]
    stores = [item.store if item else None for item in items]
    return pl.DataFrame({"stock_code": codes, "store": stores}, schema={"stock_code": pl.String, "store": pl.String})


def apart(table: pl.DataFrame, *, parted: bool) -> pl.DataFrame:
    """A table by item with `stock_code` and, behind all else, `store` in place of the key."""
    named = parts(table["stock_code"], parted=parted)
    return table.with_columns(named["stock_code"], named["store"])


def together(table: pl.DataFrame) -> pl.DataFrame:
    """The inverse of apart: `stock_code` is the key, and `store` is gone."""
    if not table["store"].count():
        return table.drop("store")
    return table.with_columns(stock_code=item_key(pl.col("store"))).drop("store")


def chain_of(
    level: str, lines: pl.LazyFrame | pl.DataFrame, stores: pl.DataFrame = NO_STORES,
    products: pl.DataFrame = NO_PRODUCTS, stock: pl.DataFrame | None = None,
) -> Chain:  # fmt: skip
    """The chain that these lines are of; lines may lack the column `store`. stock: as pricewright/ingest/stock.py."""
    lines = lines.lazy()
    known = "store" in lines.collect_schema() and lines.select(pl.col("store").count()).collect().item()
    chain = Chain(level, bool(known), stores, products)
    return chain if stock is None or stock.is_empty() else replace(chain, stock=chain.stock_by_item(stock, lines))
