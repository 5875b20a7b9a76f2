"""Which column of a table holds what: the names that params.yaml knows, overlaid by the ones asked for."""

from collections.abc import Mapping, Sequence

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.table import Table

REQUIRED = ("stock_code", "quantity", "invoice_time", "unit_price")
OPTIONAL = ("description", "customer_id", "country", "unit_cost", "category", "promotion", "channel", "in_stock")
INVOICE = "invoice"  # totals per product have none
MOST, LONGEST = 20, 40  # columns that a message lists, characters of each
WORDS = (INVOICE, "stock_code", "description", "quantity", "invoice_time", "unit_price", *OPTIONAL[1:])
ADVERTISED = "advertised"  # a second kind of promotion: a line keeps the mean of both as its promotion
LINE_TOTAL = "line_total"  # where there is no unit price
CURRENCY = "currency"
MAPPED = (*WORDS, ADVERTISED, LINE_TOTAL, CURRENCY)


def find_columns(
    table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The table's column for every word; optional words and the invoice may be missing.

    `known` lists names per word, the first that is there wins; `asked` names one column per word, which is then no
    guess for a word that may be missing. Case, blanks, `_`, `-` and `.` make no difference. Raises SourceError (a
    column is missing), ParameterError (no such word).
    """
    asked = asked or {}
    for word in (*known, *asked):
        if word not in MAPPED:
            raise ParameterError(f"the column mapping has {word!r}: it must be one of {', '.join(MAPPED)}.")
    by_plain_name = {_plain(column): column for column in reversed(table.frame.columns)}
    taken = {_plain(name) for name in asked.values()}
    found: dict[str, str] = {}
    without = _price_not_looked_for(asked)
    for word in MAPPED:
        if word in without or (word == LINE_TOTAL and "unit_price" in found):
            continue
        names = [asked[word]] if word in asked else [*known.get(word, ()), word]
        if word not in (*asked, *REQUIRED):
            names = [name for name in names if _plain(name) not in taken]
        column = next((by_plain_name[_plain(name)] for name in names if _plain(name) in by_plain_name), None)
        if column is not None:
            found[word] = column
        elif (word in REQUIRED and word != "unit_price") or word in asked:
            raise _missing(table, word, names)
    if not {"unit_price", LINE_TOTAL} & set(found):
        raise _missing(table, "unit_price", [*known.get("unit_price", ()), "unit_price"])
    _check_used_once(table, found)
    _check_stand_once(table, {word: column for word, column in found.items() if word not in asked})
    return found


def _price_not_looked_for(asked: Mapping[str, str]) -> tuple[str, ...]:
    """A unit price says it all; a line's total that was asked for goes before a unit price that was not."""
    if "unit_price" in asked:
        return (LINE_TOTAL,)
    return ("unit_price",) if LINE_TOTAL in asked else ()


def holds_sales(table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None) -> bool:
    """Whether the table has an invoice or a required column; a sheet without one is a note beside the sales."""
    columns = {_plain(column) for column in table.frame.columns}
    names = [name for word in (INVOICE, *REQUIRED) for name in (*known.get(word, ()), word)] + list(
        (asked or {}).values()
    )
    return any(_plain(name) in columns for name in names)


def rename(table: Table, columns: Mapping[str, str]) -> pl.DataFrame:
    """The table's mapped columns, called by the words."""
    return table.frame.select(pl.col(column).alias(word) for word, column in columns.items())


def _plain(name: str) -> str:
    return "".join(c for c in name.strip().strip("\ufeff").lower() if c not in " _-.")


def _missing(table: Table, word: str, names: Sequence[str]) -> SourceError:
    total = ", or the line's total: --column line_total=NAME" if word == "unit_price" else ""
    return SourceError(
        f"{table.name} has no column for {word} (looked for {', '.join(names)}; its columns are "
        f"{_shortened(table.frame.columns)}).",
        f"name it: --column {word}=NAME{total}, or add its name to ingest.columns.{word} in params.yaml.",
    )


def _shortened(columns: Sequence[str]) -> str:
    """The first names of the columns, none of them at length: a file that is no table may have a page in its header."""
    names = [name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in columns[:MOST]]
    return ", ".join(names) + (f" and {len(columns) - MOST} more" if len(columns) > MOST else "")


def _check_used_once(table: Table, found: Mapping[str, str]) -> None:
    for word, column in found.items():
        twice = [other for other in found if found[other] == column and other != word]
        if twice:
            raise SourceError(
                f"{table.name}: the column {column!r} is taken for {word} and for {twice[0]}.",
                f"name them apart: --column {word}=NAME --column {twice[0]}=NAME.",
            )


def _check_stand_once(table: Table, guessed: Mapping[str, str]) -> None:
    """Raises SourceError where another column with the same name holds something else."""
    for word, column in guessed.items():
        for place, other in enumerate(table.frame.columns):
            # what readers call a column whose name another has already
            again = other in (f"{column}_1", f"{column}_{place}") or other.startswith(f"{column}_duplicated_")
            if again and not table.frame[other].equals(table.frame[column]):
                raise SourceError(
                    f"{table.name}: the column {column!r} ({word}) stands twice in the header, with different values.",
                    f'--column "{word}={column}" takes the first, --column "{word}={other}" the second.',
                )
