"""Columns of numbers as shops write them: 2.55, "2,55", "1.234,50", "1,25,500.00", "£2.55", "(3)", "12.-", "Rp150.000".

A value that is well formed with a decimal comma and not with a decimal point proves the comma, and the other way round;
"1,234" is unclear: the numbers of the whole table decide what it means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.columns import COMPETITOR_PRICE, LINE_TOTAL

_DOLLARS = "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU BRL NAD JMD TTD BSD BBD FJD"
_WORDS = {
    "€": "EUR", "£": "GBP", "$": _DOLLARS, "¥": "JPY CNY", "円": "JPY", "元": "CNY TWD", "us$": "USD",
    "u$s": "USD", "c$": "CAD NIO", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "s$": "SGD", "hk$": "HKD",
    "nt$": "TWD", "mx$": "MXN", "r$": "BRL", "n$": "NAD", "s/": "PEN", "b/": "PAB", "q": "GTQ", "l": "HNL",
    "bs": "BOB VES", "gs": "PYG", "₲": "PYG", "₡": "CRC", "kr": "SEK NOK DKK ISK", "fr": "CHF", "sfr": "CHF",
    "zł": "PLN", "zl": "PLN", "kč": "CZK", "kc": "CZK", "ft": "HUF", "lei": "RON MDL", "leu": "RON MDL", "лв": "BGN",
    "lv": "BGN", "kn": "HRK", "din": "RSD", "дин": "RSD", "ден": "MKD", "₽": "RUB", "руб": "RUB BYN", "р": "RUB BYN",
    "₴": "UAH", "грн": "UAH", "₸": "KZT", "₾": "GEL", "₼": "AZN", "₺": "TRY", "tl": "TRY", "₪": "ILS", "₹": "INR",
    "rs": "INR PKR LKR NPR MUR", "৳": "BDT", "tk": "BDT", "₩": "KRW", "원": "KRW", "₫": "VND", "đ": "VND", "rp": "IDR",
    "rm": "MYR", "฿": "THB", "₱": "PHP", "₭": "LAK", "៛": "KHR", "₮": "MNT", "r": "ZAR", "₦": "NGN",
    "₵": "GHS", "gh₵": "GHS", "ksh": "KES", "tsh": "TZS", "ush": "UGX", "sh": "KES TZS UGX", "cfa": "XOF XAF",
    "fcfa": "XOF XAF", "e£": "EGP", "le": "EGP", "د.إ": "AED", "dhs": "AED MAD", "dh": "AED MAD", "ر.س": "SAR",
    "sr": "SAR", "ر.ق": "QAR", "qr": "QAR", "د.ك": "KWD", "kd": "KWD", "د.ب": "BHD", "bd": "BHD", "ر.ع": "OMR",
    "د.أ": "JOD", "jd": "JOD", "د.ت": "TND", "dt": "TND", "د.م": "MAD", "ج.م": "EGP", "ع.د": "IQD", "ریال": "IRR",
    "ريال": "SAR IRR QAR OMR YER", "تومان": "IRR", "د.ج": "DZD", "da": "DZD",
}  # fmt: skip
CODES = {word: frozenset(codes.split()) for word, codes in _WORDS.items()}
# Currencies whose prices have no decimals, so that three digits behind a sign are thousands; and those with three.
WHOLE = frozenset("IDR KRW VND JPY CLP COP PYG ISK IRR LAK KHR UGX TZS MMK MNT XOF XAF LBP IQD".split())  # noqa: SIM905
THREE_DECIMALS = frozenset("KWD BHD OMR JOD TND LYD".split())  # noqa: SIM905
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
MONEY = ("unit_price", "unit_cost", LINE_TOTAL, COMPETITOR_PRICE)
NUMBERS = ("quantity", *MONEY)
Parts = Mapping[str, tuple[pl.Series, pl.DataFrame]]  # by word: different texts and what each is made of
WRITTEN = {COMMA: "1.234,50", POINT: "1,234.50"}
ASSUMED = "assumed: the separator or another file says so, no number here; --param ingest.decimal_sign={other}"


def codes_of(word: str) -> frozenset[str]:
    """The currencies that a word can stand for."""
    plain = word.strip().lower().rstrip(".")
    return CODES.get(plain, frozenset([plain.upper()]))


def common(words: Iterable[str]) -> frozenset[str]:
    """The currencies that all the words can stand for: none where they name two."""
    found: frozenset[str] | None = None
    for word in words:
        found = codes_of(word) if found is None else found & codes_of(word)
    return found or frozenset()


def shown(words: Iterable[str]) -> str:
    """The code where the words leave one, or else the word itself."""
    words = list(words)
    codes = common(words)
    return next(iter(codes)) if len(codes) == 1 else min(words, default="")


def _well_formed(decimal: str, group: str) -> str:
    """No group of thousands begins with 0, all have three digits, and one sign stands between all of them."""
    wholes = [r"\d+", *(rf"[1-9]\d{{0,2}}(?:[{sign}]\d{{3}})+" for sign in (group, "'"))]
    if group == COMMA:
        wholes.append(r"[1-9]\d?(?:,\d{2})+,\d{3}")  # lakhs and crores
    return rf"^(?:(?:{'|'.join(wholes)})(?:[{decimal}]\d*)?|[{decimal}]\d+)(?:[eE][+-]?\d+)?$"


WELL_FORMED = {decimal: _well_formed(decimal, group) for decimal, group in OTHER.items()}


def read_numbers(column: pl.Series, decimal: str | None = None) -> pl.Series:
    """The values as f64, null where they are not finite numbers. Never raises.

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
    """Whether a value has a sign and is well formed either way, as 1,234 is; False where it is not a number."""
    number = parts["number"]
    both = number.str.contains(WELL_FORMED[COMMA]) & number.str.contains(WELL_FORMED[POINT])
    return (both & number.str.contains("[.,]")).fill_null(False)


def _currency(name: str) -> pl.Expr:
    word = pl.col(name).str.to_lowercase().str.strip_chars_end(".")
    return word.is_null() | word.is_in(list(CODES)) | word.str.contains("^[a-z]{3}$")


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
