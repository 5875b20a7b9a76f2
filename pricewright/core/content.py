"""What the arrays of a release must be before a price follows from them: a hash only says that nobody changed them.

Shapes and kinds are looked at before the first answer, all values before a release takes over. Needs numpy only.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pricewright.core.errors import ReleaseError
from pricewright.core.manifest import CATALOG, HISTORY, WEEK
from pricewright.core.models import LIST_MODEL, NAME, NETWORK, models_of

Arrays = Mapping[str, Any]
NUMBER, WHOLE, TEXT = "fiu", "iu", "U"  # kinds of numpy's types
# One value per SKU, a row per SKU, and what all SKUs share.
VALUES = {
    **dict.fromkeys(("stock_code", "description"), TEXT),
    **dict.fromkeys(("current_price", "reference_price", "anchor_price", "last_price", "guardrail_low"), NUMBER),
    **dict.fromkeys(("guardrail_high", "unit_cost", "dispersion"), NUMBER),
}
ROWS = dict.fromkeys(("features", "effects"), NUMBER)
SINGLE = {**dict.fromkeys(("spread", "bins", "minimum_probability"), NUMBER), "objective": TEXT, "last_week": TEXT}
# What the plan's prices and the demand of families follow from: all of them, or none in an older release. By name: the
# kinds, and the shape of what each SKU has; None is any length.
PLANNED: dict[str, tuple[str, tuple[int | None, ...]]] = {
    "demand_level": (NUMBER, ()), "demand_curve": (NUMBER, (2,)), "demand_own": (NUMBER, (3,)),
    "demand_shared": (NUMBER, (2, None)), "demand_family": (WHOLE, ()), "demand_keeps": (NUMBER, (3,)),
    "fixed": (WHOLE, ()), "list_family": (TEXT, ()), "list_promised_low": (NUMBER, ()),
    "list_promised_high": (NUMBER, ()),
}  # fmt: skip
STORES = ("store_names", "store_zones")  # of a chain whose prices differ by store; its items have `store`
# Of a release whose plan keeps to rules: endings of a new price and its smallest step, and the names of the rules that
# bind the planned price, and of those that only a whole plan can keep to.
RULES = ("rule_endings", "rule_step", "rule_binding", "rule_between")
NET_SHARE = "net_share"  # what tax leaves of each price; of a shop that names rates of tax
HISTORY_ROWS = dict.fromkeys(("history_units", "history_price"), NUMBER)
POSITIVE = ("current_price", "reference_price", "anchor_price", "last_price", "guardrail_low", "guardrail_high")
MAY_BE_UNKNOWN = frozenset(
    {
        "unit_cost",
        "history_price",
        "history_units",
        "list_uplift_probability",
        "list_promised_low",
        "list_promised_high",
        *(f"list_{name}" for name in ("unit_cost", "tax_rate", "price_without_tax", "price_with_tax")),
        *(f"list_{name}" for name in ("profit_now", "profit")),
        "rule_endings",
    }
)  # nan there
MOST_BINS, MOST_ENDINGS, MOST_BACKUPS = 10_000, 1000, 20
LISTED = "list_"


def check_form(arrays: Arrays) -> None:
    """What an answer needs is there, in its shape and kind, and so are the terms. Raises ReleaseError.

    Reads the headers of long arrays and nothing of their values.
    """
    count = _count(arrays)
    for names, dimensions in ((VALUES, 1), (ROWS, 2), (SINGLE, 0), ({"endings": NUMBER}, 1)):
        for name, kinds in names.items():
            _check(arrays, CATALOG, name, kinds, dimensions, count if names in (VALUES, ROWS) else None)
    if has_plan(arrays):
        for name, (kinds, shape) in PLANNED.items():
            _check(arrays, CATALOG, name, kinds, 1 + len(shape), count)
            _check_rows(arrays, name, shape)
    _check_optional(arrays, count)
    _terms(arrays)
    _backups(arrays)


def _check_optional(arrays: Arrays, count: int) -> None:
    """What only some shops have: stores, rates of tax, rules."""
    if has_stores(arrays):
        _check(arrays, CATALOG, "store", TEXT, 1, count)
        for name in STORES:
            _check(arrays, CATALOG, name, TEXT, 1, None)
        if arrays[STORES[0]].shape != arrays[STORES[1]].shape:
            raise ReleaseError(f"{CATALOG} has {len(arrays[STORES[0]])} stores and {len(arrays[STORES[1]])} zones.")
    if NET_SHARE in arrays:
        _check(arrays, CATALOG, NET_SHARE, NUMBER, 1, count)
    if has_rules(arrays):
        for name, kinds in zip(RULES, (NUMBER, NUMBER, TEXT, TEXT), strict=True):
            _check(arrays, CATALOG, name, kinds, 2 if name == RULES[0] else 1, count)


def has_rules(arrays: Arrays) -> bool:
    """Whether the release keeps to rules of a file."""
    return any(name in arrays for name in RULES)


def has_stores(arrays: Arrays) -> bool:
    """Whether the release is of a chain whose prices differ by store."""
    return any(name in arrays for name in ("store", *STORES))


def has_plan(arrays: Arrays) -> bool:
    """Whether the release knows what its families' demand is; older ones do not."""
    return any(name in arrays for name in PLANNED)


