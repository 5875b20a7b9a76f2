"""Walks through the shop's open weeks in order: the panel rows of each, made of what was known when it began."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pricewright.feature.asked import Channels
from pricewright.feature.calendar import CALENDAR, calendar_weeks
from pricewright.feature.carried import DEPTH, Carried, carry, from_frame, measures, nothing, to_frame
from pricewright.feature.columns import FEATURES, KEPT, OWN
from pricewright.feature.family import Families
from pricewright.feature.last_year import last_year
from pricewright.feature.past import Floats, Past, Whole
from pricewright.feature.sales import COUNTED, NAMED, SUMMED, WeekSales
from pricewright.feature.stock import Mask, without_stock

WINDOW = max(DEPTH.values())  # weeks that a walk has to have seen before it goes on


class Walk:
    """codes: all SKUs that sell in any week, sorted; weeks: as open_weeks gives them; params: the section `feature`."""

    def __init__(self, codes: Sequence[str], weeks: pl.DataFrame, params: Mapping[str, Any]) -> None:
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
        self._families = Families(self.codes, int(params["family_code_length"]))
        self._past = Past({**DEPTH, "list_price": self._reference_weeks}, len(self.codes))

    def go_on(self, t: int, carried: Iterable[pl.DataFrame]) -> None:
        """Stand before week t; `carried`: what lies beside the weeks before it, as many as WINDOW."""
        self.t = t
        for frame in carried:
            self._remember(from_frame(frame, self._places(frame), len(self.codes)))
            newest = frame.select("stock_code", *NAMED)
        if t:
            self._channels.load(frame, self._places(frame))
            self._rename(newest, self.carried["age"] > 0)

    def step(self, sales: WeekSales, repeat_customers: pl.DataFrame) -> pl.DataFrame:
        """The rows of the next week, in order of stock_code; repeat_customers by stock_code."""
        arrays = self._arrays(sales.sales, repeat_customers)
        asked = self._channels.week(sales.asked, self._places(sales.asked), self.carried["list_price"])
        in_stock = ~self._without_stock(sales, arrays["orders"] > 0)
        now = carry(self.carried, arrays, asked, in_stock, self.t)
        there = now["age"] > 0
        self._rename(sales.names, there)
        own = {"units": arrays["units"], "sold": arrays["units"] > 0}
        own |= {name: arrays[name] for name in ("orders", "customers")}
        own["promotion"] = arrays["promoted_units"] / np.where(arrays["known_units"] > 0, arrays["known_units"], 1)
        own["in_stock"] = in_stock
        rows = self._rows(own, now["price"], now["list_price"], there)
        self._remember(now)
        self.t += 1
        return rows

    def carried_on(self) -> pl.DataFrame:
        """What a walk needs that goes on from here, and the catalog."""
        return to_frame(self.codes, self.carried, [*(self.names[name] for name in NAMED), *self._channels.columns()])

    def coming(self) -> pl.DataFrame:
        """The rows of the coming week, whose sales nobody knows; it carries the regular price."""
        unknown: dict[str, Any] = dict.fromkeys(("units", "sold", "orders", "customers"), None)
        unknown |= {"promotion": 0.0, "in_stock": True}
        regular = self.carried["regular_price"]
        return self._rows(unknown, regular, regular, self.carried["age"] > 0)

    def _rows(self, own: Mapping[str, Any], price: Floats, list_price: Floats, there: Mask) -> pl.DataFrame:
        seen = self._past.age > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            usual = np.where(seen, self._past.median("list_price", self._reference_weeks), list_price)
            features = {name: look(self._past) for name, look in OWN.items()}
        features |= self._families.features() | last_year(self._past, self.weeks[: self.t + 1])
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
            **features,
        }
        frame = pl.DataFrame({"stock_code": self.codes, "week": self.weeks[self.t], **columns}, schema_overrides=TYPES)
        return frame.filter(there).select(*KEPT, *FEATURES)

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
            places = self._places(frame)
            for name in names:
                arrays[name] = np.zeros(len(self.codes))
                arrays[name][places] = frame[name].to_numpy()
        return arrays

    def _without_stock(self, sales: WeekSales, sells: Mask) -> Mask:
        """The SKUs that were out of stock in the week, as the source says; guessed, where it says nothing of stock."""
        if not sales.says_stock:
            return without_stock(self.carried, sells, self._stockout_probability)
        out = np.zeros(len(self.codes), np.bool_)
        known = pl.DataFrame({"stock_code": sales.unstocked}, schema={"stock_code": pl.String})
        out[self._places(known.filter(pl.col("stock_code").is_in(self.codes)))] = True
        return out

    def _places(self, frame: pl.DataFrame) -> Whole:
        """Where the SKUs of a frame stand among all."""
        return frame["stock_code"].cast(self._enum).to_physical().to_numpy().astype(np.int64)


TYPES: dict[str, Any] = {
    "units": pl.Float64, "sold": pl.Boolean, "orders": pl.Float64, "customers": pl.Float64, "promotion": pl.Float64,
    "in_stock": pl.Boolean,
}  # fmt: skip
