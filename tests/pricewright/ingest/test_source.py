"""CSV, Parquet, xlsx and folders of them give the same transactions, in whatever dialect they were exported."""

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.source import find_files, read_tables

Params = dict[str, Any]


def read(path: Path, params: Params) -> Ingested:
    return clean(read_tables(path), params)


def same(found: Ingested, expected: Ingested) -> bool:
    """The same transactions, wherever they lay."""
    origin = ("row", "source")
    return found.accepted.drop(origin).equals(expected.accepted.drop(origin)) and (
        found.counts | {"read_as": 0} == expected.counts | {"read_as": 0}
    )


@pytest.fixture
def expected(shop: pl.DataFrame, params: Params, tmp_path: Path) -> Ingested:
    path = tmp_path / "shop.parquet"
    shop.write_parquet(path)
    return read(path, params)


def american(shop: pl.DataFrame) -> pl.DataFrame:
    return shop.with_columns(pl.col("InvoiceDate").dt.strftime("%-m/%-d/%Y %-H:%M"))


def german(shop: pl.DataFrame) -> pl.DataFrame:
    return shop.with_columns(
        pl.col("InvoiceDate").dt.strftime("%d.%m.%Y %H:%M"),
        pl.col("UnitPrice").cast(pl.String).str.replace(".", ",", literal=True),
    )


