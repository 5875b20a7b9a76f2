"""The kinds of worlds: what each is hard about, and the priors that its shops, shoppers and prices are drawn from.

Half of the kinds are there to develop a demand model on, the other half to judge it: nobody tunes on those.
"""

from dataclasses import dataclass, replace
from typing import Literal

from pricewright.core.errors import ParameterError

Form = Literal["independent", "nested logit", "linear", "market share"]
Cause = Literal["demand", "cost", "rival"]
Span = tuple[float, float]  # uniform between the two
LogNormal = tuple[float, float]  # median, and standard deviation of the logarithm
DEVELOPED_ON = ("plain", "confounded", "substitutes_nested", "promotions", "stockouts", "short_histories")
HELD_OUT = ("thin", "substitutes_linear", "channels", "drift", "common_moves", "competitor")


@dataclass(frozen=True)
class Kind:
    """Priors of one kind of world. Rates are per item and week unless said otherwise; elasticities are positive.

    elasticity: of a family to a move of all its prices; of the item itself where it is a family of one.
    substitution: sensitivity of an item's share of its family to its price over the family's.
    outside: share of the market that buys from the family at usual prices (nested logit).
    depth: log units gained per log price cut of a promotion; display: (mean, sd) of the log units it adds.
    """

    about: str
    form: Form = "independent"
    family_sizes: tuple[int, int] = (1, 1)
    elasticity: LogNormal = (1.1, 0.42)
    substitution: LogNormal = (2.6, 0.28)
    uneven_substitution: float = 0.2  # log sd between the items of a family
    dear_substitution: float = -1.3  # of its log per log price over the family's: who buys the dear ones looks less at
    # prices; near this value no shop gains by making cheap items dearer and dear ones cheaper without a look at sales
    outside: Span = (0.15, 0.55)
    depth: LogNormal = (2.2, 0.3)
    display: tuple[float, float] = (0.3, 0.12)
    changes: float = 0.03  # of an item's regular price
    change_sd: float = 0.08  # of the log price
    pull: float = 0.7  # what a change leaves of the former distance to the usual price
    common_changes: float = 0.006  # of all prices of a category, and as often of the whole shop
    common_sd: float = 0.05
    promotions: float = 0.012  # that begin; four in ten last a second week
    stockpiled: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of a promotion's extra units, from the next 3 weeks
    causes: tuple[Cause, ...] = ()  # what regular prices follow; each category has one of them
    following: Span = (0.2, 0.6)  # log price per log of the cause
    rival_effect: Span = (0.0, 0.0)  # log demand per log price of the rival
    stockouts: float = 0.002  # that begin; they last 1 to 4 weeks
    entering: float = 0.2  # share of the items that enter during the history
    ages: tuple[int, int] | None = None  # weeks that those are old at the end; none: from a third to all of it
    slow: float = 0.0  # share of the items that sell slow_units a week
    slow_units: Span = (0.5, 3.0)
    drift_sd: float = 0.0  # of the change of log elasticities over the history
    breaking_levels: float = 0.0  # sd of a jump of the log level in half of the families
    second_channel: float = 0.0  # share of the categories that also sell in another channel, at another price


_INDEPENDENT = Kind("independent items whose curves have five shapes")
_NESTED = Kind(
    "families of substitutes: shoppers choose one item of the family, or none (nested logit)",
    form="nested logit",
    family_sizes=(1, 9),
    elasticity=(1.07, 0.3),
)
KINDS: dict[str, Kind] = {
    "plain": _INDEPENDENT,
    "confounded": replace(
        _INDEPENDENT,
        about="independent items; prices follow demand, cost or a rival's price",
        causes=("demand", "cost", "rival"),
        elasticity=(1.03, 0.4),
        rival_effect=(0.3, 1.0),
    ),
    "substitutes_nested": _NESTED,
    "promotions": replace(
        _NESTED,
        about="nested families; a price cut every twelve weeks, most with a display; shoppers buy ahead",
        promotions=0.06,
        stockpiled=(0.18, 0.12, 0.06),
        changes=0.02,
    ),
    "stockouts": replace(
        _NESTED,
        about="nested families; every item is out of stock one week in fifteen, and its family sells more meanwhile",
        stockouts=0.025,
    ),
    "short_histories": replace(
        _NESTED,
        about="nested families; six in ten items are 10 to 40 weeks old, four in ten sell 0.5 to 3 units a week",
        entering=0.6,
        ages=(10, 40),
        slow=0.4,
    ),
    "thin": replace(
        _INDEPENDENT,
        about="independent items; a price changes once in two or three years",
        elasticity=(1.0, 0.4),
        changes=0.008,
        change_sd=0.06,
        common_changes=0.002,
        promotions=0.0,
    ),
    "substitutes_linear": Kind(
        "families of substitutes with linear demand",
        form="linear",
        family_sizes=(1, 9),
        elasticity=(1.07, 0.3),
        substitution=(2.2, 0.28),
        dear_substitution=-0.6,
    ),
    "channels": replace(
        _NESTED,
        about="nested families; half of the categories also sell online at other prices, in a mix that changes",
        second_channel=0.5,
    ),
    "drift": replace(
        _INDEPENDENT,
        about="independent items; elasticities creep or break, levels jump",
        drift_sd=0.35,
        breaking_levels=0.3,
        elasticity=(0.98, 0.35),
    ),
    "common_moves": Kind(
        "families of substitutes (market shares); most price changes are of a category or of the whole shop",
        form="market share",
        family_sizes=(1, 9),
        elasticity=(1.07, 0.3),
        changes=0.008,
        common_changes=0.03,
        common_sd=0.07,
    ),
    "competitor": replace(
        _NESTED,
        about="nested families; a rival whose price nobody sees moves demand, and half of the prices' changes",
        causes=("rival",),
        following=(0.3, 0.8),
        rival_effect=(0.4, 1.2),
        changes=0.02,
    ),
}


def kind_named(name: str) -> Kind:
    """The kind of this name. Raises ParameterError when there is none."""
    if name not in KINDS:
        raise ParameterError(f"kind of world is {name!r}: it must be one of {', '.join(KINDS)}.")
    return KINDS[name]
