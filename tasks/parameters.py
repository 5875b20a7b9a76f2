"""The numbers of a run: params.yaml, overlaid by what this run asks for."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pricewright.core.errors import ParameterError

Parameters = dict[str, Any]


def read_parameters(path: Path) -> Parameters:
    """params.yaml as nested dictionaries. Raises ParameterError when it is missing or no mapping."""
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ParameterError(f"{path} does not exist.", hint="run inside a checkout of Pricewright.") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{path} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise ParameterError(f"{path} holds {type(content).__name__}: a mapping of stages is needed.")
    return content


def parse_overrides(texts: Iterable[str]) -> Parameters:
    """`train.network.epochs=5` and its like as nested dictionaries; values are read as YAML, a comma as itself."""
    overrides: Parameters = {}
    for text in texts:
        name, equals, value = text.partition("=")
        keys = name.strip().split(".")
        if not equals or not all(keys):
            raise ParameterError(f"{text!r} is not a parameter.", hint="write stage.name=value, as train.seed=7.")
        place = overrides
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ParameterError(f"{text!r} goes below {key}, which another parameter of this run sets.")
        try:
            place[keys[-1]] = "," if value.strip() == "," else yaml.safe_load(value)
        except yaml.YAMLError:
            raise ParameterError(f"{text!r}: the value is not YAML.", hint="put it in quotes.") from None
    return overrides


def overlay(defaults: Mapping[str, Any], overrides: Mapping[str, Any], at: str = "") -> Parameters:
    """The defaults with the overrides laid over them; neither is changed.

    Raises ParameterError for a name that no default has, or a value of another kind than the default's.
    """
    merged = dict(defaults)
    for key, value in overrides.items():
        name = f"{at}.{key}" if at else str(key)
        if key not in defaults:
            raise ParameterError(f"there is no parameter {name}.", hint=_near(str(key), defaults, at))
        default = defaults[key]
        if isinstance(default, dict) and isinstance(value, Mapping) and default:
            merged[key] = overlay(default, value, name)
        elif _same_kind(default, value):
            merged[key] = value
        else:
            raise ParameterError(
                f"{name} is {value!r} ({type(value).__name__}): a {type(default).__name__} is needed.",
                hint=f"its default is {default!r}.",
            )
    return merged


def differences(defaults: Mapping[str, Any], overrides: Mapping[str, Any]) -> Parameters:
    """The overrides that change something: those equal to their default are left out."""
    kept: Parameters = {}
    for key, value in overrides.items():
        default = defaults.get(key)
        if isinstance(default, dict) and isinstance(value, Mapping):
            value = differences(default, value)
            if value:
                kept[key] = value
        elif value != default or type(value) is not type(default):
            kept[key] = value
    return kept


def _same_kind(default: Any, value: Any) -> bool:
    if default is None or value is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int) or (isinstance(value, float) and (isinstance(default, float) or value % 1 == 0))
    return isinstance(value, type(default))


def _near(key: str, defaults: Mapping[str, Any], at: str) -> str:
    names = [str(name) for name in defaults]
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    prefix = f"{at}." if at else ""
    if close:
        return f"did you mean {prefix}{close[0]}?"
    return f"{at or 'params.yaml'} has {', '.join(names) or 'no parameters'}."