DIALECTS: dict[str, Any] = {
    "plain": lambda shop: shop.write_csv().encode(),
    "Windows": lambda shop: shop.write_csv(line_terminator="\r\n").encode("utf-8-sig"),
    "UCI's own": lambda shop: american(shop).write_csv().encode("latin-1"),
    "German Excel": lambda shop: german(shop).write_csv(separator=";").encode("cp1252"),
    "Excel's Unicode text": lambda shop: shop.write_csv(separator="\t").encode("utf-16"),
    "all in quotes": lambda shop: shop.write_csv(quote_style="always").encode(),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_text_file_in_any_dialect_is_read(
    dialect: str, shop: pl.DataFrame, expected: Ingested, params: Params, tmp_path: Path
) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(DIALECTS[dialect](shop))
    assert same(read(path, params), expected)


def test_a_workbook_is_read_with_all_its_sheets(
    shop: pl.DataFrame, expected: Ingested, params: Params, tmp_path: Path
) -> None:
    import xlsxwriter

    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        pl.DataFrame({"Notes": ["two years"]}).write_excel(book, "About")
        shop.head(100).write_excel(book, "Year 2010")
        shop.tail(200).write_excel(book, "Year 2011")
        book.add_worksheet("Empty")
    found = read(path, params)
    assert same(found, expected)
    assert found.accepted["source"].unique(maintain_order=True).to_list() == [
        "shop.xlsx[Year 2010]",
        "shop.xlsx[Year 2011]",
    ]
    assert found.counts["read_as"]["shop.xlsx[About]"] == {"rows": 0, "left out": "no column of sales"}


def test_a_folder_is_read_in_the_order_of_names_whatever_the_kinds(
    shop: pl.DataFrame, expected: Ingested, params: Params, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    (folder / "2011").mkdir(parents=True)
    shop.head(100).write_csv(folder / "2010.csv")
    shop.tail(200).write_parquet(folder / "2011" / "a.parquet")
    (folder / "README.md").write_text("not read")
    (folder / ".hidden.csv").write_text("not read")
    (folder / "~$2010.xlsx").write_text("not read")
    found = read(folder, params)
    assert same(found, expected)
    assert list(found.counts["read_as"]) == ["2010.csv", "2011/a.parquet"]


def test_rows_have_the_numbers_that_editors_show(params: Params, shop: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    lines = shop.write_csv().splitlines()
    lines.insert(3, "")
    path.write_text("\n".join(lines))
    found = read(path, params)
    assert found.accepted["row"].to_list()[:3] == [2, 3, 5]  # the header is row 1
    assert found.quarantined.rows()[0][:3] == (4, "shop.csv", "empty row")
    shop.write_parquet(tmp_path / "shop.parquet")
    assert read(tmp_path / "shop.parquet", params).accepted["row"].to_list()[:2] == [1, 2]


def test_inches_in_a_description_do_no_harm(params: Params, shop: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(shop.head(3).write_csv().replace('"MUG, 1 é"', '12" RULER'))
    assert read(path, params).accepted["description"].to_list() == ["MUG, 0", '12" RULER', "MUG, 2"]


HEADER = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice\n"
UNUSABLE = {
    "empty": ("shop.csv", b"", "shop.csv is empty"),
    "blank": ("shop.csv", b"\n \n", "shop.csv is empty"),
    "only a header": ("shop.csv", HEADER.encode(), r"has a header \(InvoiceNo, .*\) and no row below it"),
    "bytes": ("shop.csv", b"a\x00b", "shop.csv is not a text file: it holds bytes of value 0"),
    "a longer row": ("shop.csv", HEADER.encode() + b"1,2,3,2011-01-01,2,55", "row 2 has 6 values, .* has 5.*55"),
    "an open quote": ("shop.csv", HEADER.encode() + b'1,"2,3,2011-01-01,2', "cannot be read on from line 2"),
    "no Parquet": ("shop.parquet", b"PAR1 it is not", "shop.parquet is no Parquet file"),
    "no workbook": ("shop.xlsx", b"it is not", "shop.xlsx is not an xlsx workbook"),
    "another kind": ("shop.json", b"{}", r"ends with '.json': .csv, .gz, .parquet, .tsv, .txt, .xlsx, .zip are read"),
    "prose": ("shop.txt", b"Dear customer,\nhow are you?\n", "shop.txt has no column for stock_code .*Dear customer"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_file_that_is_no_table_is_named_with_a_hint(
    name: str, content: bytes, message: str, params: Params, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as error:
        read(tmp_path / name, params)
    assert error.value.hint and error.value.exit_code == 2


def test_a_zip_that_is_no_workbook_is_named(params: Params, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "shop.xlsx", "w") as archive:
        archive.writestr("a.txt", "not a workbook")
    with pytest.raises(SourceError, match="cannot be read as a workbook"):
        read(tmp_path / "shop.xlsx", params)


def test_a_workbook_that_unfolds_to_gigabytes_is_refused(params: Params, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "shop.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(5):
                sheet.write(bytes(1 << 20))
        archive.filelist[0].file_size = 5 << 30  # as a real one would say, which takes a minute to write
    with pytest.raises(SourceError, match="5,368,709,120 bytes when unpacked"):
        read(tmp_path / "shop.xlsx", params)


def test_a_workbook_without_sales_is_named(params: Params, tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "shop.xlsx") as book:
        for sheet in ("About", "Help"):
            pl.DataFrame({"Notes": ["two years"]}).write_excel(book, sheet)
    with pytest.raises(
        SourceError, match=r"none of the sheets shop.xlsx\[About\], shop.xlsx\[Help\] holds sales lines"
    ):
        read(tmp_path / "shop.xlsx", params)
    with xlsxwriter.Workbook(tmp_path / "empty.xlsx") as book:
        book.add_worksheet("Empty")
    with pytest.raises(SourceError, match=r"empty\.xlsx has no sheet with rows"):
        read(tmp_path / "empty.xlsx", params)


def test_nothing_there_is_reported_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        find_files(tmp_path / "none.csv")
    with pytest.raises(SourceError, match=r"holds no file that ends with \.csv"):
        find_files(tmp_path)


def test_an_empty_row_of_a_sheet_keeps_the_numbers_of_those_below(
    params: Params, shop: pl.DataFrame, tmp_path: Path
) -> None:
    empty = pl.DataFrame([dict.fromkeys(shop.columns)], schema=shop.schema)
    pl.concat([shop.head(1), empty, shop[1:3]]).write_excel(tmp_path / "shop.xlsx")
    assert read(tmp_path / "shop.xlsx", params).accepted["row"].to_list() == [2, 4, 5]


def test_months_of_a_folder_are_read_in_one_order_of_day_and_month(
    params: Params, shop: pl.DataFrame, tmp_path: Path
) -> None:
    day = pl.col("InvoiceDate").dt.day()
    american(shop.filter(day <= 12)).write_csv(tmp_path / "undecided.csv")
    american(shop.filter(day > 12)).write_csv(tmp_path / "decided.csv")
    assert {file["dates"] for file in read(tmp_path, params).counts["read_as"].values()} == {"%m/%d/%Y"}


def test_reading_a_ragged_file_leaves_other_readers_of_the_process_alone(params: Params, tmp_path: Path) -> None:
    path, usual = tmp_path / "ragged.csv", csv.field_size_limit()
    path.write_text("InvoiceNo,StockCode\n1,A\n2,B,C\n")
    with pytest.raises(SourceError, match="row 3 has 3 values"):
        read(path, params)
    assert csv.field_size_limit() == usual
