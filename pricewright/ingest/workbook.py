"""Workbooks of Excel: every sheet is a table, wherever it begins."""

import re
import warnings
import zipfile
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.archives import check_size, unpacked_size
from pricewright.ingest.header import LOOKED_AT
from pricewright.ingest.table import Grid

UNNAMED = "__UNNAMED__"  # what fastexcel calls a column without a header
PEEK = 1 << 20  # bytes of a sheet in which its first value is looked for


def read_workbook(file: Path | BytesIO, name: str) -> Iterator[Grid]:
    """Every sheet with rows; its name is `file[sheet]` when there are several. Raises SourceError when none has."""
    if not zipfile.is_zipfile(file):
        raise SourceError(f"{name} is no xlsx workbook.", "save it from Excel as .xlsx, or export it as CSV.")
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
        read = partial(_below, file, sheet, sheets[sheet] if from_the_top else None)
        yield Grid(f"{name}[{sheet}]" if several else name, top, read, several)


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


def _below(file: Path | BytesIO, sheet: str, first: pl.DataFrame | None, header_row: int) -> pl.DataFrame:
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
