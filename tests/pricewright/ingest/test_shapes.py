"""A plain shop, of which every number is known, is read from whatever shape a retailer's file has."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, ingest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
NAMES = {"invoice": "Invoice", "stock_code": "StockCode", "description": "Description", "quantity": "Quantity",
         "invoice_time": "InvoiceDate", "unit_price": "Price"}  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    return plain_shop().select(pl.col(word).alias(name) for word, name in NAMES.items())


@pytest.fixture(scope="module")
def text(lines: pl.DataFrame) -> str:
    return lines.with_columns(pl.col("InvoiceDate").dt.strftime("%Y-%m-%d %H:%M")).write_csv()


@pytest.fixture
def taken(params: Params, tmp_path: Path) -> Callable[..., Ingested]:
    """What becomes of a file with this content."""

    def take(content: bytes | str, name: str = "sales.csv", columns: dict[str, str] | None = None) -> Ingested:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ingest(path, params, columns)

    return take


def is_the_shop(found: Ingested, rejected: int = 0) -> bool:
    """All lines of the plain shop, each as it was, and so many rows that are none."""
    same = ["invoice", "stock_code", "quantity", "invoice_time", "unit_price"]
    lines = found.accepted.select(same).cast({"quantity": pl.Int64}).sort(same)
    expected = plain_shop().select(same).cast({"quantity": pl.Int64, "invoice_time": pl.Datetime("us")}).sort(same)
    return lines.equals(expected) and found.quarantined.height == rejected


def separated(text: str, separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


def each_line(text: str, change: Callable[[int, str], str]) -> str:
    return "".join(change(number, line) + "\n" for number, line in enumerate(text.splitlines()))


TITLES = "Sales by line item\nMy Shop, 1 Jan 2024 to 26 Jan 2025\n\n"
SHAPES: dict[str, tuple[Callable[[str], str | bytes], int]] = {
    "titles": (lambda t: TITLES + t, 4),
    "titles as wide as the table": (lambda t: "Sales report,,,,,\n,,,,,\nShop:,Berlin,Currency:,EUR,,\n" + t, 4),
    "a block of filters": (lambda t: "Product,Store,Period\nAll,Berlin,2024\n\n" + t, 4),
    "empty lines above": (lambda t: "\n\r\n\n" + t, 4),
    "its separator in the first line": (lambda t: "sep=;\n" + separated(t, ";"), 2),
    "another separator in the first line": (lambda t: '"sep=^"\r\n' + separated(t, "^"), 2),
    "titles with commas over semicolons": (lambda t: "Sales, all stores, net\n" + separated(t, ";"), 2),
    "tabs": (lambda t: separated(t, "\t"), 1),
    "pipes": (lambda t: separated(t, "|"), 1),
    "separators behind each line": (lambda t: each_line(t, lambda _, line: line + ","), 1),
    "separators behind all lines but the header": (lambda t: each_line(t, lambda n, line: line + ",," * (n > 0)), 1),
    "a column of row numbers without a name": (lambda t: each_line(t, lambda n, line: f"{n or ''},{line}"), 1),
    "line ends of Windows": (lambda t: t.replace("\n", "\r\n"), 1),
    "line ends of old Macs": (lambda t: t.replace("\n", "\r"), 1),
    "UTF-8 with a mark": (lambda t: t.encode("utf-8-sig"), 1),
    "UTF-16 with a mark": (lambda t: t.encode("utf-16"), 1),
    "UTF-16 without a mark": (lambda t: (TITLES + t).encode("utf-16-le"), 4),
    "UTF-16 of the other kind": (lambda t: t.encode("utf-16-be"), 1),
    "Windows-1252": (lambda t: t.replace("Kettle", "Thé “Kettle”").encode("cp1252"), 1),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_file_of_any_shape_is_read(shape: str, text: str, taken: Callable[..., Ingested]) -> None:
    write, header_row = SHAPES[shape]
    found = taken(write(text))
    assert is_the_shop(found)
    assert found.counts["read_as"]["sales.csv"]["header_row"] == header_row
    assert found.accepted["row"].min() == header_row + 1


def test_the_encoding_is_reported(text: str, taken: Callable[..., Ingested]) -> None:
    for encoding, name in (("utf-8-sig", "utf-8"), ("utf-16-le", "utf-16-le"), ("cp1252", "cp1252")):
        found = taken(text.replace("Kettle", "Thé").encode(encoding))
        assert found.counts["read_as"]["sales.csv"]["encoding"] == name
        assert "Thé" in found.accepted["description"].to_list()


def test_blank_lines_in_between_are_empty_rows(text: str, taken: Callable[..., Ingested]) -> None:
    found = taken(each_line(text, lambda n, line: line + "\n" * (n % 1000 == 999)))
    assert is_the_shop(found, rejected=4)
    assert found.quarantined["row"].to_list() == [1001, 2002, 3003, 4004]


FOOTERS = {
    "a total": "Total,,,10547,,104102.22\n",
    "totals": "\nGrand total:,,,10547,,\nPrinted 2025-01-26,,,,,\n",
    "a total in the middle": "\n,,Total,10547,,104102.22",
    "in one cell": "TOTAL",
    "with a date": ",TOTAL,,10547,2025-01-26 00:00,104102.22",
    "as if a receipt": "9999,Total,Total,10547,2025-01-26 00:00,9.87",
}


@pytest.mark.parametrize("footer", FOOTERS.values(), ids=FOOTERS.keys())
def test_a_total_is_no_sale(footer: str, text: str, taken: Callable[..., Ingested]) -> None:
    found = taken(text + footer)
    assert is_the_shop(found, rejected=found.quarantined.height)
    assert found.counts["reasons"]["total row"] == 1


def test_a_product_may_be_called_total(text: str, taken: Callable[..., Ingested]) -> None:
    assert is_the_shop(taken(text.replace("Kettle", "Total Care Toothpaste").replace("Mug", "Total")))


def test_a_header_that_nobody_knows_is_the_first_full_row_of_text(text: str, taken: Callable[..., Ingested]) -> None:
    german = {"Invoice": "Beleg", "StockCode": "Artikel", "Description": "Name", "Quantity": "Menge",
              "InvoiceDate": "Datum", "Price": "Preis"}  # fmt: skip
    header, _, rest = text.partition("\n")
    renamed = ",".join(german[name] for name in header.split(","))
    with pytest.raises(SourceError, match=r"no column for stock_code|no column for quantity") as error:
        taken(f"{TITLES}{renamed}\n{rest}")
    assert "Beleg, Artikel, Name, Menge" in error.value.message
    asked = {word: german[name] for word, name in NAMES.items()}
    assert is_the_shop(taken(f"{TITLES}{renamed}\n{rest}", columns=asked))


def test_a_value_with_a_separator_is_still_named_below_titles(text: str, taken: Callable[..., Ingested]) -> None:
    with pytest.raises(SourceError, match="row 6 has 7 values, the header has 6") as error:
        taken(TITLES + each_line(text, lambda n, line: line.replace(".", ",") if n == 2 else line))
    assert "quotes" in error.value.hint


BOOKS = {"in the first row": (0, 0), "below titles": (3, 0), "away from the corner": (4, 2)}


@pytest.mark.parametrize(("row", "column"), BOOKS.values(), ids=BOOKS.keys())
@pytest.mark.parametrize("title", [True, False])
def test_a_sheet_is_read_wherever_its_table_begins(
    title: bool, row: int, column: int, lines: pl.DataFrame, params: Params, tmp_path: Path
) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "sales.xlsx") as book:
        sheet = book.add_worksheet("Sales")
        if title and row:
            sheet.write(0, 0, "Sales by line item")
            sheet.write(1, 0, "1 Jan 2024 to 26 Jan 2025")
        lines.write_excel(book, sheet, position=(row, column), dtype_formats={pl.Datetime: "yyyy-mm-dd hh:mm"})
        sheet.write(row + lines.height + 1, column, "Total")
        sheet.write(row + lines.height + 1, column + 3, 10547)
        book.add_worksheet("Notes").write(0, 0, "Exported on Monday")
    found = ingest(tmp_path / "sales.xlsx", params)
    assert is_the_shop(found, rejected=1)
    assert found.counts["reasons"] == {"total row": 1}
    assert found.accepted["row"].min() == row + 2


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(lines: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    lines.write_excel(out)
    return out.getvalue()


def test_packed_files_are_read(lines: pl.DataFrame, text: str, taken: Callable[..., Ingested]) -> None:
    assert is_the_shop(taken(gzip.compress((TITLES + text).encode()), "sales.csv.gz"))
    assert is_the_shop(taken(gzip.compress(separated(text, "\t").encode()), "sales.tsv.gz"))
    assert is_the_shop(taken(gzip.compress(workbook(lines)), "sales.xlsx.gz"))
    parts = {
        "2024/a.csv": lines.head(1000).write_csv().encode(),
        "2024/b.xlsx": workbook(lines[1000:]),
        "__MACOSX/2024/._a.csv": b"\x00\x05",
        "readme.txt": b"Two files,\nof one shop.\n",
        "logo.png": b"\x89PNG",
    }
    found = taken(zipped(**parts), "sales.zip")
    assert is_the_shop(found)
    assert [name for name, read in found.counts["read_as"].items() if read["rows"]] == [
        "sales.zip/2024/a.csv",
        "sales.zip/2024/b.xlsx",
    ]
    assert "left out" in found.counts["read_as"]["sales.zip/readme.txt"]


PACKED = {
    "no archive": ("sales.zip", b"PK it is not", "cannot be unpacked"),
    "half an archive": ("sales.csv.gz", gzip.compress(b"Invoice,StockCode\n" * 99)[:40], "cannot be unpacked"),
    "nothing in it": ("sales.zip", zipped(**{"a.pdf": b"%PDF"}), r"holds no file that ends with \.csv"),
    "another kind": ("sales.json.gz", gzip.compress(b"{}"), r"a file that ends with '\.json'"),
}


@pytest.mark.parametrize(("name", "content", "message"), PACKED.values(), ids=PACKED.keys())
def test_an_archive_that_cannot_be_used_is_named(
    name: str, content: bytes, message: str, taken: Callable[..., Ingested]
) -> None:
    with pytest.raises(SourceError, match=message):
        taken(content, name)


def test_an_archive_that_unfolds_to_gigabytes_is_refused(params: Params, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sales.zip", "w") as archive:
        archive.writestr("sales.csv", "Invoice,StockCode\n")
        archive.filelist[0].file_size = 5 << 30
    with pytest.raises(SourceError, match="5,368,709,120 bytes when unpacked"):
        ingest(tmp_path / "sales.zip", params)


def test_what_is_clearly_no_sales_beside_sales_is_left_out_and_named(
    text: str, lines: pl.DataFrame, params: Params, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text(text)
    lines.select("StockCode", "Description", "Price").unique("StockCode").write_csv(tmp_path / "products.csv")
    (tmp_path / "notes.txt").write_text("The tills were\nbroken in May.\n")
    (tmp_path / "terms.pdf").write_bytes(b"%PDF-1.7")
    found = ingest(tmp_path, params)
    assert is_the_shop(found)
    assert {name for name, read in found.counts["read_as"].items() if "left out" in read} == {
        "products.csv",
        "notes.txt",
    }


def test_a_week_whose_columns_were_renamed_is_not_left_out(text: str, params: Params, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text("StockCode,Amount sold,Sold on,Price\n10001,3,2025-01-27,4.42\n")
    with pytest.raises(SourceError, match=r"b\.csv has no column for quantity"):
        ingest(tmp_path, params)
