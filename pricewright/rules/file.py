"""The rules file: its kinds of rules, and errors that name the line. docs/rules.md explains every kind."""

import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pricewright.core.errors import ParameterError
from pricewright.files import read_yaml

SHOWN = 60  # characters of a value in a message
FIRST = 5  # complaints of a file that are shown
Column = Literal["category", "brand", "sku", "zone", "size"]


def _share(value: Any) -> float:
    """0.2, or the text 20%. A number beyond 1 is taken for per cent without its sign, and refused."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip().removesuffix("%")) / 100
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("share", "a share is needed, such as 0.2 or 20%")
    if abs(value) > 1:
        raise PydanticCustomError(
            "share", "a share above 1 is {percent} %: write {value}% or {share}",
            {"percent": f"{value * 100:g}", "value": f"{value:g}", "share": f"{value / 100:g}"},
        )  # fmt: skip
    return float(value)


def _texts(value: Any) -> Any:
    """One name or a list of them; codes of digits are read as text."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, bool | dict | list | float) or one is None for one in values):
        raise PydanticCustomError("names", "a name or a list of names is needed; put codes in quotes")
    return tuple(str(one) for one in values)


Share = Annotated[float, BeforeValidator(_share)]
Part = Annotated[Share, Field(gt=0, lt=1)]
Price = Annotated[float, Field(gt=0, le=1e9, strict=True)]
Names = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Selection(_Strict):
    """Which items: those that match every column that is given, with one of its names; empty: all."""

    category: Names = ()
    brand: Names = ()
    sku: Names = ()
    zone: Names = ()

    def given(self) -> dict[str, tuple[str, ...]]:
        """The columns that select, with their names."""
        return {column: names for column, names in self if names}


class Rule(_Strict):
    """What all rules have. `name` is how reasons and tables call it."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    where: Selection = Selection()


class Floor(Rule):
    """No price below `price`."""

    kind: Literal["floor"]
    price: Price


class Ceiling(Rule):
    """No price above `price`."""

    kind: Literal["ceiling"]
    price: Price


class MarginFloor(Rule):
    """At least this share of the price is left over the unit cost."""

    kind: Literal["margin_floor"]
    at_least: Annotated[Share, Field(gt=-1, lt=1)]


class LargestStep(Rule):
    """No change of a price by more than this share."""

    kind: Literal["largest_step"]
    at_most: Part


class SmallestStep(Rule):
    """A change by less than this share is not worth a label: the price stays."""

    kind: Literal["smallest_step"]
    at_least: Part


class Endings(Rule):
    """A new price ends so."""

    kind: Literal["endings"]
    endings: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)]

    @field_validator("endings")
    @classmethod
    def _whole_cents(cls, endings: tuple[float, ...]) -> tuple[float, ...]:
        if any(abs(ending * 100 - round(ending * 100)) > 1e-6 for ending in endings):
            raise PydanticCustomError("endings", "endings are whole cents, such as 0.99")
        return endings


class Competitor(Rule):
    """The price lies between these shares above (+) or below (-) the competitor's."""

    kind: Literal["competitor"]
    lowest: Annotated[Share, Field(gt=-1)] | None = None
    highest: Annotated[Share, Field(gt=-1)] | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.lowest is None and self.highest is None:
            raise PydanticCustomError("ends", "lowest or highest is needed")
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise PydanticCustomError("ends", "lowest is above highest")
        return self


class Frozen(Rule):
    """Prices stay; with dates, in weeks that begin from `first` to `last`."""

    kind: Literal["frozen"]
    first: date | None = None
    last: date | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.first and self.last and self.first > self.last:
            raise PydanticCustomError("ends", "first is after last")
        return self

    def holds(self, week: date) -> bool:
        """Whether prices are frozen in the week that begins so."""
        return (self.first or date.min) <= week <= (self.last or date.max)


class Rest(Rule):
    """At least so many weeks between two changes of a price."""

    kind: Literal["rest"]
    weeks: Annotated[int, Field(ge=1, le=520, strict=True)]


