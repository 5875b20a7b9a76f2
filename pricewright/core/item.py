"""What a price belongs to: a stock code today, a stock code in one store or zone once a shop prices by them.

text   85123A   85123A@12   A@B@           typed and read; the last @ parts the store from the code
path   85123A   85123A@12   A%40B   A%2FB  in URLs and keys; an @ of a code is encoded there, as are / : % and blanks
"""

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Self

from pricewright.core.errors import InvalidItem

LONGEST = 200  # characters of a code or a store
LONGEST_PATH = 2 * 12 * LONGEST  # of both in a URL: a character has at most 4 bytes, each written as %XX
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and halves of a pair of UTF-16
SHOWN = 60


@total_ordering
@dataclass(frozen=True, slots=True)
class Item:
    """One thing that has a price; ordered by stock code, and of one code first the item of no store.

    Raises InvalidItem for a code or a store that is blank, too long or holds control characters.
    """

    stock_code: str
    store: str | None = None

    def __post_init__(self) -> None:
        _check("stock_code", self.stock_code)
        if self.store is not None:
            _check("store", self.store)
            if "@" in self.store:
                raise InvalidItem(f"store is {self.store[:SHOWN]!r}: it holds an @.", "an @ parts code and store.")

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Item):
            return NotImplemented
        return (self.stock_code, self.store or "") < (other.stock_code, other.store or "")

    def __str__(self) -> str:
        """The text that a person types: the code as it is, an @ behind it if it holds one itself."""
        if self.store is not None:
            return f"{self.stock_code}@{self.store}"
        return f"{self.stock_code}@" if "@" in self.stock_code else self.stock_code

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of str. Raises InvalidItem.

        A text that str makes of no item, such as `@A` or `A@`, is a code as it stands.
        """
        code, _, store = text.rpartition("@")
        if code.strip() and store.strip():
            return cls(code, store)
        return cls(code if "@" in code and not store else text)

    @classmethod
    def of(cls, given: "Item | str") -> "Item":
        """The item itself, or that of a stock code as it stands in frames and files. Raises InvalidItem."""
        return given if isinstance(given, Item) else cls(given)

    @property
    def as_code(self) -> str:
        """The stock code, where no store has prices of its own: what was typed as A@B is one code there."""
        return self.stock_code if self.store is None else f"{self.stock_code}@{self.store}"

    @property
    def path(self) -> str:
        """The segment of a URL that names the item."""
        code = quoted(self.stock_code)
        return code if self.store is None else f"{code}@{quoted(self.store)}"

    @property
    def key(self) -> str:
        """Its part of a key in a cache: as in a URL, so that no `:` and no `/` of a code stands in it."""
        return self.path

    @classmethod
    def from_path(cls, segment: str) -> Self:
        """The inverse of path and key; decodes once, and nothing that is too long. Raises InvalidItem."""
        if len(segment) > LONGEST_PATH:
            raise _too_long("stock_code", segment)
        code, _, store = segment.rpartition("@")
        if code and store:
            return cls(_unquoted(code), _unquoted(store))
        return cls(_unquoted(segment))


def quoted(text: str) -> str:
    """Percent-encoded, all but letters, digits and -._~."""
    if text.isascii() and text.isalnum():
        return text
    from urllib.parse import quote

    return quote(text, safe="", errors="surrogatepass")


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _check(name: str, value: str) -> None:
    if value.isalnum() and len(value) <= LONGEST:
        return  # most codes, in half the time
    if len(value) > LONGEST:
        raise _too_long(name, value)
    if not value.strip():
        rule, hint = "it is blank", "give a code as it stands in the sales lines."
    elif UNWRITABLE.search(value):
        rule, hint = "it holds control characters", "leave out line breaks, tabs and the like around and in the code."
    else:
        return
    raise InvalidItem(f"{name} is {value[:SHOWN]!r}: {rule}.", hint)


def _too_long(name: str, value: str) -> InvalidItem:
    rule = f"{len(value):,} characters, at most {LONGEST} are allowed"
    return InvalidItem(f"{name} is {value[:SHOWN]!r}: {rule}.", "give the code alone, no other text.")
