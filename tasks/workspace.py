"""The folder that a run works in: what it was asked for (run.yaml) and where each result lies (work/).

Results are published to the lake afterwards; the workspace is what DVC keeps the ledger of.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from pricewright.core.address import refuse_secret
from pricewright.core.errors import ParameterError, SourceError
from pricewright.whole_file import write_whole
from tasks.parameters import Parameters, differences, overlay, read_parameters

MARKET = "pricewright/market.py"  # as the source, it means: simulate the market of params.yaml
STORE = "./lake"
SECTIONS = (
    "market", "ingest", "feature", "drift", "tune", "network", "train", "proof", "fairness", "price", "promote",
)  # fmt: skip


@dataclass(frozen=True)
class Workspace:
    """A checkout (dvc.yaml, params.yaml, the code) with the results of its last run below work/."""

    root: Path
    environment: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    """Where the lake's endpoint and region come from; None: the environment of the process."""

    @property
    def work(self) -> Path:
        """Everything the stages write; git ignores it, DVC keeps it."""
        return self.root / "work"

    @property
    def run_file(self) -> Path:
        """What the last run was asked for."""
        return self.root / "run.yaml"

    @cached_property
    def _asked(self) -> dict[str, Any]:
        if not self.run_file.exists():
            configure(self.root)
        content: dict[str, Any] = yaml.safe_load(self.run_file.read_text())
        return content

    @cached_property
    def parameters(self) -> Parameters:
        """params.yaml overlaid by this run's overrides: a mapping per stage."""
        return overlay(read_parameters(self.root / "params.yaml"), self.overrides)

    @property
    def overrides(self) -> dict[str, Any]:
        """What this run laid over params.yaml, by section."""
        return {section: values for section, values in self._asked["overrides"].items() if values}

    @property
    def source(self) -> Path:
        """The file of transactions."""
        return self.root / str(self._asked["source"])

    @property
    def simulated(self) -> bool:
        """Whether the transactions come from the simulated market."""
        return bool(self._asked["source"] == MARKET)

    @property
    def described(self) -> str:
        """The source in a few words, such as `online_retail.parquet`."""
        market = self.parameters["market"] if self.simulated else {}
        return f"a simulated market: {market['skus']} SKUs, {market['weeks']} weeks" if market else self.source.name

    @property
    def store(self) -> str:
        """URL or whole path of the lake."""
        store = str(self._asked["store"])
        return store if "://" in store else str((self.root / store).resolve())

    @property
    def columns(self) -> dict[str, str]:
        """Names of the source's columns, by the name Pricewright uses."""
        return dict(self._asked["columns"])

    def metrics(self, stage: str) -> Path:
        """The numbers of a stage, as JSON."""
        return self.work / "metrics" / f"{stage}.json"


def configure(
    root: Path,
    source: str = "",
    store: str = "",
    columns: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Workspace:
    """Write what a run is asked for to run.yaml, which dvc.yaml reads; what is not given is as by default.

    Raises SourceError when the file of transactions does not exist, ParameterError for an unknown parameter, or an
    address with a secret in it, which is written nowhere.
    """
    for name, address in (("source", source), ("store", store)):
        refuse_secret(name, address)
    defaults = read_parameters(root / "params.yaml")
    overlay(defaults, overrides or {})
    changed = differences(defaults, overrides or {})
    unused = sorted(set(changed) - set(SECTIONS))
    if unused:
        raise ParameterError(f"a run has no use for {unused[0]}.*.", hint=f"it reads {', '.join(SECTIONS)}.")
    asked = {
        "source": _source(root, source),
        "store": _store(root, store),
        "columns": dict(columns or {}),
        "overrides": {section: changed.get(section, {}) for section in SECTIONS},
    }
    text = "# What the last run was asked for; written by `pricewright run`.\n" + yaml.safe_dump(asked, sort_keys=False)
    write_whole(root / "run.yaml", text.encode())
    return Workspace(root)


def _source(root: Path, source: str) -> str:
    if not source or source == MARKET:
        return MARKET
    path = Path(source).expanduser()
    if not path.exists() and not (root / path).exists():
        raise SourceError(f"{source} does not exist.", hint="give a CSV, Parquet or xlsx file of sales transactions.")
    path = (path if path.exists() else root / path).resolve()
    return os.path.relpath(path, root) if path.is_relative_to(root) else str(path)


def _store(root: Path, store: str) -> str:
    if not store or "://" in store:
        return store or STORE
    path = Path(store).expanduser().resolve()
    return "./" + os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
