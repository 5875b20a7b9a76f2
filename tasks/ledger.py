"""The ledger: which stages are stale and why, what they made before, and that they ran. DVC keeps it.

In-process counterpart of `dvc repro`: both read dvc.yaml and write the same dvc.lock. One Repo object and one
lock per ledger; `stage.changed_*` and `stage_cache` are internal to DVC, so its version is pinned and tested.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from demand.errors import LedgerError

How = Literal["skipped", "restored", "ran"]


@dataclass(frozen=True)
class Reason:
    """One thing that changed since a stage last ran; hashes or values, before and now."""

    what: str
    before: Any = None
    now: Any = None

    def __str__(self) -> str:
        if self.before is None and self.now is None:
            return self.what
        if self.before is None:
            return f"{self.what}, which is new"
        return f"{self.what}: {_short(self.before)} -> {_short(self.now)}"


@dataclass(frozen=True)
class Entry:
    """What became of a stage in this run."""

    stage: str
    how: How
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = field(default=())


class Ledger:
    """The stages of one workspace (the folder with dvc.yaml)."""

    def __init__(self, root: Path) -> None:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        logging.getLogger("dvc").setLevel(logging.CRITICAL)
        self._dvc_lock = threading.RLock()
        _set_torn_lock_aside(root)
        try:
            self._repo = Repo(str(root))
            with self._dvc_lock, self._repo.lock:
                self._inputs = self._hash_inputs()
        except DvcException as error:
            raise LedgerError(f"dvc cannot read the stages in {root}: {error}") from error

    @property
    def lock_file(self) -> Path:
        """dvc.lock: what each stage read and wrote, with hashes."""
        return Path(self._repo.root_dir) / "dvc.lock"

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of all stages, each after those it depends on."""
        with self._dvc_lock:
            import networkx

            order = networkx.dfs_postorder_nodes(self._repo.index.graph)
            return tuple(stage.name for stage in order)

    def why_stale(self, name: str) -> tuple[Reason, ...]:
        """What changed since the stage last ran; empty when it need not run."""
        with self._dvc_lock, self._repo.lock:
            return _reasons(self._stage(name))

    def inputs(self, name: str) -> dict[str, str]:
        """What the stage read when it last ran: hash of each file and folder, value of each parameter."""
        with self._dvc_lock, self._repo.lock:
            found: dict[str, str] = {}
            for dep in self._stage(name).deps:
                known = dep.hash_info.value if dep.hash_info else None
                parts = known.items() if isinstance(known, Mapping) else [(str(dep), known)]
                found |= {str(part): str(value) for part, value in parts}
            return found

    def run(
        self, name: str, work: Callable[[], object], *, restore: bool = True, also: tuple[Reason, ...] = ()
    ) -> Entry:
        """Run a stage when it is stale, or for a reason that only the caller knows (`also`), and record it.

        What the same inputs made before is restored instead, unless `restore` is False (a stage that acts on
        the world). When `work` raises, or is killed, the stage stays stale. Raises LedgerError when an input
        is missing, or changed while the stage ran.
        """
        started = time.perf_counter()
        reasons = self.why_stale(name) + also
        if not reasons:
            return Entry(name, "skipped")
        inputs = self._clear(name)
        how: How = "restored" if restore and self._restored(name) else "ran"
        if how == "ran":
            work()
            self._record(name, inputs)
        return Entry(name, how, time.perf_counter() - started, reasons)

    def _address(self, name: str) -> str:
        """A bare name would be looked for in the current directory."""
        return f"{self._repo.root_dir}/dvc.yaml:{name}"

    def _stage(self, name: str) -> Any:
        return self._repo.stage.collect(self._address(name))[0]

    def _clear(self, name: str) -> dict[str, str]:
        """Remove what the stage made: written in place, it would change the cached copy where that is a link."""
        with self._dvc_lock, self._repo.lock:
            stage = self._stage(name)
            missing = [str(dep) for dep in stage.deps if not dep.exists]
            if missing:
                raise LedgerError(f"stage {name} needs {missing[0]}, which does not exist.", hint="pricewright run.")
            for out in stage.outs:
                out.remove()
                Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
            return _hashes(stage)

    def _restored(self, name: str) -> bool:
        from dvc.stage.cache import RunCacheNotFoundError

        with self._dvc_lock:
            try:
                with self._repo.lock, chdir(self._repo.root_dir):  # dvc looks for ./dvc.yaml here
                    self._repo.stage_cache.restore(self._stage(name))
            except RunCacheNotFoundError:
                return False
            self._commit(name)
            return True

    def _record(self, name: str, before: Mapping[str, str]) -> None:
        with self._dvc_lock:
            with self._repo.lock:
                stage = self._stage(name)
                now = _hashes(stage)
                expected = dict(before) | {path: known for path, known in self._inputs.items() if path in before}
                moved = sorted(path for path in now if now[path] != expected[path])
                absent = [str(out) for out in stage.outs if not out.exists]
            if moved:
                raise LedgerError(
                    f"{moved[0]} changed while stage {name} ran, so its results belong to neither version.",
                    hint="run again.",
                )
            if absent:
                raise LedgerError(f"stage {name} did not write {absent[0]}, which dvc.yaml promises.")
            self._commit(name)

    def _commit(self, name: str) -> None:
        with chdir(self._repo.root_dir):
            self._repo.commit(self._address(name), force=True)

    def _hash_inputs(self) -> dict[str, str]:
        """Code and data that no stage makes, as they were when this process began to work with them."""
        stages = list(self._repo.index.stages)
        made = {out.fs_path for stage in stages for out in stage.outs}
        deps = {dep.fs_path: dep for stage in stages for dep in stage.deps if not hasattr(dep, "params")}
        return {path: _hash(dep) for path, dep in deps.items() if path not in made and dep.exists}


def _reasons(stage: Any) -> tuple[Reason, ...]:
    if not any(dep.hash_info for dep in stage.deps):
        return (Reason("never ran"),)
    reasons = [Reason("its command changed")] if stage.changed_stage() else []
    for dep in stage.deps:
        status = dep.status()
        if status and hasattr(dep, "params"):
            reasons += _changed_parameters(dep, status)
        elif status:
            now = dep.get_hash().value if dep.exists else "missing"
            reasons.append(Reason(str(dep), dep.hash_info.value, now))
    for out in stage.outs:
        reasons += [Reason(f"{path} is {state}") for path, state in out.status().items()]
    return tuple(reasons)


def _changed_parameters(dep: Any, status: Mapping[str, Any]) -> list[Reason]:
    (states,) = status.values()
    if isinstance(states, str):
        return [Reason(f"{dep} is {states}")]
    known, actual = dep.hash_info.value or {}, dep.read_params()
    return [Reason(name, known.get(name, "unset"), actual.get(name, "unset")) for name in states]


def _hashes(stage: Any) -> dict[str, str]:
    """Content hash of each file and folder that the stage depends on, and its parameters, by path."""
    return {dep.fs_path: _hash(dep) for dep in stage.deps if dep.exists}


def _hash(dep: Any) -> str:
    return str(dep.get_hash().value)


def _set_torn_lock_aside(root: Path) -> None:
    """A dvc.lock whose writing was cut off: without it, what ran before is restored from the cache."""
    lock = root / "dvc.lock"
    try:
        torn = lock.exists() and not isinstance(yaml.safe_load(lock.read_text()), dict)
    except yaml.YAMLError:
        torn = True
    if torn:
        lock.replace(root / "dvc.lock.torn")


def _short(value: Any) -> str:
    text = str(value)
    return text[:8] if len(text) in (32, 36) and " " not in text and "{" not in text else text[:60]
