"""The habits of the UCI files hold for files in their columns, and for no other shop."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.ingest import Ingested, clean
from pricewright.ingest.source import find_documents, read_tables
from pricewright.ingest.weekly import IncrementalIngest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
UCI = {
    "invoice": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "invoice_time": "InvoiceDate",
    "unit_price": "UnitPrice",
    "customer_id": "CustomerID",
}
LETTERS = ["S", "M", "L", "D", "B", "C2", "POST", "TEST1", "PADS", *"AEFGHIJKNOPQR"]
PLAIN = plain_shop(weeks=12)


def in_letters(lines: pl.DataFrame) -> pl.DataFrame:
    """A cafe's goods: sizes and letters for codes."""
    return lines.with_columns(pl.col("stock_code").replace(sorted(lines["stock_code"].unique()), LETTERS))


def at_three_tills(lines: pl.DataFrame) -> pl.DataFrame:
    till = pl.Series(["A", "B", "C"] * (lines.height // 3 + 1)).head(lines.height)
    return lines.with_columns(invoice=pl.concat_str(till, "invoice"))


def as_uci(lines: pl.DataFrame, **names: str) -> pl.DataFrame:
    return lines.rename(UCI | names).with_columns(Country=pl.lit("France"), UnitCost=pl.lit(0.5))


def read(frame: pl.DataFrame, params: Params, folder: Path, **changed: Any) -> Ingested:
    frame.write_csv(folder / "sales.csv")
    return clean(read_tables(folder), params | changed)


def test_a_till_named_c_sells(params: Params, tmp_path: Path) -> None:
    counts = read(at_three_tills(PLAIN), params, tmp_path).counts
    assert (counts["accepted"], counts["units"]) == (PLAIN.height, PLAIN["quantity"].sum())
    assert counts["read_as"]["sales.csv"]["schema"] == ""


def test_codes_that_another_shop_uses_for_services_are_products(params: Params, tmp_path: Path) -> None:
    counts = read(in_letters(PLAIN), params, tmp_path).counts
    assert (counts["skus"], counts["units"], counts["no_products"]) == (22, PLAIN["quantity"].sum(), {})


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"invoice": "Invoice", "unit_price": "Price", "customer_id": "Customer ID"},
        {"invoice": "invoice_no", "stock_code": "STOCK CODE", "invoice_time": "Invoice Date"},
    ],
)
def test_the_columns_of_uci_bring_its_habits_along(names: dict[str, str], params: Params, tmp_path: Path) -> None:
    frame = as_uci(at_three_tills(in_letters(PLAIN)), **names)
    counts = read(pl.concat([frame, frame.head(2)]), params, tmp_path).counts
    assert counts["read_as"]["sales.csv"]["schema"] == "uci_online_retail"
    assert set(counts["no_products"]) == {"S", "M", "D", "B", "C2", "POST", "TEST1", "PADS"}
    assert counts["duplicates"] == 2
    assert {"cancellation", "cancellation without sale"} & set(counts["reasons"])


def test_a_file_that_lacks_one_of_its_columns_is_another_shops(params: Params, tmp_path: Path) -> None:
    counts = read(as_uci(at_three_tills(in_letters(PLAIN))).drop("Country"), params, tmp_path).counts
    assert counts["units"] == PLAIN["quantity"].sum()


def test_what_the_user_says_wins_over_the_schema(params: Params, tmp_path: Path) -> None:
    settings = {"not_products": ["L"], "cancellation_invoice": "", "equal_rows": "lines"}
    frame = as_uci(at_three_tills(in_letters(PLAIN)))
    counts = read(pl.concat([frame, frame.head(2)]), params, tmp_path, **settings).counts
    assert set(counts["reasons"]) == {"not a product"} and set(counts["no_products"]) == {"L"}
    assert (counts["duplicates"], counts["equal_rows"]) == (0, 2)


def test_each_file_of_a_folder_has_its_own_habits(params: Params, tmp_path: Path) -> None:
    (tmp_path / "sales").mkdir()
    in_letters(PLAIN).write_csv(tmp_path / "sales" / "cafe.csv")
    as_uci(in_letters(PLAIN)).write_parquet(tmp_path / "sales" / "gifts.parquet")
    at_once = clean(read_tables(tmp_path / "sales"), params).counts
    found = IncrementalIngest(tmp_path / "shelf", params).make(
        find_documents(tmp_path / "sales", tmp_path / "known.json")
    )
    assert {name: table["schema"] for name, table in at_once["read_as"].items()} == {
        "cafe.csv": "",
        "gifts.parquet": "uci_online_retail",
    }
    assert found.counts == at_once
    assert set(at_once["no_products"]) == {"S", "M", "D", "B", "C2", "POST", "TEST1", "PADS"}


def test_a_changed_habit_reads_the_file_once_more(params: Params, tmp_path: Path) -> None:
    as_uci(in_letters(PLAIN)).write_csv(tmp_path / "sales.csv")

    def units(**changed: Any) -> int:
        documents = find_documents(tmp_path / "sales.csv", tmp_path / "known.json")
        return int(IncrementalIngest(tmp_path / "shelf", params | changed).make(documents).counts["units"])

    assert units() < units(not_products=["S"]) < units(schemas={}) == PLAIN["quantity"].sum()
