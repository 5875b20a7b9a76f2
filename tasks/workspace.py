"""The folder that a run works in: what it was asked for (run.yaml), its parameters, and where results lie (work/).

Results are published to the lake afterwards; the workspace is what DVC keeps the ledger of.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from pricewright.core.address import refuse_secret
from pricewright.core.errors import ParameterError, SourceError
from pricewright.files import write_whole

Parameters = dict[str, Any]
MARKET = "pricewright/worlds/market.py"  # as the source, it means: simulate the market of params.yaml
# Files beside the sales, and what stands for none of each: the module that reads it.
BESIDE = {
    "stores": "pricewright/ingest/stores.py",
    "products": "pricewright/ingest/products.py",
    "stock": "pricewright/ingest/stock.py",
}
RULES = "pricewright/rules/file.py"
ASKED = {**BESIDE, "rules": RULES}
STORE = "./lake"
FORMATS = "a CSV, Parquet or xlsx file"
SECTIONS = (
    "market", "ingest", "feature", "drift", "tune", "network", "train", "proof", "fairness", "price", "promote",
)  # fmt: skip


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
        node = overrides
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise ParameterError(f"{text!r} goes below {key}, which another parameter of this run sets.")
        try:
            node[keys[-1]] = "," if value.strip() == "," else yaml.safe_load(value)
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


def checked(parameters: Parameters) -> Parameters:
    """The same parameters. Raises ParameterError for a value that breaks its rule."""
    from pricewright.parameters import check_parameters  # pydantic takes 0.1 s, and not all commands need it

    check_parameters(parameters)
    return parameters


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
        """params.yaml overlaid by this run's overrides: a mapping per stage. Raises ParameterError, see checked."""
        return checked(overlay(read_parameters(self.root / "params.yaml"), self.overrides))

    @property
    def overrides(self) -> dict[str, Any]:
        """What this run laid over params.yaml, by section."""
        return {section: values for section, values in self._asked["overrides"].items() if values}

    @property
    def source(self) -> Path:
        """The file of transactions."""
        return self.root / str(self._asked["source"])

    def beside(self, name: str) -> Path | None:
        """The file of `stores`, `products`, `stock` or `rules`; None where the run has none."""
        asked = str(self._asked.get(name, ASKED[name]))
        return None if asked == ASKED[name] else self.root / asked

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
    beside: Mapping[str, str] | None = None,
) -> Workspace:
    """Write what a run is asked for to run.yaml, which dvc.yaml reads; what is not given is as by default.

    beside: the files of ASKED, by name. Raises SourceError when a file does not exist, ParameterError for an unknown
    parameter, or an address with a secret in it, which is written nowhere.
    """
    given = {name: (beside or {}).get(name, "") for name in ASKED}
    for name, address in (("source", source), ("store", store), *given.items()):
        refuse_secret(name, address)
    defaults = read_parameters(root / "params.yaml")
    checked(overlay(defaults, overrides or {}))
    changed = differences(defaults, overrides or {})
    unused = sorted(set(changed) - set(SECTIONS))
    if unused:
        raise ParameterError(f"a run has no use for {unused[0]}.*.", hint=f"it reads {', '.join(SECTIONS)}.")
    asked = {
        "source": _source(root, source),
        **{name: _file(root, given[name], BESIDE[name], FORMATS) for name in BESIDE},
        "rules": _file(root, given["rules"], RULES, "a YAML file of rules"),
        "store": _store(root, store),
        "columns": dict(columns or {}),
        "overrides": {section: changed.get(section, {}) for section in SECTIONS},
        "price_level": overlay(defaults, changed).get("price", {}).get("level"),  # alone of `price` it makes features
    }
    text = "# What the last run was asked for; written by `pricewright run`.\n" + yaml.safe_dump(asked, sort_keys=False)
    write_whole(root / "run.yaml", text.encode())
    return Workspace(root)


def _source(root: Path, source: str) -> str:
    return _file(root, source, MARKET, f"{FORMATS} of sales transactions")


def _file(root: Path, name: str, default: str, wanted: str) -> str:
    """A file's path, from the root if it lies below it. Raises SourceError when it does not exist."""
    if not name or name == default:
        return default
    path = Path(name).expanduser()
    if not path.exists() and not (root / path).exists():
        raise SourceError(f"{name} does not exist.", hint=f"give {wanted}.")
    path = (path if path.exists() else root / path).resolve()
    return os.path.relpath(path, root) if path.is_relative_to(root) else str(path)


def _store(root: Path, store: str) -> str:
    if not store or "://" in store:
        return store or STORE
    path = Path(store).expanduser().resolve()
    return "./" + os.path.relpath(path, root) if path.is_relative_to(root) else str(path)


def find_root(start: Path | None = None) -> Path:
    """The nearest folder upwards from `start` (or the current one) with dvc.yaml and params.yaml, else our checkout."""
    here = (start or Path.cwd()).resolve()
    own = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, own):
        if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
            return folder
    raise ParameterError(f"neither {here} nor a folder above it is a checkout of Pricewright.", hint="cd into one.")
