"""`make mutants`: changes the lines that let a release into production, one at a time, and looks whether a test fails.

No file is touched: each change is compiled in a process of its own, in which the tests of these lines then run. What
lives is printed; docs/security.md has the score.
"""

import argparse
import ast
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
NEGATED = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
           ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}  # fmt: skip
HEAVY = ("numpy", "polars", "obstore", "onnx", "prefect.blocks.core", "pytest")


class Target(NamedTuple):
    """Functions of a module, and the tests that hold them."""

    module: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = (
    Target("pricewright.release.approval", ("need", "verify"), ("tests/pricewright/release/test_approval.py",)),
    Target("tasks.decisions", ("need_reason", "begin", "finish", "check_kept", "check_entry", "check_step",
                               "need_decision"), ("tests/tasks/test_decisions.py", "tests/tasks/test_approval.py")),
    Target("tasks.releases", ("promote_release", "_permit", "roll_back_release", "read_decision", "_end"),
           ("tests/tasks/test_decisions.py", "tests/tasks/test_promote.py", "tests/tasks/test_releases.py")),
    Target("tasks.approval", ("check_answer",), ("tests/tasks/test_approval.py",)),
    Target("tasks.smoke", ("compare_prices", "compare_sample", "_compare"), ("tests/tasks/test_smoke.py",)),
    Target("blocks.channel", ("point", "move", "_take_back_unless_there", "step", "_still"),
           ("tests/blocks/test_channel.py", "tests/tasks/test_retention.py", "tests/tasks/test_decisions.py")),
    Target("tasks.retention", ("_remove", "_take_manifest"),
           ("tests/tasks/test_retention.py", "tests/tasks/test_releases.py")),
)  # fmt: skip


class Mutant(NamedTuple):
    """A changed module, and what was changed in which line."""

    target: Target
    line: int
    words: str
    tree: ast.Module


def mutants(target: Target) -> Iterator[Mutant]:
    """Every change of the target's functions, one at a time."""
    path = ROOT / f"{target.module.replace('.', '/')}.py"
    count = len(list(_changes(ast.parse(path.read_text()), target.functions)))
    for number in range(count):
        tree = ast.parse(path.read_text())
        line, words, change = list(_changes(tree, target.functions))[number]
        change()
        yield Mutant(target, line, words, ast.fix_missing_locations(tree))


def _changes(tree: ast.Module, functions: tuple[str, ...]) -> Iterator[tuple[int, str, Callable[[], None]]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in functions:
            in_messages = {
                node for raised in ast.walk(function) if isinstance(raised, ast.Raise) for node in ast.walk(raised)
            }
            for node in ast.walk(function):
                yield from () if node in in_messages else _of(node)  # what a message says is not what holds


def _of(node: ast.AST) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """A comparison negated, and for or, a not left out; a call or a raise left out."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in NEGATED:
        yield node.lineno, f"not: {ast.unparse(node)}", lambda: setattr(node, "ops", [NEGATED[type(node.ops[0])]()])
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield node.lineno, f"and for or: {ast.unparse(node)}", lambda: setattr(node, "op", other())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.lineno, f"without not: {ast.unparse(node)}", lambda: setattr(node, "op", ast.UAdd())
    for name in ("body", "orelse"):
        body = getattr(node, name, None)
        for i, statement in enumerate(body if isinstance(body, list) else ()):
            left_out = isinstance(statement, ast.Raise) or (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            )
            if left_out:
                words = ast.unparse(statement).splitlines()[0][:90]
                yield statement.lineno, f"without: {words}", lambda body=body, i=i: _leave_out(body, i)


def _leave_out(body: list[ast.stmt], i: int) -> None:
    body[i] = ast.copy_location(ast.Pass(), body[i])


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as it was changed."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The changed module's."""
        if name != self._mutant.target.module:
            return None
        origin = str(ROOT / f"{name.replace('.', '/')}.py")
        return importlib.machinery.ModuleSpec(name, self, origin=origin)

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        module.__file__ = str(module.__spec__.origin if module.__spec__ else "")
        exec(compile(self._mutant.tree, module.__file__, "exec"), module.__dict__)


def lives(mutant: Mutant | None, tests: tuple[str, ...], seconds: int = 300) -> bool:
    """Whether the tests pass all the same, in a child that has this change alone."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if mutant and code == -signal.SIGALRM:
            print(f"ends not in {seconds} s: {mutant.target.module}:{mutant.line}: {mutant.words}", flush=True)
        return code == 0
    import pytest

    signal.alarm(seconds)  # a change that never ends is a dead one
    if mutant:
        sys.meta_path.insert(0, Changed(mutant))
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        early = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what HEAVY brought before pytest came
        given = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "not s3", *early, *tests]
        os._exit(int(pytest.main(given)))


def main() -> int:
    """Print what lives, and the score; 1 where more live than may, or the tests fail without any change."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=900, help="no new change is begun after that")
    parser.add_argument("--only", default="", help="modules whose name holds this")
    asked = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in HEAVY:
        importlib.import_module(name)
    targets = [target for target in TARGETS if asked.only in target.module]
    if not all(lives(None, target.tests) for target in targets):
        print("tests fail without any change: mend them first.")
        return 1
    until, done, living = time.monotonic() + asked.seconds, 0, []
    for mutant in (mutant for target in targets for mutant in mutants(target)):
        if time.monotonic() > until:
            print(f"stopped after {asked.seconds:g} s.")
            break
        done += 1
        if lives(mutant, mutant.target.tests):
            living.append(mutant)
            print(f"lives: {mutant.target.module}:{mutant.line}: {mutant.words}", flush=True)
    print(f"{done - len(living)} of {done} changes were found.")
    return 1 if living else 0


if __name__ == "__main__":
    sys.exit(main())
