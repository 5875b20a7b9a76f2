"""params.yaml as a whole: checked against its schema, listed with its bounds, and as a JSON schema for forms."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from pricewright.core.errors import ParameterError
from pricewright.parameters.data import Drift, Feature, Ingest, Market
from pricewright.parameters.decisions import Fairness, Price, Promote, Proof
from pricewright.parameters.models import Network, Train, Tune
from pricewright.parameters.section import Limits, Section

LISTED = "pricewright parameters lists them all."


class Parameters(Section):
    """The sections, by the stages that read them."""

    market: Market = Field(description="The simulated market, where no sales are given.")
    ingest: Ingest = Field(description="How files of sales are read and cleaned.")
    feature: Feature = Field(description="How the panel of SKUs and weeks is made.")
    drift: Drift = Field(description="How the newest weeks are held against those before.")
    tune: Tune = Field(description="The search for hyperparameters.")
    network: Network = Field(description="What the network is made of.")
    train: Train = Field(description="Training and backtest.")
    price: Price = Field(description="Which prices may be recommended, and when.")
    proof: Proof = Field(description="Past price changes, against what the curves said of them.")
    fairness: Fairness = Field(description="How the segments of a shop are served.")
    promote: Promote = Field(description="How a release comes to be served.")


class Entry(NamedTuple):
    """One parameter: its name with dots, its value in params.yaml, what it may be, and what it is for."""

    name: str
    value: Any
    rule: str
    sentence: str


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ParameterError for the first value that breaks its rule; says the value, the rule and what it is for.

    A part of params.yaml will do: what is missing breaks no rule.
    """
    try:
        Parameters.model_validate(parameters)
    except ValidationError as error:
        wrong = [one for one in error.errors() if one["type"] != "missing"]
        if not wrong:
            return
        first = wrong[0]
        path = [str(part) for part in first["loc"]]
        value, sentence = _value(parameters, path), _sentence(path)
        more = f" {len(wrong) - 1} more are wrong." if len(wrong) > 1 else ""
        raise ParameterError(
            f"{_name(path, parameters)} is {value!r}: {_rule(first['msg'])}.{more}", hint=f"{sentence} {LISTED}".strip()
        ) from None


def list_parameters(parameters: Mapping[str, Any]) -> list[Entry]:
    """Every parameter that these hold and the schema knows, in the order of the schema."""
    return list(_entries(Parameters, parameters, "", ""))


def json_schema() -> dict[str, Any]:
    """The rules for any part of params.yaml: names with values that may be left out, none that is unknown.

    It is written with patternProperties: Prefect's server checks a run's parameters by it before the run is made, and
    its form stays one field of JSON instead of 300.
    """
    whole = _object(Parameters)
    for section in whole["patternProperties"].values():
        section["type"] = ["object", "null"]  # an empty section is none
    return whole


def _object(model: type[BaseModel]) -> dict[str, Any]:
    rules = {f"^{name}$": _json(model, name, field) for name, field in model.model_fields.items()}
    return {"type": "object", "patternProperties": rules}


@cache
def _properties(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    return dict(model.model_json_schema()["properties"])


def _json(model: type[BaseModel], name: str, field: FieldInfo) -> dict[str, Any]:
    inner = _model(field)
    if inner is not None:
        return _object(inner)
    rule = dict(_properties(model)[name])
    if "$ref" in str(rule):  # a mapping by free names: its shape alone
        return {"type": "object"}
    rule.pop("title", None)
    rule.pop("default", None)
    return rule


def _entries(model: type[BaseModel], values: Mapping[str, Any], at: str, about: str) -> Iterator[Entry]:
    for name, field in model.model_fields.items():
        if name not in values:
            continue
        inner, value = _model(field), values[name]
        if inner is not None and isinstance(value, Mapping):
            limited = field.description or "" if issubclass(inner, Limits) else ""
            yield from _entries(inner, value, f"{at}{name}.", limited)
        elif (of := _of_mapping(field)) is not None:
            for key, each in value.items():
                yield from _entries(of, each, f"{at}{name}.{key}.", "")
        else:
            yield Entry(f"{at}{name}", value, rule_of(model, name), f"{about} {field.description}".strip())


def rule_of(model: type[BaseModel], name: str) -> str:
    """What a field may be, in words: its type, its bounds, or what it is one of."""
    schema = _properties(model)[name]
    return " or ".join(dict.fromkeys(_words(one) for one in schema.get("anyOf", [schema])))


def _words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return str(schema["const"])
    kind = {"integer": "whole number", "number": "number", "null": "none", "boolean": "true or false",
            "string": "text", "array": "list", "object": "mapping"}[schema["type"]]  # fmt: skip
    kind = "date" if schema.get("format") == "date" else kind
    named = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    bounds = " ".join(f"{words} {_short(schema[key])}" for key, words in named.items() if key in schema)
    return f"{kind} {bounds}".strip()


def _short(number: float) -> str:
    return f"{number:,.10g}"


def _model(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field is, if it is one."""
    options = [field.annotation, *get_args(field.annotation)]
    return next((one for one in options if _is_section(one)), None) if _of_mapping(field) is None else None


def _of_mapping(field: FieldInfo) -> type[BaseModel] | None:
    """The section that each value of a mapping by free names is, if it is one."""
    if get_origin(field.annotation) is not dict:
        return None
    _, values = get_args(field.annotation)
    return values if _is_section(values) else None


def _is_section(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, Section)


def _value(values: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(values, Mapping) and part in values:
            values = values[part]
        elif isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
    return values


def _name(path: list[str], values: Any) -> str:
    """The name with dots, without what pydantic adds for one of several types."""
    kept = []
    for part in path:
        inside = isinstance(values, Mapping) and part in values
        if not inside and not (isinstance(values, list) and part.isdecimal()):
            break
        kept.append(part)
        values = values[part] if inside else values[int(part)]
    return ".".join(kept)


def _sentence(path: list[str]) -> str:
    model: type[BaseModel] | None = Parameters
    sentence = ""
    for part in path:
        if model is None or part not in model.model_fields:
            continue
        field = model.model_fields[part]
        sentence, model = field.description or sentence, _model(field) or _of_mapping(field)
    return sentence


def _rule(message: str) -> str:
    """What pydantic says of a value, as the end of a sentence."""
    own, expected = message.removeprefix("Value error, "), message.removeprefix("Input should be ")
    return own if own != message else f"it must be {expected}" if expected != message else message
