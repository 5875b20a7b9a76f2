"""Reads columns of text: codes (also those a spreadsheet spoilt), invoices, customers, yes or no."""

from collections.abc import Iterator, Sequence

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.numbers import read_numbers
from pricewright.ingest.tables import Table

ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d+$"  # 4.00638E+12: what a spreadsheet shows of a long number
CODE_COUNTS = {"stock_code": pl.String, "described": pl.String, "lines": pl.UInt32}
CAPITALS = 0.9  # of the lines whose code has several spellings: from this share on the shop writes in capitals
YES = ("yes", "y", "true", "t", "in stock", "instock", "available")
NO = ("no", "n", "false", "f", "out of stock", "outofstock", "unavailable", "sold out")


def read_texts(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """The values as stripped text; null where blank or one of `missing` (in lower case). Numbers lose a `.0`.

    Writing numbers and times as text is slow, so each different one is written once.
    """
    if column.dtype.is_nested():
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    if column.dtype == pl.String:
        return _without_missing(column.str.strip_chars(), missing)
    if column.dtype.is_float():
        column = _whole(column.fill_nan(None))
    different = column.unique().drop_nulls()
    written = _without_missing(different.cast(pl.String, strict=False).str.strip_chars(), missing)
    texts = pl.DataFrame({"value": different, "text": written})
    read = column.alias("value").to_frame().join(texts, on="value", how="left", maintain_order="left")
    return read["text"].alias(column.name)


def _whole(column: pl.Series) -> pl.Series:
    """Whole numbers as integers, for those of 17 digits and more are written as 4.0e16; others as they are."""
    whole = column.cast(pl.Int64, strict=False)
    return whole if (whole.cast(column.dtype) == column).all() else column


def _without_missing(text: pl.Series, missing: Sequence[str]) -> pl.Series:
    if text.str.contains(".0", literal=True).any():  # a look that costs a sixth of the replacing
        text = text.str.replace(r"^(-?\d+)\.0+$", "${1}")
    short = text.str.len_chars() <= max(map(len, missing), default=0)  # few are: no others need to be looked at
    found = text.filter(short.fill_null(False)).unique()
    absent = found.filter(found.str.to_lowercase().is_in(["", *missing]))
    return text.set(text.is_in(absent.implode()).fill_null(False), None) if len(absent) else text


def check_codes(table: Table, column: str, codes: pl.Series, different: pl.Series) -> None:
    """Raises SourceError when a spreadsheet rounded codes (of which `different` has each once): products became one."""
    if different.str.contains(ROUNDED).any():
        rounded = codes.str.contains(ROUNDED).fill_null(False)
        first = rounded.arg_max() or 0
        raise SourceError(
            f"{table.name}: the column {column!r} (stock_code) holds {rounded.sum()} codes that a spreadsheet rounded "
            f"(first: row {table.row(first)}, {codes[first]!r}): different products have become one.",
            "format the column as text in the spreadsheet, and export it again.",
        )


def in_one_spelling(codes: pl.Series, different: pl.Series, descriptions: pl.Series | None) -> pl.Series:
    """A table's codes, of which `different` has each once, in one spelling for each product; see `one_spelling`."""
    capitals = different.drop_nulls().str.to_uppercase()
    if capitals.n_unique() == len(capitals):
        return codes
    several = different.drop_nulls().filter(capitals.is_duplicated())
    found = pl.DataFrame(
        {"stock_code": codes, "description": descriptions}, schema_overrides={"description": pl.String}
    )
    spelled = one_spelling(code_counts(found.filter(codes.is_in(several.implode()))))
    return codes.replace(spelled) if spelled else codes


def code_counts(lines: pl.DataFrame) -> pl.DataFrame:
    """CODE_COUNTS: how many lines each code with letters has by description, whose case and blanks do not count."""
    codes = lines["stock_code"].unique().drop_nulls()
    lettered = codes.filter(codes.str.to_uppercase() != codes.str.to_lowercase())
    counted = lines.filter(pl.col("stock_code").is_in(lettered.implode())).group_by("stock_code", "description").len()
    described = pl.col("description").str.to_uppercase().str.replace_all(r"\s+", " ")
    return counted.select("stock_code", described.alias("described"), pl.col("len").alias("lines")).cast(CODE_COUNTS)  # type: ignore[arg-type]


def one_spelling(counts: pl.DataFrame) -> dict[str, str]:
    """By code, the spelling in use of the same product; those that keep their own are left out.

    Spellings that differ in case only are one product where they share a description or one of them has none. The
    most frequent is used, or the one in capitals in a shop that nearly always writes so.
    """
    counts = counts.filter(pl.col("stock_code").n_unique().over(pl.col("stock_code").str.to_uppercase()) > 1)
    spellings = counts.group_by("stock_code").agg(pl.col("described").drop_nulls(), pl.col("lines").sum())
    spellings = spellings.with_columns(capitals=pl.col("stock_code").str.to_uppercase())
    lines = spellings.group_by(pl.col("stock_code") == pl.col("capitals")).agg(pl.col("lines").sum()).rows()
    share = dict(lines).get(True, 0) / max(sum(count for _, count in lines), 1)
    spellings = spellings.with_columns(first=(pl.col("stock_code") == pl.col("capitals")) & (share >= CAPITALS))
    in_order = spellings.sort(["first", "lines", "stock_code"], descending=[True, True, False])
    groups = in_order.partition_by("capitals", maintain_order=True)
    return {code: used for group in groups for code, used in _joined(group) if code != used}


def _joined(spellings: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Each spelling of a code, in order, with the first before it that is the same product, else with itself."""
    products: dict[str, set[str]] = {}
    for code, described in spellings.select("stock_code", "described").iter_rows():
        own = set(described)
        used = next((used for used, known in products.items() if not own or not known or own & known), code)
        products.setdefault(used, set()).update(own)
        yield code, used


def read_shares(texts: pl.Series) -> pl.Series:
    """The texts as f64 from 0 (no) to 1 (yes), null where they are neither a word nor such a number. Never raises."""
    different = texts.unique(maintain_order=True).drop_nulls()
    words = different.str.strip_chars().str.to_lowercase()
    answers = dict.fromkeys(YES, 1.0) | dict.fromkeys(NO, 0.0)
    answered = words.replace_strict(answers, default=None, return_dtype=pl.Float64)
    numbers = read_numbers(words.set(answered.is_not_null(), None))
    values = answered.fill_null(numbers.set(~numbers.is_between(0, 1).fill_null(False), None))
    return texts.replace_strict(different, values, default=None, return_dtype=pl.Float64)


def read_flags(texts: pl.Series) -> pl.Series:
    """The texts as Boolean: a word that says yes, or a share or units on hand above zero.

    Null where they are none of these; units below zero are an error of the books, which says nothing of the shelf.
    """
    different = texts.unique(maintain_order=True).drop_nulls()
    numbers = read_numbers(different)
    on_hand = numbers.set(numbers < 0, None) > 0
    return texts.replace_strict(
        different, (read_shares(different) > 0).fill_null(on_hand), default=None, return_dtype=pl.Boolean
    )


def odd_values(table: Table, named: pl.DataFrame, missing: Sequence[str]) -> dict[str, str]:
    """Facts of a table about values that are hardly meant so: units on hand below zero, rates of tax of 1 and more."""
    return _negative_stock(table, named, missing) | _odd_rates(table, named, missing)


def _negative_stock(table: Table, named: pl.DataFrame, missing: Sequence[str]) -> dict[str, str]:
    """How many rows say that units on hand are below zero, and the first of them; empty where none does."""
    if "in_stock" not in named.columns:
        return {}
    texts = read_texts(named["in_stock"], missing)
    below = (read_numbers(texts) < 0).fill_null(False)
    if not below.any():
        return {}
    first = below.arg_max() or 0
    return {"negative_stock": f"{below.sum():,} rows (first: row {table.row(first)}, {texts[first]!r})"}


def _odd_rates(table: Table, named: pl.DataFrame, missing: Sequence[str]) -> dict[str, str]:
    """How many rates of tax are above 1 and taken for per cent, and how many are none; with the first of each."""
    if "tax_rate" not in named.columns:
        return {}
    texts = read_texts(named["tax_rate"], missing)
    unread = texts.is_not_null() & read_rates(texts).is_null()
    per_cent = (read_numbers(texts) >= 1).fill_null(False) & ~unread
    found = {"tax_rates_per_cent": per_cent, "tax_rates_unread": unread}
    return {
        name: f"{rows.sum():,} rows (first: row {table.row(rows.arg_max() or 0)}, {texts[rows.arg_max() or 0]!r})"
        for name, rows in found.items()
        if rows.any()
    }


def read_rates(texts: pl.Series) -> pl.Series:
    """Rates of tax as f64 from 0 to 1, null where they are none; 20 and 20% are 0.20. Never raises."""
    different = texts.unique(maintain_order=True).drop_nulls()
    rates = read_numbers(different.str.strip_suffix("%"))
    rates = (rates / 100).zip_with((rates >= 1) | different.str.ends_with("%"), rates)
    rates = rates.set(~rates.is_between(0, 1).fill_null(False), None)
    return texts.replace_strict(different, rates, default=None, return_dtype=pl.Float64)
