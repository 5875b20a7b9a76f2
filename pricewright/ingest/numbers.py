"""Columns of numbers as shops write them: 2.55, "2,55", "1.234,50", "1,25,500.00", "£2.55", "(3)", "12.-", "Rp150.000".

A value that is well formed with a decimal comma and not with a decimal point proves the comma, and the other way round;
"1,234" is unclear. What such a value means is decided by notation.py over the whole table.
"""

import polars as pl

from pricewright.ingest.currencies import CODES

COMMA, POINT = ",", "."
OTHER = {COMMA: POINT, POINT: COMMA}
WORD = r"(?:[\p{L}\p{M}]+[./]*)+\p{Sc}?|\p{Sc}"  # EUR, kr., R$, S/., €
LAYOUT = (
    rf"^(?<open>\()? ?(?<minus>[-+])? ?(?<before>{WORD})? ?(?<inner_open>\()?(?<inner_minus>-)? ?"
    rf"(?<number>[.,]?\d[\d.,' ]*?(?:[eE][+-]?\d+)?) ?(?<minus_after>-)?(?<inner_close>\))? ?"
    rf"(?<after>{WORD})? ?(?<minus_last>-)?(?<close>\))?$"
)
MINUSES = ("minus", "inner_minus", "minus_after", "minus_last")
ARABIC = {**{chr(0x660 + digit): str(digit) for digit in range(10)}, "٫": COMMA, "٬": "'"}


def _well_formed(decimal: str, group: str) -> str:
    """No group of thousands begins with 0, all have three digits, and one sign stands between all of them."""
    wholes = [r"\d+", *(rf"[1-9]\d{{0,2}}(?:[{sign}]\d{{3}})+" for sign in (group, "'"))]
    if group == COMMA:
        wholes.append(r"[1-9]\d?(?:,\d{2})+,\d{3}")  # lakhs and crores
    return rf"^(?:(?:{'|'.join(wholes)})(?:[{decimal}]\d*)?|[{decimal}]\d+)(?:[eE][+-]?\d+)?$"


WELL_FORMED = {decimal: _well_formed(decimal, group) for decimal, group in OTHER.items()}


def read_numbers(column: pl.Series, decimal: str | None = None) -> pl.Series:
    """The values as f64, null where they are no finite number. Never raises.

    decimal: the sign before the decimals of a column with a value that is unclear. Any other is read with the sign that
    more of its different values prove.
    """
    if column.dtype.is_numeric():
        number = column.cast(pl.Float64, strict=False)
    elif column.dtype == pl.String:
        number = _read_text(column, decimal)
    else:
        number = pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    return number.set(~number.is_finite().fill_null(True), None)


def _read_text(column: pl.Series, decimal: str | None) -> pl.Series:
    """Each different text is read once; prices and quantities repeat."""
    different = column.unique(maintain_order=True).drop_nulls()
    parts = take_apart(different)
    proofs = count_proofs(parts)
    if decimal is None or (proofs and not unclear(parts).any()):
        decimal = COMMA if proofs > 0 else POINT
    plain = parts["number"].set(~parts["number"].str.contains(WELL_FORMED[decimal]), None)
    plain = plain.str.replace_all(f"['{OTHER[decimal]}]", "").str.replace(decimal, ".", literal=True)
    values = plain.cast(pl.Float64, strict=False) * parts["sign"]
    return column.replace_strict(different, values, default=None, return_dtype=pl.Float64)


def take_apart(texts: pl.Series) -> pl.DataFrame:
    """number (digits and signs, a blank between digits as '), sign (1 or -1), before and after (the currency's words).

    All null where a text is no number with at most one minus, brackets that close, and words of currencies.
    """
    clean = texts.str.normalize("NFKC").str.replace_all(r"[\u200e\u200f]", "").str.replace_many(ARABIC)
    clean = clean.str.replace_all(r"[−–—]", "-").str.replace_all("[’`´]", "'").str.replace_all(r"\s+", " ")
    clean = clean.str.strip_chars().str.replace(r"(\d[.,]?) ?/-", "${1}")  # 500/- is 500
    clean = clean.str.replace(r"(\d[.,]) ?-{1,2}", "${1}")  # 12.- is 12
    parts = clean.str.extract_groups(LAYOUT).struct.unnest()
    brackets = pl.col("open").is_not_null() | pl.col("inner_open").is_not_null()
    closed = pl.col("close").is_not_null() | pl.col("inner_close").is_not_null()
    minuses = sum((pl.col(name).eq("-").fill_null(False).cast(pl.Int8) for name in MINUSES), brackets.cast(pl.Int8))
    fine = (brackets == closed) & (minuses <= 1) & _currency("before") & _currency("after")
    return parts.select(
        pl.when(fine).then(pl.col("number").str.strip_chars(" ").str.replace_all(" ", "'")).alias("number"),
        sign=pl.when(minuses == 1).then(-1.0).otherwise(1.0),
        before=pl.col("before"),
        after=pl.col("after"),
    )


def count_proofs(parts: pl.DataFrame) -> int:
    """How many more of the values prove a decimal comma than a decimal point."""
    comma, point = (parts["number"].str.contains(WELL_FORMED[sign]) for sign in (COMMA, POINT))
    return int((comma & ~point).sum()) - int((point & ~comma).sum())


def unclear(parts: pl.DataFrame) -> pl.Series:
    """Whether a value has a sign and is well formed either way, as 1,234 is; False where it is no number."""
    number = parts["number"]
    both = number.str.contains(WELL_FORMED[COMMA]) & number.str.contains(WELL_FORMED[POINT])
    return (both & number.str.contains("[.,]")).fill_null(False)


def _currency(name: str) -> pl.Expr:
    word = pl.col(name).str.to_lowercase().str.strip_chars_end(".")
    return word.is_null() | word.is_in(list(CODES)) | word.str.contains("^[a-z]{3}$")
