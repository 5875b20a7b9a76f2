"""Templates as CloudFormation reads them: YAML with its short forms written out."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[3] / "deployments" / "aws"
FILES = ("shared.yaml", "template.yaml")


class Loader(yaml.SafeLoader):
    """!Sub and its like become {"Fn::Sub": ...}."""


def _long(loader: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", _long)


def read(name: str) -> dict[str, Any]:
    """A template of deployments/aws; whoever asks may change what they get."""
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> dict[str, Any]:
    return yaml.load((FOLDER / name).read_text(), Loader)


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """All resources of a type in both templates, by name, with their properties."""
    found = [(name, entry) for file in FILES for name, entry in read(file)["Resources"].items()]
    return {name: entry.get("Properties", {}) for name, entry in found if entry["Type"] == kind}
