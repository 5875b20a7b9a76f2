"""Finds the header row and which column holds what; sets tables without sales aside."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.tables import CellGrid, Table
from pricewright.ingest.times import read_times

REQUIRED = ("stock_code", "quantity", "invoice_time", "unit_price")
STORE, ZONE = "store", "zone"  # where a line was sold; stores of a zone share their prices
TAX_RATE, COMPETITOR_PRICE = "tax_rate", "competitor_price"
OPTIONAL = (
    "description", "customer_id", "country", "unit_cost", "category", "promotion", "channel", "in_stock", STORE, ZONE,
    "brand", TAX_RATE, COMPETITOR_PRICE,
)  # fmt: skip
INVOICE = "invoice"  # totals per product have none
MOST, LONGEST = 20, 40  # columns that a message lists, characters of each
WORDS = (INVOICE, "stock_code", "description", "quantity", "invoice_time", "unit_price", *OPTIONAL[1:])
ADVERTISED = "advertised"  # a second kind of promotion: a line keeps the mean of both as its promotion
LINE_TOTAL = "line_total"  # where there is no unit price
CURRENCY = "currency"
TIME = "time"  # of day, where it has a column beside that of the date
STATUS, CANCELLED_AT = "status", "cancelled_at"  # of the order: one that was cancelled or refunded sold nothing
MAPPED = (*WORDS, ADVERTISED, LINE_TOTAL, CURRENCY, TIME, STATUS, CANCELLED_AT)
MOVES = (INVOICE, "quantity", "invoice_time")  # a list of products has none of these
BESIDE = " & "  # "Name & Lineitem sku": the first, in a table that has the second too
SEARCHED = 30  # first rows that may be the header
LOOKED_AT = 100  # first rows that say how wide a table is
Cells = Sequence[str | None]


def find_columns(
    table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The table's column for every word; optional words and the invoice may be missing.

    `known` lists names per word, the first that is there wins; `asked` names one column per word, which is then no
    guess for another. A shop that gives its products no codes knows them by their description. Case, blanks, `_`, `-`
    and `.` make no difference. Raises SourceError (a column is missing), ParameterError (no such word).
    """
    asked = asked or {}
    for word in (*known, *asked):
        if word not in MAPPED:
            raise ParameterError(f"the column mapping has {word!r}: it must be one of {', '.join(MAPPED)}.")
    there = _by_plain_name(table.frame.columns)
    found: dict[str, str] = {}
    for word, name in asked.items():
        if _plain(name) not in there:
            raise _missing(table, word, [name])
        found[word] = there[_plain(name)]
    without = _price_not_looked_for(asked)
    for word in (*REQUIRED, *MAPPED):
        if word in found or word in without or (word == LINE_TOTAL and "unit_price" in found):
            continue
        found |= _guessed(table, there, known, word, found)
    if not {"unit_price", LINE_TOTAL} & set(found):
        raise _missing(table, "unit_price", _names(known, "unit_price"))
    in_order = {word: found[word] for word in MAPPED if word in found}
    _check_used_once(table, in_order, asked)
    _check_stand_once(table, {word: column for word, column in in_order.items() if word not in asked})
    return in_order


def find_named(
    table: Table, words: Sequence[str], known: Mapping[str, Sequence[str]], asked: Mapping[str, str]
) -> dict[str, str]:
    """The table's column for each of the words that has one, by the name asked for or else by a known one."""
    there = _by_plain_name(table.frame.columns)
    found: dict[str, str] = {}
    for word in words:
        column = there.get(_plain(asked.get(word, ""))) or _guess(there, known, word, found.values())
        found |= {word: column} if column else {}
    return found


def count_named(
    columns: Sequence[str], known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None
) -> int:
    """How many words have a column among these, by a name that is known or asked for."""
    there, asked = _by_plain_name(columns), asked or {}
    named = [_plain(asked[word]) in there if word in asked else bool(_guess(there, known, word)) for word in MAPPED]
    return sum(named)


