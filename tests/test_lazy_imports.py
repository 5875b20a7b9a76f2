"""Imports wait inside functions only for slow libraries, which docs/architecture.md lists with their milliseconds."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("pricewright", "tasks", "flows", "blocks", "inference", "deployments", "cli")
PAGE = (ROOT / "docs" / "architecture.md").read_text()
SLOW = set(re.findall(r"^\| `([\w.]+)` \| +[\d,]+ \|", PAGE, flags=re.MULTILINE))


def file_of(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
    return found[0] if found else None


def named(node: ast.stmt) -> list[str]:
    """The modules that an import statement names; a name of a package may be a module of it."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def at_once(tree: ast.Module) -> list[str]:
    """What is imported with the module itself."""
    return [name for node in tree.body for name in named(node)]


def waiting(tree: ast.Module) -> list[str]:
    """What functions import."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {node for function in functions for node in ast.walk(function)}
    return [named(node)[0] for node in inner if isinstance(node, ast.Import | ast.ImportFrom) and named(node)]


@cache
def slow(module: str) -> bool:
    """Whether importing it brings a slow library with it."""
    return bool(brought(module, frozenset()) & SLOW)


def brought(module: str, seen: frozenset[str]) -> set[str]:
    """The module, the packages it lies in, and all that they import at once."""
    parts = module.split(".")
    found = {".".join(parts[: n + 1]) for n in range(len(parts))}
    for head in found - seen:
        if file := file_of(head):
            for name in at_once(ast.parse(file.read_text())):
                found = found | brought(name, seen | found)
    return found


def test_the_page_lists_slow_libraries() -> None:
    assert {"prefect", "torch", "polars"} <= SLOW


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_waits_only_for_a_slow_library(room: str) -> None:
    hasty = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in sorted((ROOT / room).rglob("*.py"))
        for name in waiting(ast.parse(file.read_text()))
        if name.split(".")[0] not in sys.stdlib_module_names and not slow(name)
    }
    assert sorted(hasty) == []


@pytest.mark.parametrize(
    ("module", "without"), [("flows.refresh_prices", ["torch"]), ("tasks.finish", ["prefect", "torch"])]
)
def test_prefect_deploy_and_a_run_with_nothing_to_do_wait_for_no_model(module: str, without: list[str]) -> None:
    code = (
        f"import sys, {module}; print([name for name in {without} if getattr(sys.modules.get(name), '__file__', '')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