def check_listed(arrays: Arrays, names: Iterable[str], file: str, count: int) -> None:
    """Columns of the price list have one value per SKU. Raises ReleaseError."""
    for name in names:
        _check(arrays, file, name, TEXT if file == HISTORY or name == "list_family" else NUMBER, 1, count)


def check_history(arrays: Arrays, count: int) -> None:
    """history.npz has a row per SKU and a column per week, and texts per SKU. Raises ReleaseError."""
    _check(arrays, HISTORY, "history_weeks", TEXT, 1, None)
    weeks = len(arrays["history_weeks"])
    for name, kinds in HISTORY_ROWS.items():
        _check(arrays, HISTORY, name, kinds, 2, count)
        if arrays[name].shape[1] != weeks:
            raise ReleaseError(f"{HISTORY}: {name} has shape {arrays[name].shape} for {weeks} weeks.")
    listed = {name for name in arrays if name.startswith(LISTED)} | {"list_model", "list_reason"}
    check_listed(arrays, sorted(listed), HISTORY, count)


def check_values(arrays: Arrays) -> None:
    """Codes are sorted and each is there once, numbers are finite, prices are above 0. Raises ReleaseError.

    Reads all of the arrays, whose form was checked.
    """
    codes = np.asarray(arrays["stock_code"])
    if (codes[:-1] >= codes[1:]).any():
        raise ReleaseError(f"{CATALOG} has {len(codes)} SKUs: at least one is needed, sorted by stock_code, each once.")
    for name in arrays:
        array = np.asarray(arrays[name])
        if array.dtype.kind == "f" and name not in MAY_BE_UNKNOWN:
            wrong = ~np.isfinite(array)
            if wrong.any():
                raise ReleaseError(
                    f"{CATALOG}: {name} has {int(wrong.sum())} values that are not finites "
                    f"(first: {_where(array, codes, np.argwhere(wrong)[0])}): prices follow from it."
                )
    for name in POSITIVE:
        prices = np.asarray(arrays[name])
        wrong = prices <= 0
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ReleaseError(f"{CATALOG}: {name} of SKU {codes[first]} is {prices[first]:g}: a price is > 0.")
    for there, check in (
        (has_plan(arrays), _check_family), (has_stores(arrays), _check_keys), (has_rules(arrays), _check_rules),
        (NET_SHARE in arrays, _check_net),
    ):  # fmt: skip
        if there:
            check(arrays, codes)


def _check_net(arrays: Arrays, codes: Any) -> None:
    net = np.asarray(arrays[NET_SHARE])
    wrong = (net <= 0) | (net > 1)
    if wrong.any():
        first = int(np.argmax(wrong))
        rule = "what tax leaves of a price is above 0 and at most 1."
        raise ReleaseError(f"{CATALOG}: {NET_SHARE} of SKU {codes[first]} is {net[first]:g}: {rule}")


def _check_rules(arrays: Arrays, codes: Any) -> None:
    endings, step = (np.asarray(arrays[name]) for name in RULES[:2])
    ended = endings[~np.isnan(endings)]
    if ((ended < 0) | (ended >= 1)).any() or ((step < 0) | (step >= 1)).any() or endings.shape[1] > MOST_ENDINGS:
        raise ReleaseError(
            f"{CATALOG}: {RULES[0]} and {RULES[1]} go from 0 to below 1, at most {MOST_ENDINGS} endings per SKU."
        )


