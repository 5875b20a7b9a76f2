"""What a caller asks about a price, read from the parameters of a request."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from pricewright.core.decision import Objective
from pricewright.core.errors import ParameterError
from pricewright.core.item import LONGEST, Item
from pricewright.core.models import NETWORK

LEAST_BINS, MOST_BINS = 2, 1000
MOST_PRICE = 1e9


class Complaint(NamedTuple):
    """What is wrong with one parameter: the value seen, and the rule."""

    parameter: str
    value: str
    rule: str


class InvalidQuery(ParameterError):
    """One or more parameters of a request break their rules."""

    def __init__(self, complaints: list[Complaint], hint: str = "") -> None:
        super().__init__("; ".join(f"{it.parameter} is {it.value}: {it.rule}" for it in complaints), hint)
        self.complaints = complaints


class Query(NamedTuple):
    """None: what the release says. The range is that of the curve; prices are recommended within the guardrail."""

    unitprice_min: float | None = None
    unitprice_max: float | None = None
    num_price_bins: int | None = None
    objective: Objective | None = None
    unit_cost: float | None = None
    model: str = NETWORK

    def key(self) -> str:
        """The same text for the same question, as part of a cache's key."""
        return ",".join(["" if value is None else str(value) for value in self])


PARAMETERS = Query._fields
STORE = "store"
ITEM_FIELDS = {"stock_code", STORE}


def with_store(item: Item, given: Mapping[str, Any]) -> Item:
    """The item of a path in the store of the parameters, if they name one. Raises InvalidQuery and InvalidItem."""
    complaints: list[Complaint] = []
    store = read_store(given, complaints)
    if complaints:
        raise InvalidQuery(complaints)
    return Item(item.stock_code, store) if store else item


def read_store(given: Mapping[str, Any], complaints: list[Complaint]) -> str:
    """The store of a request, empty where it names none."""
    store = given.get(STORE)
    if store is None or isinstance(store, str):
        return store or ""
    complaints.append(Complaint(STORE, shown(store), "the name of a store is needed."))
    return ""


def read_items(given: Mapping[str, Any], complaints: list[Complaint]) -> list[Item]:
    """The items of a body: `stock_codes`, in `store` where it names one, and `items`, each with a store of its own.

    Raises InvalidItem.
    """
    store, codes, named = read_store(given, complaints), given.get("stock_codes"), given.get("items")
    if codes is not None and not (isinstance(codes, list) and codes and all(isinstance(code, str) for code in codes)):
        complaints.append(Complaint("stock_codes", shown(codes), "a list of at least one SKU is needed."))
        codes = None
    if named is not None and not (isinstance(named, list) and named and all(map(_is_item, named))):
        rule = 'a list of at least one {"stock_code": ..., "store": ...} is needed.'
        complaints.append(Complaint("items", shown(named), rule))
        named = None
    items = [Item(code, store or None) for code in codes or ()]
    items += [Item(each["stock_code"], each.get(STORE) or None) for each in named or ()]
    return list(dict.fromkeys(items))


def _is_item(given: object) -> bool:
    if not isinstance(given, Mapping) or "stock_code" not in given or set(given) - ITEM_FIELDS:
        return False
    return isinstance(given["stock_code"], str) and isinstance(given.get(STORE) or "", str)


def read_query(given: Mapping[str, Any], tiers: tuple[str, ...]) -> Query:
    """The query of a request's parameters (text or JSON values). Raises InvalidQuery with all that is wrong.

    tiers: who can be asked, the models of the release and its price list.
    """
    complaints = [
        Complaint(name[:60], shown(value), f"not a parameter; there are {', '.join(PARAMETERS)}.")
        for name, value in given.items()
        if name not in PARAMETERS
    ]
    lowest = _number(given, "unitprice_min", 0.0, complaints, above=True)
    highest = _number(given, "unitprice_max", 0.0, complaints, above=True)
    if lowest is not None and highest is not None and lowest >= highest:
        complaints.append(Complaint("unitprice_min", f"{lowest:g}", f"must be below unitprice_max, {highest:g}."))
    bins = _number(given, "num_price_bins", LEAST_BINS, complaints, most=MOST_BINS, whole=True)
    cost = _number(given, "unit_cost", 0.0, complaints)
    objective = _choice(given, "objective", get_args(Objective), complaints)
    model = _choice(given, "model", tiers, complaints)
    if complaints:
        raise InvalidQuery(complaints)
    return Query(lowest, highest, None if bins is None else int(bins), objective, cost, model or NETWORK)  # type: ignore[arg-type]


def read_whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number among the parameters, None where there is none. Raises InvalidQuery."""
    complaints: list[Complaint] = []
    number = _number(given, name, least, complaints, most=most, whole=True)
    if complaints:
        raise InvalidQuery(complaints)
    return None if number is None else int(number)


def read_text(given: Mapping[str, Any], name: str) -> str:
    """A text among the parameters, empty where there is none. Raises InvalidQuery for one longer than any code."""
    text = str(given.get(name) or "")
    if len(text) > LONGEST:
        rule = f"{len(text):,} characters, at most {LONGEST} are allowed."
        raise InvalidQuery([Complaint(name, shown(text), rule)])
    return text


def _number(
    given: Mapping[str, Any],
    name: str,
    least: float,
    complaints: list[Complaint],
    *,
    above: bool = False,
    most: float = MOST_PRICE,
    whole: bool = False,
) -> float | None:
    """A number of any parameter: all of them are read here, so that digits are taken alike in each."""
    value = given.get(name)
    if value is None or value == "":
        return None
    number = _read(value)
    if least <= number <= most and not (above and number == least) and not (whole and number % 1):
        return number
    kind, bound = "whole number" if whole else "number", "above" if above else "of at least"
    complaints.append(Complaint(name, shown(value), f"a {kind} {bound} {least:g} and at most {most:g} is needed."))
    return None


def _read(value: Any) -> float:
    """A number as JSON or people write it, in the digits of any script; NaN for anything else."""
    if isinstance(value, bool) or (isinstance(value, str) and (len(value) > LONGEST or "_" in value)):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):  # the last: a whole number with more digits than a float holds
        return math.nan


def _choice(given: Mapping[str, Any], name: str, choices: tuple[str, ...], complaints: list[Complaint]) -> str | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if value in choices:
        return str(value)
    complaints.append(Complaint(name, shown(value), f"one of {', '.join(choices)} is needed."))
    return None


def shown(value: object) -> str:
    """A value as a message has room for it."""
    return repr(value[:60] if isinstance(value, str) else value)[:60]
