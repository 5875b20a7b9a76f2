"""dvc.yaml is the map: it names every stage, every number a stage reads and every room it uses."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.gates import GATES
from tasks.stages import STAGES
from tasks.workspace import SECTIONS

ROOT = Path(__file__).parents[2]
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
PLUMBING = {"pricewright/core/errors.py", "pricewright/__init__.py"}  # their change changes no result


def keys(stage: str) -> set[str]:
    return {name for name in PIPELINE[stage]["params"] if isinstance(name, str)}


def overrides(stage: str) -> set[str]:
    (asked,) = (entry["run.yaml"] for entry in PIPELINE[stage]["params"] if isinstance(entry, dict))
    return {name.removeprefix("overrides.") for name in asked}


def rooms_used(path: Path, seen: set[str]) -> set[str]:
    """The files of demand and inference that a file imports, and those that they import."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and names:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            room = name.replace(".", "/")
            for file in (f"{room}.py", f"{room}/__init__.py"):
                if name.startswith(("pricewright", "inference")) and (ROOT / file).exists() and file not in seen:
                    seen.add(file)
                    rooms_used(ROOT / file, seen)
    return seen


def test_the_stages_are_those_of_the_code_in_their_order() -> None:
    assert list(PIPELINE) == list(STAGES)
    assert [stage["cmd"] for stage in PIPELINE.values()] == [f"pricewright stage {name}" for name in STAGES]


def test_every_number_of_params_yaml_is_read_by_a_stage() -> None:
    read = set().union(*(keys(stage) for stage in PIPELINE))
    numbers = {f"{section}.{name}" for section, values in PARAMS.items() for name in values}
    assert sorted(numbers - read) == []
    assert sorted(read - numbers) == [], "dvc.yaml names what params.yaml does not have"


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_that_reads_a_section_reads_what_a_run_lays_over_it(stage: str) -> None:
    sections = {name.split(".")[0] for name in keys(stage) if name != "price.level"}
    assert sections <= overrides(stage)
    if "price.level" in keys(stage):
        assert {"price_level", "price"} & overrides(stage)


def test_every_section_can_be_laid_over() -> None:
    assert set(SECTIONS) == set(PARAMS)


@pytest.mark.parametrize("stage", PIPELINE)
def test_the_code_that_a_stage_uses_is_what_it_depends_on(stage: str) -> None:
    deps = {str(dep) for dep in PIPELINE[stage]["deps"]} | {
        "pricewright/worlds/market.py"
    }  # the source of a run without a file
    used = rooms_used(ROOT / "tasks" / f"{stage}.py", set()) - PLUMBING
    if stage != "feature":  # later stages take the features' names from there; the panel has them too
        used = {room for room in used if not room.startswith("pricewright/feature/")}
    unnamed = [room for room in sorted(used) if not any(room == dep or room.startswith(f"{dep}/") for dep in deps)]
    assert unnamed == []
    assert f"tasks/{stage}.py" in deps


@pytest.mark.parametrize("stage", PIPELINE)
def test_everything_a_stage_writes_is_cached_and_lies_below_work(stage: str) -> None:
    for kind in ("outs", "metrics", "plots"):
        for out in PIPELINE[stage].get(kind, []):
            assert isinstance(out, str) or "cache" not in next(iter(out.values()))
            assert (out if isinstance(out, str) else next(iter(out))).startswith("work/")
    assert f"work/metrics/{stage}.json" in PIPELINE[stage]["metrics"]


def test_every_gate_comes_before_promotion() -> None:
    assert {f"work/{gate}/verdict.json" for gate in GATES} <= set(PIPELINE["promote"]["deps"])
    for gate in GATES.values():
        outs = [
            out if isinstance(out, str) else next(iter(out))
            for kind in ("outs", "plots")
            for out in PIPELINE[gate.stage][kind]
        ]
        assert {f"work/{gate.name}/{file}" for file in ("verdict.json", "checks.csv")} <= set(outs)
        assert {f"work/{gate.name}/{report.file}" for report in gate.reports} <= set(outs)
