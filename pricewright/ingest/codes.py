"""Codes of products: as the file has them, one spelling for each product, and none that a spreadsheet has spoilt."""

from collections.abc import Iterator

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.table import Table

ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d+$"  # 4.00638E+12: what a spreadsheet shows of a long number
SAID = {"stock_code": pl.String, "described": pl.String, "lines": pl.UInt32}
CAPITALS = 0.9  # of the lines whose code has several spellings: from this share on the shop writes in capitals


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
    spelled = one_spelling(said_of(found.filter(codes.is_in(several.implode()))))
    return codes.replace(spelled) if spelled else codes


def said_of(lines: pl.DataFrame) -> pl.DataFrame:
    """SAID: how many lines each code with letters has by description, whose case and blanks do not count."""
    codes = lines["stock_code"].unique().drop_nulls()
    lettered = codes.filter(codes.str.to_uppercase() != codes.str.to_lowercase())
    counted = lines.filter(pl.col("stock_code").is_in(lettered.implode())).group_by("stock_code", "description").len()
    described = pl.col("description").str.to_uppercase().str.replace_all(r"\s+", " ")
    return counted.select("stock_code", described.alias("described"), pl.col("len").alias("lines")).cast(SAID)  # type: ignore[arg-type]


def one_spelling(said: pl.DataFrame) -> dict[str, str]:
    """By code, the spelling in use of the same product; those that keep their own are left out.

    Spellings that differ in case only are one product where they share a description or one of them has none. The
    most frequent is used, or the one in capitals in a shop that nearly always writes so.
    """
    said = said.filter(pl.col("stock_code").n_unique().over(pl.col("stock_code").str.to_uppercase()) > 1)
    spellings = said.group_by("stock_code").agg(pl.col("described").drop_nulls(), pl.col("lines").sum())
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
