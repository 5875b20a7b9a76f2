"""Builds the panel week by week, carrying what each week needs of the past."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pricewright.core.price_features import SAME_PRICE
from pricewright.feature.actions import week_actions
from pricewright.feature.features import (
    CALENDAR,
    COMPETITOR,
    FEATURES,
    HALF_LIVES,
    KEPT,
    OWN,
    SOMETIMES,
    Families,
    calendar_weeks,
    last_year,
)
from pricewright.feature.past import Floats, Past, Whole
from pricewright.feature.prices import RECENT, Channels, Mask, Prices, remember, without_stock
from pricewright.feature.sales import COUNTED, NAMED, SUMMED, WeekSales
from pricewright.items import NO_STOCK, parts

# Of the week itself: what a Past is filled from again.
OF_WEEK = (
    "known_units", "registered_units", "abroad_units", "late_units", "orders", "guest_orders", "customers",
    "largest_order", "repeat_customers", "price_moved", "price", "list_price",
)  # fmt: skip
ZEROS = (
    *OF_WEEK[:10], "age", "quiet", "selling_weeks", "all_units", "all_known", "all_registered", "all_abroad",
    *(f"sum_{k}" for k in HALF_LIVES),
)  # fmt: skip
NONE_YET = ("price", "price_before", "list_price", "regular_price", "weeks_since_sold", "last_sold", "price_min",
            "price_max", *RECENT)  # fmt: skip
DEPTH = {
    "log_units": 60, "known_units": 26, "registered_units": 26, "abroad_units": 26, "late_units": 1, "orders": 26,
    "customers": 13, "largest_order": 8, "repeat_customers": 13, "log_orders": 26, "log_customers": 13,
    "log_guest_orders": 4, "log_registered_orders": 4, "sold_known": 26, "log_price": 26, "price_moved": 13, "price": 1,
    "weeks_since_sold": 1, **{f"half_life_{k}": 1 for k in HALF_LIVES},
}  # fmt: skip
Carried = dict[str, Floats]
CODE = {"stock_code": pl.String}
WINDOW = max(DEPTH.values())  # weeks that a walk has to have seen before it goes on
TYPES: dict[str, Any] = {
    "units": pl.Float64, "sold": pl.Boolean, "orders": pl.Float64, "customers": pl.Float64, "promotion": pl.Float64,
    "in_stock": pl.Boolean,
}  # fmt: skip


def nothing(count: int) -> Carried:
    """Before the first week: `count` SKUs that are not there yet."""
    zeros = {name: np.zeros(count) for name in ZEROS}
    return zeros | {name: np.full(count, np.nan) for name in NONE_YET}


def carry(before: Carried, sales: Mapping[str, Floats], asked: Prices, in_stock: Mask, t: int) -> Carried:
    """After week t; `sales`: WeekSales.sales and repeat_customers as arrays (n,), 0 where a SKU sold none; asked: what
    the main channel asked.

    A week without stock says nothing about demand: what its SKU sold in the last week in stock is remembered in its
    place, so that no lag and no mean falls.
    """
    sells, there = sales["orders"] > 0, before["age"] > 0
    counts = in_stock | ~there
    now = {name: np.where(counts, sales[name], before[name]) for name in OF_WEEK[:9]}
    now |= remember(before, sales["known_units"], in_stock & (there | sells), sells)
    now |= _priced(before, asked, sales["promoted_units"] >= 0.5 * sales["known_units"])
    now["price_moved"] = np.where(there, _differ(now["price"], before["price"]), False).astype(np.float64)
    now["age"] = np.where(there | sells, before["age"] + 1, 0)
    now["weeks_since_sold"] = np.where(sells, 1.0, before["weeks_since_sold"] + in_stock)
    log_units = np.log1p(now["known_units"])
    for weeks in HALF_LIVES:
        now[f"sum_{weeks}"] = log_units + decay(weeks) * before[f"sum_{weeks}"]
    return now | _for_catalog(before, sales, now["list_price"], t)


def measures(carried: Carried) -> Carried:
    """What a Past remembers of a week (DEPTH), nan-free but for what is asked of a SKU only once it is there."""
    known, orders, guests = (carried[name] for name in ("known_units", "orders", "guest_orders"))
    derived = {
        "log_units": np.log1p(known),
        "log_orders": np.log1p(orders),
        "log_customers": np.log1p(carried["customers"]),
        "log_guest_orders": np.log1p(guests),
        "log_registered_orders": np.log1p(orders - guests),
        "sold_known": (known > 0).astype(np.float64),
        "log_price": np.nan_to_num(np.log(carried["price"])),
        "list_price": np.nan_to_num(carried["list_price"]),
    }
    for weeks in HALF_LIVES:  # the weights of the weeks that a SKU has been there add up to this
        weights = (1 - decay(weeks) ** carried["age"]) / (1 - decay(weeks))
        derived[f"half_life_{weeks}"] = carried[f"sum_{weeks}"] / np.maximum(weights, 1.0)
    return carried | derived


def decay(half_life: float) -> float:
    """What is left of a weight after a week."""
    return float(0.5 ** (1 / half_life))


def to_frame(codes: list[str], carried: Carried, names: Sequence[pl.Series]) -> pl.DataFrame:
    """The SKUs that are there, one row each with their names, as it lies beside the week."""
    frame = pl.DataFrame({"stock_code": codes, **{name: carried[name] for name in (*ZEROS, *NONE_YET)}})
    return frame.with_columns(names).filter(carried["age"] > 0)


def from_frame(frame: pl.DataFrame, indices: Whole, count: int) -> Carried:
    """The same as arrays over `count` SKUs; indices: of those of the frame among them."""
    carried = nothing(count)
    for name, values in carried.items():
        values[indices] = frame[name].to_numpy()
    return carried


def _priced(before: Carried, asked: Prices, promoted: Mask) -> Carried:
    """The week's price, the list price and the regular one, which is the list price of the last week not promoted.

    A list price holds while enough lines sell at it. A single line that leaves a steady price is confirmed by the next
    one, unless no SKU had more than one line: the shop gives totals.
    """
    asks, price = asked.lines > 0, asked.price
    steady = ~np.isnan(before["price_before"]) & ~_differ(before["price"], before["price_before"])
    alone = (asked.lines == 1) & (asked.lines.max(initial=0) > 1) & steady & _differ(price, before["price"])
    listed = np.where(asks & ~asked.held & ~alone, price, before["list_price"])
    regular = (asks & ~promoted) | np.isnan(before["regular_price"])
    return {
        "price": np.where(asks, price, before["price"]),
        "price_before": np.where(asks, before["price"], before["price_before"]),
        "list_price": listed,
        "regular_price": np.where(regular, listed, before["regular_price"]),
    }


def _differ(price: Floats, other: Floats) -> Mask:
    moved: Mask = np.abs(np.log(price) - np.log(other)) > SAME_PRICE
    return moved


def _for_catalog(before: Carried, sales: Mapping[str, Floats], list_price: Floats, t: int) -> Carried:
    sold = sales["units"] > 0
    seen = np.where(sold, list_price, np.nan)
    return {
        "price_min": np.fmin(before["price_min"], seen),
        "price_max": np.fmax(before["price_max"], seen),
        "last_sold": np.where(sold, float(t), before["last_sold"]),
        "selling_weeks": before["selling_weeks"] + sold,
        "all_units": before["all_units"] + sales["units"],
        "all_known": before["all_known"] + sales["known_units"],
        "all_registered": before["all_registered"] + sales["registered_units"],
        "all_abroad": before["all_abroad"] + sales["abroad_units"],
    }


class PanelBuilder:
    """codes: keys of all items that sell in any week, sorted; weeks: as open_weeks gives them; params: the section
    `feature`; parted: whether items have stores; stock: by item and week, see pricewright/items.py."""

    def __init__(
        self, codes: Sequence[str], weeks: pl.DataFrame, params: Mapping[str, Any], *, parted: bool = False,
        stock: pl.DataFrame = NO_STOCK,
    ) -> None:  # fmt: skip
        self._stock = {week: part for (week,), part in stock.partition_by("week", as_dict=True).items()}
        self.codes = list(codes)
        self.weeks: list[date] = weeks["week"].to_list()
        self.t = 0
        self.carried = nothing(len(self.codes))
        self._enum = pl.Enum(self.codes)
        self.names = pl.DataFrame({"stock_code": self.codes}, schema={"stock_code": pl.String}).with_columns(
            **{name: pl.lit(None, dtype) for name, dtype in NAMED.items()}
        )
        calendar = calendar_weeks(weeks).select(pl.col(list(CALENDAR)).cast(pl.Float32).fill_nan(0).fill_null(0))
        self._calendar = calendar.rows(named=True)
        self._reference_weeks = int(params["reference_weeks"])
        self._stockout_probability = float(params["stockout_probability"])
        self._channels = Channels(len(self.codes))
        named = parts(self.names["stock_code"], parted=parted)
        self._stores = named["store"]
        self._families = Families(
            named["stock_code"].to_list(), self._stores.to_list(), int(params["family_code_length"])
        )
        self._past = Past({**DEPTH, "list_price": self._reference_weeks}, len(self.codes))
        self._categories, self._family = self.names["category"], np.arange(len(self.codes))

    def go_on(self, t: int, carried: Iterable[pl.DataFrame]) -> None:
        """Stand before week t; `carried`: what lies beside the weeks before it, as many as WINDOW."""
        self.t = t
        for frame in carried:
            self._remember(from_frame(frame, self._indices(frame), len(self.codes)))
            newest = frame.select("stock_code", *NAMED)
        if t:
            self._channels.load(frame, self._indices(frame))
            self._rename(newest, self.carried["age"] > 0)

    def step(self, sales: WeekSales, repeat_customers: pl.DataFrame) -> pl.DataFrame:
        """The rows of the next week, in order of stock_code; repeat_customers by stock_code."""
        arrays = self._arrays(sales.sales, repeat_customers)
        asked = self._channels.week(sales.asked, self._indices(sales.asked), self.carried["list_price"])
        in_stock = ~self._without_stock(sales, arrays["orders"] > 0)
        now = carry(self.carried, arrays, asked, in_stock, self.t)
        there, competitor = now["age"] > 0, self._competitor()
        self._rename(sales.names, there)
        own = {"units": arrays["units"], "sold": arrays["units"] > 0}
        own |= {name: arrays[name] for name in ("orders", "customers")}
        own["promotion"] = arrays["promoted_units"] / np.where(arrays["known_units"] > 0, arrays["known_units"], 1)
        own["in_stock"] = in_stock
        rows = self._rows(own, now["price"], now["list_price"], there, competitor)
        self._remember(now)
        self.t += 1
        return rows

    def carried_on(self) -> pl.DataFrame:
        """What a walk needs that goes on from here, and the catalog."""
        return to_frame(self.codes, self.carried, [*(self.names[name] for name in NAMED), *self._channels.columns()])

    def coming(self) -> pl.DataFrame:
        """The rows of the coming week, whose sales nobody knows; it carries the regular price."""
        unknown: dict[str, Any] = dict.fromkeys(("units", "sold", "orders", "customers"), None)
        unknown |= {"promotion": np.zeros(len(self.codes)), "in_stock": True}
        regular = self.carried["regular_price"]
        return self._rows(unknown, regular, regular, self.carried["age"] > 0, self._competitor())

    def _competitor(self) -> Floats:
        """What the competitor asked, as last known; nan where nobody knows."""
        return self.names["competitor_price"].fill_null(np.nan).to_numpy()

    def _rows(
        self, own: Mapping[str, Any], price: Floats, list_price: Floats, there: Mask, competitor: Floats
    ) -> pl.DataFrame:
        seen = self._past.age > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            usual = np.where(seen, self._past.median("list_price", self._reference_weeks), list_price)
            features = {name: look(self._past) for name, look in OWN.items()}
            gap = np.nan_to_num(np.log(competitor / usual), nan=0.0, posinf=0.0, neginf=0.0)
        features |= self._families.features() | last_year(self._past, self.weeks[: self.t + 1])
        features |= week_actions(self._past, there, own["promotion"], list_price, self._competing())
        features = {name: np.where(np.isnan(found), 0.0, found).astype(np.float32) for name, found in features.items()}
        for name, value in self._calendar[self.t].items():
            features[name] = np.full(len(self.codes), value, np.float32)
        columns = {
            **own,
            "category": self.names["category"],
            "price": price,
            "list_price": list_price,
            "reference_price": usual,
            "last_price": np.where(seen, self.carried["price"], price),
            "store": self._stores,
            COMPETITOR: gap.astype(np.float32),
            **features,
        }
        frame = pl.DataFrame({"stock_code": self.codes, "week": self.weeks[self.t], **columns}, schema_overrides=TYPES)
        return frame.filter(there).select(*KEPT, *SOMETIMES, *FEATURES)

    def _competing(self) -> Whole:
        """The number of each SKU's family: its category within its zone; a SKU without one competes with nobody."""
        categories = self.names["category"]
        if not categories.equals(self._categories):  # they seldom change
            named = zip(self.codes, categories, self._stores, strict=True)
            names = [f"{category}@{store or ''}" if category else f"\x00{code}" for code, category, store in named]
            _, self._family = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
            self._categories = categories
        return self._family

    def _rename(self, newer: pl.DataFrame, there: Mask) -> None:
        """What is NAMED as last said, of the SKUs that are there."""
        if newer.is_empty():
            return
        found = self.names.with_columns(pl.Series("there", there)).join(
            newer, on="stock_code", how="left", maintain_order="left"
        )
        latest = [pl.when("there").then(pl.coalesce(f"{name}_right", name)).alias(name) for name in NAMED]
        self.names = found.select("stock_code", *latest)

    def _remember(self, carried: Carried) -> None:
        age = carried["age"].astype(np.int64)
        with np.errstate(invalid="ignore"):
            week = measures(carried)
        self._past.add(week, age)
        self._families.add(week["log_units"], age)
        self.carried = carried

    def _arrays(self, sales: pl.DataFrame, repeat_customers: pl.DataFrame) -> dict[str, Floats]:
        """Columns of the week's sales as arrays over all SKUs, 0 where one did not sell."""
        arrays = {}
        for frame, names in ((sales, (*SUMMED, *COUNTED)), (repeat_customers, ("repeat_customers",))):
            indices = self._indices(frame)
            for name in names:
                arrays[name] = np.zeros(len(self.codes))
                arrays[name][indices] = frame[name].to_numpy()
        return arrays

    def _without_stock(self, sales: WeekSales, sells: Mask) -> Mask:
        """The SKUs that were out of stock in the week, as the stock file says, else the lines; guessed, where neither
        says anything of stock."""
        if sales.says_stock:
            out = np.zeros(len(self.codes), np.bool_)
            out[self._indices(self._of_panel(pl.DataFrame({"stock_code": sales.unstocked}, schema=CODE)))] = True
        else:
            out = without_stock(self.carried, sells, self._stockout_probability)
        if (listed := self._stock.get(sales.week)) is not None:
            known = self._of_panel(listed)
            out[self._indices(known)] = known["out"].to_numpy()
        return out

    def _of_panel(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("stock_code").is_in(self.codes))

    def _indices(self, frame: pl.DataFrame) -> Whole:
        """The indices of the SKUs of a frame among all."""
        return frame["stock_code"].cast(self._enum).to_physical().to_numpy().astype(np.int64)
