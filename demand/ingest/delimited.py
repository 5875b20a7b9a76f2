"""Text files of sales lines, in whatever encoding and with whatever separator a shop's system exports them."""

import csv
import io
from pathlib import Path

import polars as pl

from demand.errors import SourceError
from demand.ingest.table import HEADER_ROWS, Table

SEPARATORS = (",", ";", "\t", "|")
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_delimited(path: Path, name: str) -> Table:
    """The table of a text file, every value as text. Raises SourceError when it is no table."""
    text = decode(path.read_bytes(), name)
    if not text.strip():
        raise SourceError(f"{name} is empty: a header and sales lines are needed.", "was the export cut off?")
    separator = find_separator(text)
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode()), separator=separator, infer_schema=False, encoding="utf8", raise_if_empty=False
        )
    except pl.exceptions.PolarsError as error:
        raise _no_table(text, name, separator) from error
    return Table(name, frame, HEADER_ROWS + 1)


def decode(content: bytes, name: str) -> str:
    """UTF-8, UTF-16 with its mark, or else Windows-1252, of which Latin-1 (the UCI files) is the printable part."""
    mark = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    if mark is None and b"\x00" in content[:100_000]:
        raise SourceError(
            f"{name} is no text: it holds bytes of value 0.", "is it a workbook? then let it end with .xlsx."
        )
    try:
        return content.decode(mark or "utf-8")
    except UnicodeDecodeError:
        try:
            return content.decode("cp1252")
        except UnicodeDecodeError:
            return content.decode("latin-1")


def find_separator(text: str) -> str:
    """The separator that the header holds most often outside quotes."""
    header = text.lstrip().split("\n", 1)[0]
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _no_table(text: str, name: str, separator: str) -> SourceError:
    """What is wrong with text that polars cannot read: as a rule, a row with more values than the header has."""
    csv.field_size_limit(len(text) + 1)
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    width = len(next(rows, []))
    for number, values in enumerate(rows, start=HEADER_ROWS + 1):
        if len(values) > width:
            return SourceError(
                f"{name}: row {number} has {len(values)} values, the header has {width} (the last value is "
                f"{values[-1]!r}).",
                f"a value that holds the separator {separator!r} must stand in quotes.",
            )
    return SourceError(f"{name} is no table: quotes do not close.", "export it again, with values in quotes.")
