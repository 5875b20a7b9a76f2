"""Families: categories are believed unless sales deny them, guesses only where held-out weeks confirm them."""

import polars as pl
import pytest

from pricewright.families import families_of, shared_families
from tests.pricewright.network.family_market import FamilyMarket, simulate_families

NOUNS = ("MUG", "LANTERN", "SOAP", "CANDLE", "CLOCK", "CUSHION", "DOORMAT", "JUICE", "KETTLE", "LADDER", "MIRROR",
         "NAPKIN", "ORGAN", "PLATTER", "QUILT", "RIBBON", "STOOL", "TRAY", "URN", "VASE", "WREATH", "YARN", "ZITHER",
         "APRON", "BASKET")  # fmt: skip
COLOURS = ("RED", "BLUE", "GREEN", "PINK", "WHITE", "BLACK")


@pytest.fixture(scope="module")
def substitutes() -> FamilyMarket:
    return simulate_families(seed=7, keeps=0.3)


@pytest.fixture(scope="module")
def strangers() -> FamilyMarket:
    """The same names, but nobody compares."""
    return simulate_families(seed=7, keeps=1.0)


def descriptions(market: FamilyMarket) -> dict[str, str]:
    members = len(market.codes) // len(set(market.family.tolist()))
    return {code: f"{COLOURS[i % members]} {NOUNS[i // members]}" for i, code in enumerate(market.codes)}


def test_categories_whose_members_compete_are_families(substitutes: FamilyMarket) -> None:
    panel = substitutes.panel()
    assert families_of(panel, {}) == dict(panel.select("stock_code", "category").unique().iter_rows())


def test_categories_whose_sales_deny_that_they_compete_are_no_families(strangers: FamilyMarket) -> None:
    assert families_of(strangers.panel(), {}) == {}


def test_without_categories_families_are_learned_from_names(substitutes: FamilyMarket) -> None:
    named = descriptions(substitutes)
    found = families_of(substitutes.panel().drop("category"), named)
    assert found == {code: name.split()[-1] for code, name in named.items()}


def in_two_zones(panel: pl.DataFrame) -> pl.DataFrame:
    """The same items, every second family in the north."""
    number = pl.col("category").rank("dense") % 2
    zoned = panel.with_columns(store=pl.when(number == 0).then(pl.lit("North")).otherwise(pl.lit("South")))
    return zoned.with_columns(stock_code=pl.format("{}@{}", "stock_code", "store"), category=pl.lit("All"))


def test_a_family_lies_in_one_zone(substitutes: FamilyMarket) -> None:
    panel = in_two_zones(substitutes.panel())
    found = families_of(panel, {})
    assert set(found.values()) == {"All@North", "All@South"}
    assert all(key.endswith(name.removeprefix("All")) for key, name in found.items())
    codes, stores = panel.select("stock_code", "store").unique().sort("stock_code").get_columns()
    assert set(shared_families(codes.to_list(), found, stores.to_list())) == {"All"}


def test_learned_families_lie_in_one_zone_as_well(substitutes: FamilyMarket) -> None:
    panel = substitutes.panel()
    zoned = in_two_zones(panel).drop("category")
    named = {f"{code}@{zone}": name for code, name in descriptions(substitutes).items() for zone in ("North", "South")}
    found = families_of(zoned, named)
    assert found
    for key, name in found.items():
        assert name == f"{named[key].split()[-1]}@{key.rpartition('@')[2]}"


def test_names_alone_make_no_family(strangers: FamilyMarket) -> None:
    assert families_of(strangers.panel().drop("category"), descriptions(strangers)) == {}


def test_a_shop_without_names_and_categories_has_no_families(strangers: FamilyMarket) -> None:
    assert families_of(strangers.panel().with_columns(category=pl.lit(None, pl.String)), {}) == {}