class Order(Rule):
    """Each selected item is cheaper than each of `under` in its zone, by a share at least.

    within: only items that agree in these columns are compared.
    """

    kind: Literal["order"]
    under: Selection
    at_least_below: Annotated[Share, Field(ge=0, lt=1)] = 0.0
    within: tuple[Column, ...] = ()


class Pack(Rule):
    """A larger pack is not dearer per unit than a smaller one of the same `within`; sizes as the product file says."""

    kind: Literal["pack"]
    within: tuple[Column, ...] = ("category", "brand")


class PriceLine(Rule):
    """All selected items of a zone that agree in `within` have one price."""

    kind: Literal["price_line"]
    within: tuple[Column, ...] = ()


class MostChanges(Rule):
    """At most so many prices change in a week: those that are worth most."""

    kind: Literal["most_changes"]
    changes: Annotated[int, Field(ge=0, strict=True)]


OfItem = Floor | Ceiling | MarginFloor | LargestStep | SmallestStep | Endings | Competitor | Frozen | Rest
Between = Order | Pack | PriceLine | MostChanges
AnyRule = Annotated[OfItem | Between, Field(discriminator="kind")]
BETWEEN = (Order, Pack, PriceLine, MostChanges)


class RulesFile(_Strict):
    """A rules file; the rules come in the order of their priority."""

    rules: tuple[AnyRule, ...]

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise PydanticCustomError("names", "two rules are called {name}", {"name": repr(twice[0])})
        return self


def read_rules(path: Path) -> tuple[OfItem | Between, ...]:
    """The rules of a file, in their order. Raises ParameterError with the lines of all that is wrong."""
    node, content = read_yaml(path, "--rules", "docs/rules.example.yaml is one.")
    try:
        return TypeAdapter(RulesFile).validate_python(content or {}).rules
    except ValidationError as error:
        complaints = [_complaint(one, node, content) for one in error.errors(include_url=False)]
        more = f"; and {len(complaints) - FIRST} more" if len(complaints) > FIRST else ""
        raise ParameterError(
            f"{path.name}: {'; '.join(complaints[:FIRST])}{more}.", hint="docs/rules.md lists the kinds of rules."
        ) from None


def lines_of(path: Path) -> dict[str, int]:
    """The line that each rule begins in, by its name, of a file that read_rules has read."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    rules = next(value for key, value in node.value if key.value == "rules")
    named = [(one, {key.value: value.value for key, value in one.value}) for one in rules.value]
    return {str(values["name"]): one.start_mark.line + 1 for one, values in named}


def _complaint(error: Any, node: yaml.Node | None, content: Any) -> str:
    """Such as `line 4, rules[0].price: 'two' (a valid number is needed)`."""
    line, names, value = _location(error["loc"], node, content)
    missing = error["type"] == "missing"
    what = {
        "extra_forbidden": "there is no such key",
        "missing": f"{error['loc'][-1]} is missing" if error["loc"] else "rules are missing",
        "union_tag_not_found": "kind is missing",
    }.get(error["type"], error["msg"].replace("Input should", "it should"))
    shown = "" if missing else f" is {str(value)[:SHOWN]!r}"
    return f"line {line}, {names or 'the file'}{shown}: {what}"


def _location(loc: tuple[int | str, ...], node: yaml.Node | None, content: Any) -> tuple[int, str, Any]:
    """Line, name and value of a node in the file; kinds that pydantic puts into the path name none."""
    line, names = 1, ""
    for step in loc:
        if isinstance(node, yaml.MappingNode) and isinstance(content, dict) and step in content:
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                break
            line, node, content = found[0].start_mark.line + 1, found[1], content[step]
            names += f".{step}" if names else str(step)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and isinstance(content, list):
            node, content = node.value[step], content[step]
            line, names = node.start_mark.line + 1, f"{names}[{step}]"
    return line, names, content
