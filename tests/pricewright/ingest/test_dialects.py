"""The plain shop, written in any mixture of the ways in which systems write sales, is the same shop, or a question."""

import csv
import gzip
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pricewright.core.errors import SourceError
from pricewright.ingest import clean
from pricewright.ingest.source import read_tables
from testing.plain_shop import plain_shop

SHOP = plain_shop(skus=5, weeks=6)
HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate")
TITLES = (["Sales by item"], ["Shop: Köln", "", "1 Jan to 11 Feb"], [])
EXCEL = datetime(1899, 12, 30)
CURRENCIES = ("{}", "£{}", "{} €", "EUR {}", "$ {}", "{} kr")
LAYOUTS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p",
           "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d-%b-%Y", "serial", "serial day")  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How a system writes sales. decimals: of prices, and of quantities; level: what all prices are multiplied by."""

    separator: str
    decimal: str
    thousands: str
    currency: str
    encoding: str
    layout: str
    titles: bool
    row_per_unit: bool
    line_total: bool
    packed: bool
    total_below: bool
    price_decimals: int
    quantity_decimals: int
    level: int

    def number(self, value: float, decimals: int) -> str:
        """With both signs, such as 1.234,50."""
        return f"{value:,.{decimals}f}".translate({ord(","): self.thousands, ord("."): self.decimal})

    def money(self, value: float) -> str:
        """With its currency."""
        return self.currency.format(self.number(value, self.price_decimals))

    def time(self, time: datetime) -> str:
        """The time as the system writes it; of some, the day alone."""
        if not self.layout.startswith("serial"):
            return time.strftime(self.layout)
        days = (time - EXCEL).total_seconds() / 86400
        return str(int(days)) if self.layout == "serial day" else f"{days:.5f}".replace(".", self.decimal)


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.just("."),
    thousands=st.sampled_from(["", "'", " ", "other"]),
    currency=st.sampled_from(CURRENCIES),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    layout=st.sampled_from(LAYOUTS),
    titles=st.booleans(),
    row_per_unit=st.booleans(),
    line_total=st.booleans(),
    packed=st.booleans(),
    total_below=st.booleans(),
    price_decimals=st.sampled_from([0, 2, 2, 2, 3]),
    quantity_decimals=st.sampled_from([0, 0, 3]),
    level=st.sampled_from([1, 1, 100, 1000]),
).flatmap(lambda dialect: st.sampled_from([".", ","]).map(lambda decimal: with_decimal(dialect, decimal)))


def with_decimal(dialect: Dialect, decimal: str) -> Dialect:
    other = "." if decimal == "," else ","
    thousands = other if dialect.thousands == "other" else dialect.thousands
    return Dialect(**{**vars(dialect), "decimal": decimal, "thousands": thousands})


def as_sold(dialect: Dialect) -> pl.DataFrame:
    """The lines that the dialect's file has, as numbers."""
    lines = SHOP.with_columns(
        unit_price=(pl.col("unit_price") * dialect.level).round(dialect.price_decimals),
        description=pl.format("{} für {}", "description", "stock_code"),
    )
    if not dialect.row_per_unit:
        return lines
    return lines.select(pl.all().repeat_by("quantity").explode()).with_columns(quantity=pl.lit(1, pl.Int64))


def written(dialect: Dialect) -> bytes:
    lines = as_sold(dialect)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=dialect.separator, lineterminator="\n")
    writer.writerows(TITLES if dialect.titles else [])
    writer.writerow([*HEADER, "Line Total" if dialect.line_total else "Price"])
    total = 0.0
    for row in lines.iter_rows(named=True):
        money = row["unit_price"] * (row["quantity"] if dialect.line_total else 1)
        total += money
        texts = (row["invoice"], row["stock_code"], row["description"])
        pieces = dialect.number(row["quantity"], dialect.quantity_decimals)
        writer.writerow([*texts, pieces, dialect.time(row["invoice_time"]), dialect.money(money)])
    if dialect.total_below:
        writer.writerow(["Total", "", "", "", "", dialect.money(total)])
    content = out.getvalue().encode(dialect.encoding)
    return gzip.compress(content, 1) if dialect.packed else content


def panel(lines: pl.DataFrame) -> pl.DataFrame:
    """Units and revenue by product and week."""
    return (
        lines.group_by("stock_code", week=pl.col("invoice_time").dt.truncate("1w").dt.date())
        .agg(units=pl.col("quantity").sum().cast(pl.Float64), revenue=(pl.col("quantity") * pl.col("unit_price")).sum())
        .sort("stock_code", "week")
    )


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(dialect=DIALECTS)
@example(dialect=Dialect(";", ".", ",", "{}", "utf-8", "%m/%d/%Y", False, False, False, False, False, 0, 0, 1000))
@example(dialect=Dialect(",", ",", ".", "{} €", "cp1252", "%d.%m.%Y", True, True, True, False, False, 3, 0, 1))
def test_a_shop_in_any_dialect_is_the_same_shop_or_a_question(
    dialect: Dialect, params: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / ("sales.csv.gz" if dialect.packed else "sales.csv")
    path.write_bytes(written(dialect))
    try:
        found = clean(read_tables(path), params)
    except SourceError as error:
        assert "--p" in error.hint, error.message  # it asks
        return
    finally:
        path.unlink()
    assert found.counts["quarantined"] == dialect.total_below
    expected, read = panel(as_sold(dialect)), panel(found.accepted)
    if "assumed" in found.counts["read_as"][path.name]:  # and says how to have the other reading
        revenue = (read["revenue"] / expected["revenue"]).log10().round(3)
        assert revenue.n_unique() == 1 and revenue[0] in (-6, -3, 0, 3, 6)
        return
    assert read.select("stock_code", "week", "units").equals(expected.select("stock_code", "week", "units"))
    error = (read["revenue"] / expected["revenue"] - 1).abs().max()
    assert isinstance(error, float) and error < 1e-4
