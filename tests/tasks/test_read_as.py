"""How the files were read is said in one line below the numbers of the ingest."""

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pricewright.ingest import ingest
from tasks.ingest import INGEST
from testing.plain_shop import plain_shop

SHOP = plain_shop(weeks=20)


def params() -> dict[str, Any]:
    section: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["ingest"]
    return section


def read_as_notes(path: Path) -> list[str]:
    return [note for note in INGEST.notes(ingest(path, params()).counts) if note.startswith("read as")]


def test_what_had_to_be_found_out_is_reported(tmp_path: Path) -> None:
    prices = pl.Series([f"{price:.2f} €".replace(".", ",") for price in SHOP["unit_price"]])
    days = pl.col("invoice_time").dt.strftime("%d.%m.%Y %H:%M")
    SHOP.with_columns(days, unit_price=prices).write_csv(tmp_path / "shop.csv", separator=";")
    (line,) = read_as_notes(tmp_path / "shop.csv")
    assert line.startswith("read as: decimal comma, days first") and "EUR" in line


def test_a_sign_that_only_the_separator_tells_is_reported_as_assumed(tmp_path: Path) -> None:
    prices = pl.Series([f"{price:.3f}".replace(".", ",") for price in SHOP["unit_price"]])
    SHOP.with_columns(unit_price=prices).write_csv(tmp_path / "shop.csv", separator=";")
    (line,) = read_as_notes(tmp_path / "shop.csv")
    assert line.startswith("read as: decimal comma (assumed: the separator") and "ingest.decimal_sign=.)" in line


def test_totals_that_became_prices_are_reported(tmp_path: Path) -> None:
    totals = SHOP.with_columns((pl.col("unit_price") * pl.col("quantity")).round(2)).rename({"unit_price": "Net Sales"})
    totals.write_csv(tmp_path / "shop.csv")
    assert read_as_notes(tmp_path / "shop.csv")[0].endswith("prices from the totals in Net Sales")


def test_files_that_differ_say_all_ways_once(tmp_path: Path) -> None:
    prices = pl.Series([f"{price:.2f}".replace(".", ",") for price in SHOP["unit_price"]])
    SHOP[:500].write_csv(tmp_path / "a.csv")
    SHOP[500:1000].with_columns(unit_price=prices[500:1000]).write_csv(tmp_path / "b.csv", separator=";")
    SHOP[1000:].write_parquet(tmp_path / "c.parquet")
    (line,) = read_as_notes(tmp_path)
    assert line.count("decimal point") == line.count("decimal comma") == line.count("years first") == 1


def test_a_file_whose_types_say_it_all_needs_no_line(tmp_path: Path) -> None:
    SHOP.write_parquet(tmp_path / "shop.parquet")
    assert read_as_notes(tmp_path / "shop.parquet") == []