def _price_not_looked_for(asked: Mapping[str, str]) -> tuple[str, ...]:
    """A unit price says it all; a line's total that was asked for goes before a unit price that was not."""
    if "unit_price" in asked:
        return (LINE_TOTAL,)
    return ("unit_price",) if LINE_TOTAL in asked else ()


def holds_sales(table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None) -> bool:
    """Whether the table may hold sales: else it is a note, or a list of products, beside them.

    A column of a required word or of invoices makes sales of it; codes and prices alone do so where there are dates.
    """
    asked, there = asked or {}, _by_plain_name(table.frame.columns)
    if not table.frame.height:
        return False
    named = [word for word in (INVOICE, *REQUIRED) if word not in asked and _guess(there, known, word)]
    named += [word for word, name in asked.items() if _plain(name) in there]
    return bool(named) and (any(word in asked or word in MOVES for word in named) or _has_dates(table.frame))


def has_columns(table: Table, columns: Sequence[Sequence[str]]) -> bool:
    """Whether the table has every one of the columns, in any of its spellings."""
    there = {_plain(column) for column in table.frame.columns}
    return all(any(_plain(name) in there for name in spellings) for spellings in columns)


def rename(table: Table, columns: Mapping[str, str]) -> pl.DataFrame:
    """The table's mapped columns, called by the words."""
    return table.frame.select(pl.col(column).alias(word) for word, column in columns.items())


def _has_dates(frame: pl.DataFrame) -> bool:
    """Whether a column's first values are dates."""
    first = [column for column in frame.head(100) if column.dtype == pl.String or column.dtype.is_temporal()]
    return any(column.count() and read_times(column, True)[0].count() > column.count() / 2 for column in first)


def _guessed(
    table: Table, there: Mapping[str, str], known: Mapping[str, Sequence[str]], word: str, found: Mapping[str, str]
) -> dict[str, str]:
    """The column for a word, if any; where there are no codes, that of the description for both."""
    column = _guess(there, known, word, found.values())
    if word == "stock_code" and column is None:
        described = found.get("description") or _guess(there, known, "description", found.values())
        if described:
            return {"stock_code": described, "description": described}
    if column is None and word in REQUIRED and word != "unit_price":
        column = _guess(there, known, word)  # which is then taken twice
        if column is None:
            raise _missing(table, word, _names(known, word))
    return {word: column} if column else {}


def _names(known: Mapping[str, Sequence[str]], word: str) -> list[str]:
    return [*known.get(word, ()), word]


def _guess(
    there: Mapping[str, str], known: Mapping[str, Sequence[str]], word: str, taken: Collection[str] = ()
) -> str | None:
    """The column by the first of the word's names that is there and free."""
    for name in _names(known, word):
        first, *beside = (_plain(part) for part in name.split(BESIDE))
        if first in there and there[first] not in taken and all(part in there for part in beside):
            return there[first]
    return None


def _by_plain_name(columns: Sequence[str]) -> dict[str, str]:
    """The columns by their plain names, of equal ones the first."""
    return {plain: column for column in reversed(columns) if (plain := _plain(column))}


def _plain(name: str) -> str:
    return "".join(c for c in name.strip().strip("\ufeff").lower() if c not in " _-.")


def _missing(table: Table, word: str, names: Sequence[str]) -> SourceError:
    total = ", or the line's total: --column line_total=NAME" if word == "unit_price" else ""
    header = f", in row {table.facts['header_row']}," if "header_row" in table.facts else ""
    return SourceError(
        f"{table.name} has no column for {word} (looked for {', '.join(names)}; its columns{header} are "
        f"{_shortened(table.frame.columns)}).",
        f"name it: --column {word}=NAME{total}, or add its name to ingest.columns.{word} in params.yaml.",
    )


def _shortened(columns: Sequence[str]) -> str:
    """The first column names, shortened: a file that is not a table may have a page of text in its header."""
    names = [name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in columns[:MOST]]
    return ", ".join(names) + (f" and {len(columns) - MOST} more" if len(columns) > MOST else "")


