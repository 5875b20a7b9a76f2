"""Equal rows of one export are sales, a unit each; a file, or a block of rows, that comes twice is a copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.source import read_tables
from pricewright.ingest.tables import Table
from testing.plain_shop import plain_shop

Params = dict[str, Any]
Line = Callable[..., dict[str, Any]]
PLAIN = plain_shop(weeks=20)
UNITS = PLAIN["quantity"].sum()


def row_per_unit(lines: pl.DataFrame) -> pl.DataFrame:
    """Each scanned unit is a row, as tills write them."""
    units = lines.select(pl.all().repeat_by("quantity").explode(empty_as_null=True))
    return units.with_columns(pl.lit(1, pl.Int64).alias("quantity"))


def without_invoice(lines: pl.DataFrame) -> pl.DataFrame:
    """Bare rows of a day, product, quantity and price, in any order: most of them are equal to others."""
    bare = lines.select("stock_code", "quantity", pl.col("invoice_time").dt.date(), "unit_price")
    return bare.sample(fraction=1.0, shuffle=True, seed=1).sort("invoice_time", maintain_order=True)


SHAPES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "receipts": row_per_unit,
    "receipts of several products": lambda lines: row_per_unit(
        lines.with_columns((pl.int_range(pl.len()) // 30).alias("invoice").cast(pl.String))
    ),
    "days without an invoice": lambda lines: without_invoice(row_per_unit(lines)),
    "two products, days without an invoice": lambda lines: without_invoice(
        row_per_unit(
            lines.with_columns(pl.col("stock_code").str.tail(1).is_in(["1", "2"]).cast(pl.String), unit_price=1.5)
        )
    ),
}


def read(folder: Path, params: Params, files: dict[str, pl.DataFrame], **changed: Any) -> Ingested:
    folder.mkdir(exist_ok=True)
    for name, frame in files.items():
        frame.write_csv(folder / name)
    return clean(read_tables(folder), params | changed)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_per_unit_sells_what_rows_with_quantities_sell(shape: str, params: Params, tmp_path: Path) -> None:
    units = SHAPES[shape](PLAIN)
    counts = read(tmp_path, params, {"till.csv": units}).counts
    assert (counts["units"], counts["duplicates"]) == (UNITS, 0)
    assert counts["equal_rows"] == units.height - units.n_unique()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spoil", ["file", "overlap", "block"])
def test_what_is_delivered_twice_is_counted_once(shape: str, spoil: str, params: Params, tmp_path: Path) -> None:
    units = SHAPES[shape](PLAIN)
    half, third = units.height // 2, units.height // 3
    files = {
        "file": {"a.csv": units, "b.csv": units},
        "overlap": {"a.csv": units.head(-third), "b.csv": units.tail(-third)},
        "block": {"a.csv": pl.concat([units.head(half), units.slice(half - third, third), units.tail(-half)])},
    }[spoil]
    counts = read(tmp_path, params, files).counts
    cut_through = 12 if spoil == "block" else 0  # units of the first and last product of a block that cuts through them
    assert counts["units"] == pytest.approx(UNITS, abs=cut_through)


def test_a_receipt_repeated_by_chance_is_no_copied_block(line: Line, params: Params) -> None:
    rng = np.random.default_rng(3)
    codes = rng.choice(["A", "B"], 4000, p=[0.95, 0.05])
    rows = pl.DataFrame([line(invoice="1", stock_code=code, quantity=1) for code in codes])
    counts = _clean(rows, params).counts
    assert (counts["units"], counts["duplicates"]) == (4000, 0)


def test_rows_that_only_a_column_of_no_meaning_tells_apart_are_no_copied_block(params: Params) -> None:
    alike = PLAIN.head(60).with_columns(pl.lit("2024-01-01").alias("invoice_time"))
    stores = pl.concat([alike.with_columns(Register=pl.lit(number)) for number in range(3)])
    assert _clean(stores, params).counts["units"] == 3 * alike["quantity"].sum()


def test_copies_can_be_asked_for(params: Params, tmp_path: Path) -> None:
    units = row_per_unit(PLAIN)
    counts = read(tmp_path, params, {"till.csv": units}, equal_rows="copies").counts
    assert (counts["accepted"], counts["duplicates"]) == (units.n_unique(), units.height - units.n_unique())
    assert counts["equal_rows"] == 0


def test_a_shorter_block_is_a_copy_where_the_parameter_says_so(line: Line, params: Params) -> None:
    lines = [line(invoice=str(number)) for number in range(9)]
    rows = pl.DataFrame(lines + lines[2:7])
    assert _clean(rows, params).counts["duplicates"] == 0
    assert _clean(rows, params, copied_block=5).counts["duplicates"] == 5
    assert _clean(rows, params, copied_block=6).counts["duplicates"] == 0


@pytest.mark.parametrize("changed", [{"equal_rows": "rows"}, {"copied_block": 1}, {"not_products": "POST"}])
def test_a_parameter_of_another_kind_is_an_error(changed: Params, line: Line, params: Params) -> None:
    with pytest.raises(ParameterError, match=f"ingest.{next(iter(changed))} is .* must be"):
        _clean(pl.DataFrame([line()]), params, **changed)


def _clean(rows: pl.DataFrame, params: Params, **changed: Any) -> Ingested:
    return clean([Table("till.csv", rows)], params | changed)
