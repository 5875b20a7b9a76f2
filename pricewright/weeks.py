"""ISO weeks by name, such as 2011-W49."""

import re
from datetime import date

from pricewright.core.errors import ParameterError

NAME = re.compile(r"^(\d{4})-W(\d{2})$")


def monday_of(week: str) -> date:
    """The Monday that a week begins with. Raises ParameterError when there is no such week."""
    found = NAME.match(week)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else _none(week)
    except ValueError:
        return _none(week)


def _none(week: str) -> date:
    raise ParameterError(f"{week!r} is no week.", "write year and ISO week, as 2011-W49.") from None