def _check_keys(arrays: Arrays, codes: Any) -> None:
    """The key of an item ends with its store."""
    store = np.asarray(arrays["store"])
    wrong = (store != "") & ~np.char.endswith(codes, np.char.add("@", store))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ReleaseError(f"{CATALOG}: the item {codes[first]} is not of the store {store[first]}.")


def _check_family(arrays: Arrays, codes: Any) -> None:
    family, level = np.asarray(arrays["demand_family"]), np.asarray(arrays["demand_level"])
    wrong = (family < 0) | (family >= len(codes))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ReleaseError(
            f"{CATALOG}: demand_family of SKU {codes[first]} is {family[first]}: a number from 0 to {len(codes) - 1}."
        )
    if (level < 0).any():
        first = int(np.argmax(level < 0))
        raise ReleaseError(f"{CATALOG}: demand_level of SKU {codes[first]} is {level[first]:g}: units are >= 0.")


def _check_rows(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> None:
    seen = arrays[name].shape[1:]
    if any(length not in (None, found) for length, found in zip(shape, seen, strict=True)):
        asked = " x ".join("any" if length is None else str(length) for length in shape)
        raise ReleaseError(f"{CATALOG}: {name} has shape {arrays[name].shape}: {asked} values per SKU are needed.")


def _count(arrays: Arrays) -> int:
    shape = arrays["stock_code"].shape if "stock_code" in arrays else (0,)
    if len(shape) != 1 or not shape[0]:
        raise ReleaseError(f"{CATALOG} has stock codes of shape {shape}: a list of at least one SKU is needed.")
    return int(shape[0])


def _check(arrays: Arrays, file: str, name: str, kinds: str, dimensions: int, count: int | None) -> None:
    if name not in arrays:
        raise ReleaseError(f"{file} lacks the arrays {name}.")
    array = arrays[name]
    shape, kind = array.shape, array.dtype.kind
    if len(shape) != dimensions or (count is not None and shape[0] != count) or kind not in kinds:
        of = "" if count is None else f", there are {count} SKUs"
        raise ReleaseError(
            f"{file}: {name} has shape {shape} and type {array.dtype}{of}: {dimensions} dimensions of "
            f"{'text' if kinds == TEXT else 'numbers'} are needed."
        )


def _terms(arrays: Arrays) -> None:
    bins, probability, spread = (float(arrays[name]) for name in ("bins", "minimum_probability", "spread"))
    endings = np.asarray(arrays["endings"])
    week, objective = str(arrays["last_week"]), str(arrays["objective"])
    rules = (
        (2 <= bins <= MOST_BINS and bins == int(bins), f"bins {bins:g}: a whole number from 2 to {MOST_BINS:,}"),
        (0 <= probability <= 1, f"minimum_probability {probability:g}: a number from 0 to 1"),
        (0 < spread < np.inf, f"spread {spread:g}: a finite number above 0"),
        (objective in ("sales", "profit"), f"objective {objective[:40]!r}: one of sales, profit"),
        (len(endings) <= MOST_ENDINGS and ((endings >= 0) & (endings < 1)).all(), "endings: numbers from 0 to below 1"),
        (_is_week(week), f"last_week {week[:40]!r}: an ISO week such as 2011-W48"),
    )
    for holds, what in rules:
        if not holds:
            raise ReleaseError(f"{CATALOG} has {what} is needed.")


def _backups(arrays: Arrays) -> None:
    """Their names are part of file names: none may lead elsewhere. What is in their arrays is looked at with them."""
    backups = models_of(arrays)[1:]
    wrong = [name for name in backups if not NAME.fullmatch(name) or name in (NETWORK, LIST_MODEL)]
    if wrong:
        raise ReleaseError(
            f"{CATALOG} has a backup named {wrong[0][:40]!r}: lower-case letters, digits and _ are needed, and no "
            f"{NETWORK} or {LIST_MODEL}."
        )
    if len(backups) > MOST_BACKUPS:
        raise ReleaseError(f"{CATALOG} has {len(backups)} backups: at most {MOST_BACKUPS} are possible.")


def _is_week(text: str) -> bool:
    if not WEEK.fullmatch(text):
        return False
    from datetime import date

    try:
        date.fromisocalendar(int(text[:4]), int(text[6:]), 7)
    except ValueError:
        return False
    return True


def _where(array: Any, codes: Any, position: Any) -> str:
    if not len(position):
        return "the only one"
    return f"SKU {codes[position[0]]}" if len(array) == len(codes) else f"position {position.tolist()}"
