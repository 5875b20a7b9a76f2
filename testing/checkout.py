"""A copy of the checkout with numbers so small that a run takes seconds, and the command in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.backups import REGISTRY

ROOT = Path(__file__).parents[1]
TINY: dict[str, Any] = {
    "market": {"kind": "", "skus": 24, "weeks": 60, "units_per_week": 8},
    "drift": {"sample_rows": 500},
    "fairness": {"explained_rows": 4, "background_rows": 4, "minimum_skus": 2},
    "tune": {"rows": 2000, "network": {"budget": 1, "trial": {"members": 1, "epochs": 1}}}
    | {name: {"budget": 1} for name in REGISTRY},
    "train": {"network": {"members": 1, "epochs": 2}},
    "promote": {"override": "a shop too small to judge"},
}
COMMAND = "import sys; sys.argv[0] = 'pricewright'; from cli.main import main; main()"


def lay_over(defaults: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        lay_over(defaults[key], value) if isinstance(value, dict) else defaults.update({key: value})


@dataclass
class Checkout:
    """A copy of the checkout with tiny parameters, and the command in it."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)  # environment
    printed: list[str] = field(default_factory=list)  # all that commands have printed

    def pricewright(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-c", COMMAND, *arguments])

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command at work, in a session of its own: whoever kills it kills what it started too."""
        command, quiet = [sys.executable, "-c", COMMAND, *arguments], subprocess.DEVNULL
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def repro(self) -> list[str]:
        """Stages that `dvc repro` ran."""
        done = self._run([sys.executable, "-m", "dvc", "repro"])
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]

    def change(self, **sections: dict[str, Any]) -> None:
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        lay_over(params, sections)
        path.write_text(yaml.safe_dump(params))

    def served(self, store: str = "lake") -> str:
        pointer = Channel(Lake(str(self.root / store))).read()
        return pointer.release if pointer else ""

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=900)
        self.printed += [done.stdout, done.stderr]
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the machine's Prefect or lake, and the command on the path."""
        shims = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        state = {"PREFECT_HOME": str(self.root / "prefect"), "DVC_SITE_CACHE_DIR": str(self.root / "dvc-site")}
        unset = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRICEWRIGHT"))}
        return unset | shims | state | self.extra


def make_checkout(root: Path) -> Checkout:
    """What a run reads, copied; the packages themselves are imported from where the tests are."""
    for name in ("pricewright", "tasks", "inference", "flows", "deployments"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", "prefect.yaml", ".dvcignore", ".dvc/config"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shim = root / "bin" / "pricewright"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{COMMAND}" "$@"\n')
    shim.chmod(0o755)
    made = Checkout(root)
    made.change(**TINY)
    return made
