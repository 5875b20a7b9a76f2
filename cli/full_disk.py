"""A disk with no byte left, in whatever words the library that met it says so."""

import errno
from collections.abc import Iterator

from pricewright.core.errors import PricewrightError

FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
WORDS = ("no space left on device", "(os error 27)", "(os error 122)", "disk is full")  # of Polars, obstore, SQLite


def full_disk(error: BaseException) -> PricewrightError | None:
    """The error to show where a full disk is behind this one; None where it is something else."""
    for cause in causes(error):
        known = isinstance(cause, OSError) and cause.errno in FULL
        if known or any(words in str(cause).lower() for words in WORDS):
            where = getattr(cause, "filename", None) or cause
            return PricewrightError(
                f"the disk is full: {where}.", hint="make room and run it again; what was whole is kept."
            )
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that stand behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
