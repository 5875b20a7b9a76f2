"""Which sign stands before decimals: decided over all number columns of a table, then over the whole source.

A value that can be read one way only proves its sign; so does a currency without decimals (Rp 150.000) or with three.
A column without an unclear value is read as it proves itself. Where no value proves anything, the separator of the file
speaks: semicolons stand where values have a decimal comma. They decide nothing of points in every value of a column.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.columns import LINE_TOTAL
from pricewright.ingest.currencies import THREE_DECIMALS, WHOLE
from pricewright.ingest.numbers import COMMA, OTHER, POINT, count_proofs, read_numbers, take_apart, unclear

MONEY = ("unit_price", "unit_cost", LINE_TOTAL)
NUMBERS = ("quantity", *MONEY)
Parts = Mapping[str, tuple[pl.Series, pl.DataFrame]]  # by word: different texts and what each is made of
WRITTEN = {COMMA: "1.234,50", POINT: "1,234.50"}
ASSUMED = "assumed: the separator or another file says so, no number here; --param ingest.decimal_sign={other}"


@dataclass(frozen=True)
class Signs:
    """proofs: different values that prove a decimal comma, less those that prove a point; leaning: the same of the
    separators; example: column, word and text of a value that can be read both ways, if any."""

    proofs: int = 0
    leaning: int = 0
    example: tuple[str, ...] = ()

    @staticmethod
    def total(tables: Iterable[Mapping[str, Any]]) -> "Signs":
        """The sum of what is known of tables under `signs`."""
        return sum((Signs(**table["signs"]) for table in tables), Signs())

    def __add__(self, other: "Signs") -> "Signs":
        return Signs(self.proofs + other.proofs, self.leaning + other.leaning, self.example or other.example)


def part_numbers(named: pl.DataFrame) -> Parts:
    """The different texts of the number columns, taken apart; `named` has its columns by word."""
    found = {}
    for word in NUMBERS:
        if word in named.columns and named[word].dtype == pl.String:
            texts = named[word].unique(maintain_order=True).drop_nulls()
            found[word] = (texts, take_apart(texts))
    return found


def weigh(parts: Parts, columns: Mapping[str, str], separator: str, codes: frozenset[str]) -> Signs:
    """What a table's texts say; `separator` is its file's, `codes` the currencies that its money can be in."""
    signs, thousands = Signs(), set()  # the signs that a column of quantities has in every value
    for word, (texts, taken) in parts.items():
        both = unclear(taken)
        written = taken["number"].filter(both)
        commas = int(written.str.contains(COMMA, literal=True).sum())
        proofs = count_proofs(taken) + (_by_currency(2 * commas - len(written), codes) if word in MONEY else 0)
        signs += Signs(proofs, 0, (columns[word], word, texts.filter(both)[0]) if len(written) else ())
        everywhere = 0 < len(written) == taken["number"].count()
        fixed = everywhere and not commas  # 2.990 in every line: three decimals as well as thousands
        if len(written) and not (fixed and separator == ";"):
            signs += Signs(0, _by_separator(separator, quoted=commas > 0))
        if word == "quantity" and everywhere:
            thousands |= {COMMA} if commas else {POINT}
    unlikely = (signs.leaning > 0 and POINT in thousands) or (signs.leaning < 0 and COMMA in thousands)
    return replace(signs, leaning=0) if unlikely else signs  # no shop sells a thousand pieces in every line


def _by_currency(balance: int, codes: frozenset[str]) -> int:
    """balance: values with three digits behind a comma, less those with a point; thousands where no cents are."""
    if codes and codes <= WHOLE:
        return -balance
    return balance if codes and codes <= THREE_DECIMALS else 0


def _by_separator(separator: str, *, quoted: bool) -> int:
    """Semicolons speak for a decimal comma; commas in values, which then stand in quotes, among commas against it."""
    return 1 if separator == ";" else -1 if separator == "," and quoted else 0


def decide_sign(own: Signs, source: Signs, asked: str | None) -> str | None:
    """`,` or `.`: as asked for, else what the table proves, else all tables of the source; None: nobody knows."""
    if asked is not None:
        if asked not in OTHER:
            raise ParameterError(f"ingest.decimal_sign is {asked!r}: it must be ',' or '.', or null to find it out.")
        return asked
    for balance in (own.proofs, source.proofs, own.leaning, source.leaning):
        if balance:
            return COMMA if balance > 0 else POINT
    return None if own.example else POINT


def ask(name: str, own: Signs) -> SourceError:
    """The error of a table whose numbers have two readings."""
    column, word, text = own.example
    comma, point = (read_numbers(pl.Series([text]), sign)[0] for sign in (COMMA, POINT))
    return SourceError(
        f"{name}: {text!r} in the column {column!r} ({word}) can be {comma:.12g} or {point:.12g}: no number of the "
        "source says whether a comma or a point stands before decimals.",
        f"--param ingest.decimal_sign={COMMA} ({comma:.12g}) or --param ingest.decimal_sign={POINT} ({point:.12g}).",
    )


def check_clear(tables: Iterable[tuple[str, Signs]], source: Signs, asked: str | None) -> None:
    """Raises SourceError for the first table, by name, whose numbers nothing in the source decides."""
    for name, own in tables:
        if decide_sign(own, source, asked) is None:
            raise ask(name, own)


def facts(own: Signs, decimal: str, currency: str, asked: str | None) -> dict[str, Any]:
    """What is said of a table's numbers where it writes them as text, and that it is a guess where it is one."""
    found = {"numbers": WRITTEN[decimal]} if own.proofs or own.example else {}
    if own.example and not own.proofs and asked is None:
        found["assumed"] = ASSUMED.format(other=OTHER[decimal])
    return found | ({"currency": currency} if currency else {})
