"""Text files of sales lines, in whatever encoding and with whatever separator a shop's system exports them."""

import csv
import io
from pathlib import Path

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.table import HEADER_ROWS, Table

SEPARATORS = (",", ";", "\t", "|")
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
EMPTY_HINT = "was the export cut off?"


def read_delimited(path: Path, name: str) -> Table:
    """The table of a text file, every value as text. Raises SourceError when it is no table."""
    text = decode(path.read_bytes(), name).lstrip("\r\n")
    if not text.strip():
        raise SourceError(f"{name} is empty: a header and sales lines are needed.", EMPTY_HINT)
    separator = find_separator(text)
    try:
        frame = pl.read_csv(io.BytesIO(text.encode()), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError:  # a quote inside a value, such as 12" RULER, is too much for it
        frame = _read_patiently(text, name, separator)
    return Table(name, frame, HEADER_ROWS + 1, facts={"separator": separator})


def decode(content: bytes, name: str) -> str:
    """UTF-8, UTF-16 with its mark, or else Windows-1252, of which Latin-1 (the UCI files) is the printable part."""
    mark = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    if mark is None and b"\x00" in content[:100_000]:
        raise SourceError(f"{name} is no text: it holds bytes of value 0.", "a workbook must end with .xlsx.")
    for encoding in (mark or "utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")  # which reads any byte


def find_separator(text: str) -> str:
    """The separator that the header holds most often outside quotes."""
    header = text.split("\n", 1)[0]
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _read_patiently(text: str, name: str, separator: str) -> pl.DataFrame:
    """The table as Python's slower reader has it. Raises SourceError that names the row that is out of shape."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    usual_limit = csv.field_size_limit(len(text) + 1)  # the module's own, for all readers of the process
    try:
        header, *rows = reader
    except csv.Error as error:
        hint = "a quote opens before it and does not close: export it again, with values in quotes."
        raise SourceError(f"{name} cannot be read on from line {reader.line_num}: {error}.", hint) from error
    finally:
        csv.field_size_limit(usual_limit)
    for number, values in enumerate(rows, start=HEADER_ROWS + 1):
        if len(values) > len(header):
            raise SourceError(
                f"{name}: row {number} has {len(values)} values, the header has {len(header)} (the last value is "
                f"{values[-1]!r}).",
                f"a value that holds the separator {separator!r} must stand in quotes.",
            )
    padded = [[*values, *[None] * (len(header) - len(values))] for values in rows]
    unique = [column if column not in header[:i] else f"{column}_{i}" for i, column in enumerate(header)]
    return pl.DataFrame(padded, schema=dict.fromkeys(unique, pl.String), orient="row")