def _check_used_once(table: Table, found: Mapping[str, str], asked: Mapping[str, str]) -> None:
    for word, column in found.items():
        twice = [other for other in found if found[other] == column and other != word]
        if {word, *twice} == {"stock_code", "description"} and not {word, *twice} <= set(asked):
            continue  # known by its description
        if twice:
            raise SourceError(
                f"{table.name}: the column {column!r} is taken for {word} and for {twice[0]}.",
                f"name them apart: --column {word}=NAME --column {twice[0]}=NAME.",
            )


def _check_stand_once(table: Table, guessed: Mapping[str, str]) -> None:
    """Raises SourceError where another column with the same name holds something else."""
    for word, column in guessed.items():
        for i, other in enumerate(table.frame.columns):
            # what readers call a column whose name another has already
            again = other in (f"{column}_1", f"{column}_{i}") or other.startswith(f"{column}_duplicated_")
            if again and not table.frame[other].equals(table.frame[column]):
                raise SourceError(
                    f"{table.name}: the column {column!r} ({word}) stands twice in the header, with different values.",
                    f'--column "{word}={column}" takes the first, --column "{word}={other}" the second.',
                )


def with_header(table: Table | CellGrid, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> Table:
    """The table below its header. Raises SourceError when there is nothing."""
    return table if isinstance(table, Table) else table.below(find_header(table.top, known, asked) + 1)


def find_header(top: Sequence[Cells], known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> int:
    """The index of the row that names the most words by names that are known or asked for, of equal ones the first.

    Where no row names two of them: of the rows that are as wide as most, the first that is all text.
    """
    named = [count_named([cell or "" for cell in cells], known, asked) for cells in top[:SEARCHED]]
    if max(named, default=0) > 1:
        return named.index(max(named))
    usual = usual_width(top)
    wide = [index for index, cells in enumerate(top[:SEARCHED]) if width_of(cells) == usual]
    return next((index for index in wide if _is_text(top[index])), wide[0] if wide else 0)


def usual_width(rows: Sequence[Cells]) -> int:
    """The width that most rows have, of those that are not empty."""
    widths = Counter(width for row in rows if (width := width_of(row)))
    return widths.most_common(1)[0][0] if widths else 0


def width_of(cells: Cells) -> int:
    """The number of cells up to the last one that is filled."""
    return max((i for i, cell in enumerate(cells, start=1) if (cell or "").strip()), default=0)


def _is_text(cells: Cells) -> bool:
    """Whether every filled cell is a word, no number or date."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return all(any(c.isalpha() for c in cell) and not cell[0].isdigit() for cell in filled)


class Refusal(NamedTuple):
    """A table that is left out, and what would be the error if there were no other."""

    name: str
    message: str
    hint: str


def with_sales(
    tables: Sequence[Table], known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None
) -> tuple[list[Table], list[Refusal]]:
    """The tables that may hold sales, and the others."""
    used = [table for table in tables if holds_sales(table, known, asked)]
    return used, [_refusal(table, known, asked) for table in tables if not holds_sales(table, known, asked)]


def check_any(used: Sequence[object], left_out: Sequence[Refusal]) -> None:
    """Raises SourceError when no table is used."""
    if not used and len(left_out) == 1:
        raise SourceError(left_out[0].message, left_out[0].hint)
    if not used:
        names = ", ".join(refusal.name for refusal in left_out)
        kind = "sheets" if all(refusal.name.endswith("]") for refusal in left_out) else "files"
        raise SourceError(f"none of the {kind} {names} holds sales lines.", "name the columns: --column.")


def _refusal(table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> Refusal:
    try:
        find_columns(table, known, asked)
    except SourceError as error:
        return Refusal(table.name, error.message, error.hint)
    return Refusal(table.name, f"{table.name} has no row below its header.", "was the export cut off?")
