"""The words that shops write beside money, and the currencies (ISO 4217) that each can stand for.

After the symbols of Unicode's CLDR and the local words of tills and ledgers; a word of three letters is a code itself.
"""

from collections.abc import Iterable

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
