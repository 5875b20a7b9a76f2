"""The stage ingest says in the run's output what became of the rows, and what its gate warns of."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, ingest
from tasks.ingest import INGEST
from tasks.stage import do
from tasks.workspace import configure
from testing.plain_shop import plain_shop

ROOT = Path(__file__).parents[2]
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())["ingest"]


def ingest_summary(lines: pl.DataFrame, folder: Path, **changed: Any) -> str:
    lines.write_csv(folder / "sales.csv")
    found: Ingested = ingest(folder / "sales.csv", PARAMS | changed)
    line, how, *notes = INGEST.summary(found.counts).splitlines()
    assert how == "read as: decimal point, years first, utf-8, header in row 1"
    return "\n".join([line, *notes])


def test_a_sound_shop_needs_no_note(tmp_path: Path) -> None:
    rows = f"{plain_shop().height:,}"
    assert ingest_summary(plain_shop(), tmp_path) == f"{rows} rows: {rows} accepted, 0 quarantined, 0 duplicates"


def test_equal_rows_are_reported(tmp_path: Path) -> None:
    units = plain_shop().select(pl.all().repeat_by("quantity").explode(empty_as_null=True)).with_columns(quantity=1)
    (note,) = ingest_summary(units, tmp_path).splitlines()[1:]
    equal = units.height - units.n_unique()
    assert note.startswith(f"{equal:,} rows ({equal / units.height:.1%}) are equal to another row of the same file")
    assert "ingest.equal_rows=copies" in note


def test_codes_that_are_left_out_are_named(tmp_path: Path) -> None:
    lines = plain_shop().with_columns(pl.col("stock_code").replace({"10001": "BAG", "10002": "TIP\n" + 50 * "x"}))
    note = ingest_summary(lines, tmp_path, not_products=["BAG", "(?s)TIP.*"]).splitlines()[1]
    rows = dict(lines["stock_code"].value_counts().iter_rows())
    assert note.startswith("quarantined: not a product ") and f"BAG {rows['BAG']}" in note
    assert "TIP XXX" in note and 50 * "X" not in note


def test_stock_below_zero_is_reported_with_its_first_row(tmp_path: Path) -> None:
    stock = pl.Series("In Stock", ["4", "-2", "-7", *["5"] * (plain_shop().height - 3)])
    (note,) = ingest_summary(plain_shop().with_columns(stock), tmp_path).splitlines()[1:]
    assert note == "sales.csv: stock below zero in 2 rows (first: row 3, '-2'): read as not known"


def test_rates_of_tax_above_one_are_reported_and_read_as_per_cent(tmp_path: Path) -> None:
    rates = pl.Series("VAT Rate", ["0.2", "20", "20%", "dear", "150", *["0.05"] * (plain_shop().height - 5)])
    notes = ingest_summary(plain_shop().with_columns(rates), tmp_path).splitlines()[1:]
    assert notes == [
        "sales.csv: a rate of tax of 1 and more in 1 rows (first: row 3, '20'): read as per cent",
        "sales.csv: what is no rate of tax in 2 rows (first: row 5, 'dear'): read as not known",
    ]


def test_every_reason_is_reported(tmp_path: Path) -> None:
    lines = plain_shop().with_columns(pl.col("stock_code").replace({"10001": "None"}))
    (note,) = ingest_summary(lines, tmp_path).splitlines()[1:]
    assert note == f"quarantined: no stock code {plain_shop().filter(stock_code='10001').height}"


@pytest.mark.parametrize(("changed", "measure"), [({"skus": 7}, "skus"), ({"weeks": 30}, "weeks")])
def test_a_warning_of_the_gate_is_reported_with_value_limit_and_hint(
    changed: dict[str, int], measure: str, tmp_path: Path
) -> None:
    (note,) = ingest_summary(plain_shop(**changed), tmp_path).splitlines()[1:]
    limit = PARAMS["gate"]["thresholds"][measure]["warn"]
    assert note.startswith(f"ingest warns: {measure} is {changed[measure]} ") and f"it warns at {limit}. " in note


@pytest.mark.parametrize("weeks", [13, 20])
def test_a_history_that_no_later_stage_could_use_is_refused_at_once(weeks: int, tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    plain_shop(weeks=weeks).write_csv(tmp_path / "sales.csv")
    at = configure(tmp_path, str(tmp_path / "sales.csv"), str(tmp_path / "lake"))
    with pytest.raises(SourceError, match=rf"sales\.csv has sales in {weeks} weeks \(2024-01-01 to .*at least 21 are"):
        do(INGEST, at)
    assert not (at.work / "raw").exists()
