"""Reads text files (any encoding and separator) and Excel workbooks (every sheet) as tables."""

import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import LOOKED_AT
from pricewright.ingest.tables import CellGrid, check_size, unpacked_size

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_LINE = r'^"?sep=([^"\r\n])"?\r?\n'  # Excel's way to name the separator in the first line
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SAMPLE = 1_000_000  # characters from which separator and width are taken
EMPTY_HINT = "was the export cut off?"
UNNAMED = "__UNNAMED__"  # what fastexcel calls a column without a header
PEEK = 1 << 20  # bytes of a sheet in which its first value is looked for


def read_delimited(content: bytes, name: str) -> CellGrid:
    """The rows of a text file, every value as text. Raises SourceError when it is not a table."""
    text, encoding = decode(content, name)
    if not text.strip():
        raise SourceError(f"{name} is empty: a header and sales lines are needed.", EMPTY_HINT)
    separator = find_separator(text)
    top = list(_sample(text, separator))
    width = max(map(len, top), default=1)
    header = separator.join(f"column {number}" for number in range(1, width + 1))
    try:
        rows = pl.read_csv(f"{header}\n{text}".encode(), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError:  # a quote inside a value, such as 12" RULER, is too much for it
        rows = _read_patiently(text, name, separator, width)
    return CellGrid(
        name,
        top,
        lambda header_row: _text_below(rows, top, header_row, name, separator),
        encoding=encoding,
        separator=separator,
    )


def decode(content: bytes, name: str) -> tuple[str, str]:
    """The text with Unix's line ends, and its encoding.

    UTF-8, UTF-16 with or without its mark, or else Windows-1252, of which Latin-1 (the UCI files) is the printable
    part.
    """
    for encoding in (encoding_of(content, name), "cp1252", "latin-1"):  # which reads any byte
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    return text if "\n" in text else text.replace("\r", "\n"), encoding.removesuffix("-sig")


def encoding_of(content: bytes, name: str) -> str:
    """What the mark says, or the bytes of value 0; UTF-8 where it may be something else. Raises SourceError."""
    mark = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    return mark or _unmarked(content, name)


def _unmarked(content: bytes, name: str) -> str:
    """UTF-8, or UTF-16 where every second byte is mostly 0. Raises SourceError where other bytes are 0."""
    first, second = (content[start:100_000:2].count(0) for start in (0, 1))
    if not first and not second:
        return "utf-8"
    for encoding, rare, usual in (("utf-16-le", first, second), ("utf-16-be", second, first)):
        if usual > 4 * rare and usual > 0.2 * len(content[:100_000]):
            try:
                if "\x00" not in content.decode(encoding):
                    return encoding
            except UnicodeDecodeError:
                continue
    raise SourceError(f"{name} is not a text file: it holds bytes of value 0.", "a workbook must end with .xlsx.")


def find_separator(text: str) -> str:
    """The separator that the first line names; else the one that gives most rows one width, the widest of these."""
    if named := re.match(SEPARATOR_LINE, text[:20]):
        return named[1]

    def agreement(separator: str) -> tuple[int, int]:
        widths = Counter(len(cells) for cells in _sample(text, separator) if len(cells) > 1)
        return max(((rows, width) for width, rows in widths.items()), default=(0, 0))

    return max(SEPARATORS, key=agreement)


def _sample(text: str, separator: str) -> Iterator[list[str]]:
    """The first rows, as far as they can be told apart."""
    try:
        yield from islice(csv.reader(io.StringIO(text[:SAMPLE], newline=""), delimiter=separator), LOOKED_AT)
    except csv.Error:
        return


def _text_below(rows: pl.DataFrame, top: list[list[str]], header_row: int, name: str, separator: str) -> pl.DataFrame:
    """The rows below the header, without columns that have neither name nor value."""
    header, below = top[header_row - 1], rows.slice(header_row)
    names: dict[str, str] = {}
    for i, column in enumerate(rows.columns):
        if i < len(header) and header[i].strip():
            names[column] = header[i] if header[i] not in header[:i] else f"{header[i]}_{i}"
            continue
        filled = below[column].str.strip_chars().fill_null("") != ""
        if not filled.any():
            below = below.drop(column)
        elif i >= len(header):
            index = filled.arg_max() or 0
            values = [value for value in below.row(index) if value is not None]
            raise _too_long(name, header_row + 1 + index, len(values), values[-1], len(header), separator)
    return below.rename(names)


def _read_patiently(text: str, name: str, separator: str, width: int) -> pl.DataFrame:
    """The rows as Python's slower reader has them. Raises SourceError that names the row that is out of shape."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    usual_limit = csv.field_size_limit(len(text) + 1)  # the module's own, for all readers of the process
    try:
        rows = list(reader)
    except csv.Error as error:
        hint = "a quote opens before it and does not close: export it again, with values in quotes."
        raise SourceError(f"{name} cannot be read on from line {reader.line_num}: {error}.", hint) from error
    finally:
        csv.field_size_limit(usual_limit)
    for number, values in enumerate(rows, start=1):
        if any(value.strip() for value in values[width:]):
            raise _too_long(name, number, len(values), values[-1], width, separator)
    padded = [[*values[:width], *[None] * (width - len(values))] for values in rows]
    schema = {f"column {i}": pl.String for i in range(1, width + 1)}
    return pl.DataFrame(padded, schema=schema, orient="row")


def _too_long(name: str, row: int, values: int, last: str, width: int, separator: str) -> SourceError:
    return SourceError(
        f"{name}: row {row} has {values} values, the header has {width} (the last value is {last!r}).",
        f"a value that holds the separator {separator!r} must stand in quotes.",
    )


def read_workbook(file: Path | BytesIO, name: str) -> Iterator[CellGrid]:
    """Every sheet with rows; its name is `file[sheet]` when there are several. Raises SourceError when none has."""
    if not zipfile.is_zipfile(file):
        raise SourceError(f"{name} is not an xlsx workbook.", "save it from Excel as .xlsx, or export it as CSV.")
    check_size(name, unpacked_size(file))
    try:
        sheets = _read(file, 0, sheet_id=0)
        from_the_top = _begins_at_the_top(file)
        tops = {sheet: _top(file, sheet, frame, from_the_top) for sheet, frame in sheets.items() if frame.height}
    except Exception as error:  # fastexcel's own errors share no other base
        raise SourceError(f"{name} cannot be read as a workbook: {first_line(error)}", "export it as CSV.") from error
    if not tops:
        raise SourceError(f"{name} has no sheet with rows.", "was the export cut off?")
    several = len(tops) > 1
    for sheet, top in tops.items():
        read = partial(_sheet_below, file, sheet, sheets[sheet] if from_the_top else None)
        yield CellGrid(f"{name}[{sheet}]" if several else name, top, read, several)


def _read(file: Path | BytesIO, header_row: int, **which: Any) -> Any:
    with warnings.catch_warnings(action="ignore"):  # about the types of single cells, which are read as text
        return pl.read_excel(
            file,
            read_options={"header_row": header_row},
            infer_schema_length=None,
            raise_if_empty=False,
            drop_empty_rows=False,
            **which,
        )


def _sheet_below(file: Path | BytesIO, sheet: str, first: pl.DataFrame | None, header_row: int) -> pl.DataFrame:
    """The rows below a header, each column with its own type; `first`: those below the sheet's first row, if read."""
    frame = first if first is not None and header_row == 1 else _read(file, header_row - 1, sheet_name=sheet)
    empty = [name for name in frame.columns if name.startswith(UNNAMED) and frame[name].null_count() == frame.height]
    return frame.drop(empty)


def _top(file: Path | BytesIO, sheet: str, frame: pl.DataFrame, from_the_top: bool) -> list[list[str | None]]:
    """The sheet's first rows as text."""
    if not from_the_top:
        book = fastexcel.read_excel(file if isinstance(file, Path) else file.getvalue())
        options = {"header_row": None, "skip_rows": 0, "n_rows": LOOKED_AT, "dtypes": "string"}
        return [list(row) for row in book.load_sheet(sheet, **options).to_polars().rows()]
    header = [None if name.startswith(UNNAMED) else name for name in frame.columns]
    return [header, *(list(row) for row in frame.head(LOOKED_AT).cast(pl.String, strict=False).rows())]


def _begins_at_the_top(file: Path | BytesIO) -> bool:
    """Whether the first value of every sheet is in row 1; fastexcel counts from the first that is filled."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                before = re.split(rb"<v[ >]|<is[ >]", archive.open(name).read(PEEK), maxsplit=1)[0]
                rows = re.findall(rb'<row [^>]*?\br="(\d+)"', before)
                if rows and rows[-1] != b"1":
                    return False
    return True


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    return f"{str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}."
