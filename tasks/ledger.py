"""The ledger: which stages are stale and why, what they made before, and that they ran. DVC keeps it.

In-process counterpart of `dvc repro`: both read dvc.yaml and write the same dvc.lock. One Repo object and one
lock per ledger; `stage.changed_*` and `stage_cache` are internal to DVC, so its version is pinned and tested.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from pricewright.core.errors import LakeError, LedgerError

REMOTE = "lake"
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
    """The stages of one workspace (the folder with dvc.yaml).

    remote: settings of the DVC remote to push to and pull from (url, endpointurl, region). held: hashes of what it has:
    a stage whose results are there, but not here, is not stale, and they are pulled when a stage needs them.
    """

    def __init__(
        self, root: Path, remote: Mapping[str, str] | None = None, held: Collection[str] = frozenset()
    ) -> None:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        logging.getLogger("dvc").setLevel(logging.CRITICAL)
        self._dvc_lock = threading.RLock()
        self._held = frozenset(held)
        config = {"core": {"remote": REMOTE}, "remote": {REMOTE: dict(remote)}} if remote else None
        _set_torn_lock_aside(root)
        try:
            self._repo = Repo(str(root), config=config)
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
            return _reasons(self._stage(name), cache(self._elsewhere))

    def differing(self) -> dict[str, str]:
        """Outputs that are not here as the lock says, by path: modified, or deleted and not in the remote either."""
        with self._dvc_lock, self._repo.lock:
            there = cache(self._elsewhere)
            outs = [out for stage in self._repo.index.stages for out in self._stage(stage.name).outs if out.hash_info]
            states = {str(out): out.workspace_status().get(str(out)) for out in outs}
            lost = {str(out) for out in outs if states[str(out)] == "deleted" and out.fs_path in there()}
            return {path: str(state) for path, state in states.items() if state and path not in lost}

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

    def push(self, names: Collection[str]) -> int:
        """Give the remote what these stages made and it lacks; returns how many files that were.

        On the disk of the cache they become hard links, no copies. Raises LakeError when it cannot be done.
        """
        repo = self._repo
        with self._dvc_lock, repo.lock, chdir(repo.root_dir):
            wanted = [name for name in names if not self._held.issuperset(_made(self._stage(name)))]
            if not wanted:
                return 0
            try:
                used = repo.used_objs([self._address(name) for name in wanted], push=True)
                there = repo.cloud.get_remote_odb(REMOTE, "push")
                objects = set().union(*used.values())
                done = repo.cloud.transfer(repo.cache.local, there, objects, hardlink=True, cache_odb=repo.cache.local)
            except Exception as error:
                raise LakeError(f"{self._remote_url} did not take what the stages made: {_first(error)}") from error
            if done.failed:
                raise LakeError(f"{self._remote_url} did not take {len(done.failed)} of {len(objects)} files.")
            return len(done.transferred)

    def pull(self, paths: Collection[str] = ()) -> int:
        """Bring results from the remote to their paths, by default all; returns how many files were downloaded.

        Raises LakeError when the remote does not have them.
        """
        with self._dvc_lock, chdir(self._repo.root_dir):
            try:
                answer = self._repo.pull(targets=[str(path) for path in paths] or None, remote=REMOTE, force=True)
            except Exception as error:
                raise LakeError(
                    f"{', '.join(map(str, paths)) or 'the results'} cannot be had from {self._remote_url}: "
                    f"{_first(error)}",
                    hint="remove dvc.lock: then all stages run again.",
                ) from error
            return int(answer["stats"].get("fetched", 0))

    @property
    def _remote_url(self) -> str:
        return str(self._repo.config["remote"].get(REMOTE, {}).get("url", "no remote"))

    def _elsewhere(self) -> dict[str, str]:
        """Hashes of results, by path, that the remote has, and the workspace has not or has unchanged."""
        outs = [out for stage in self._repo.index.stages for out in self._stage(stage.name).outs] if self._held else []
        held = [out for out in outs if out.hash_info.value in self._held]
        return {out.fs_path: out.hash_info.value for out in held if not out.exists or not out.workspace_status()}

    def _address(self, name: str) -> str:
        """A bare name would be looked for in the current directory."""
        return f"{self._repo.root_dir}/dvc.yaml:{name}"

    def _stage(self, name: str) -> Any:
        return self._repo.stage.collect(self._address(name))[0]

    def _clear(self, name: str) -> dict[str, str]:
        """Remove what the stage made: written in place, it would change the cached copy where that is a link."""
        with self._dvc_lock, self._repo.lock:
            stage = self._stage(name)
            missing = [dep for dep in stage.deps if not dep.exists]
            there = self._elsewhere() if missing else {}
            nowhere = [str(dep) for dep in missing if dep.fs_path not in there]
            if nowhere:
                raise LedgerError(f"stage {name} needs {nowhere[0]}, which does not exist.", hint="pricewright run.")
        if missing:
            self.pull([str(dep) for dep in missing])
        with self._dvc_lock, self._repo.lock:
            stage = self._stage(name)
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


def _reasons(stage: Any, elsewhere: Callable[[], Mapping[str, str]]) -> tuple[Reason, ...]:
    """Why a stage is stale; `elsewhere` gives the hashes of the results that need not be here, by path."""
    if not any(dep.hash_info for dep in stage.deps):
        return (Reason("never ran"),)
    reasons = [Reason("its command changed")] if stage.changed_stage() else []
    for dep in stage.deps:
        status = dep.status()
        if status and hasattr(dep, "params"):
            reasons += _changed_parameters(dep, status)
        elif status:
            now = dep.get_hash().value if dep.exists else elsewhere().get(dep.fs_path, "missing")
            reasons += [Reason(str(dep), dep.hash_info.value, now)] if now != dep.hash_info.value else []
    for out in stage.outs:
        if (status := out.status()) and out.fs_path not in elsewhere():
            reasons += [Reason(f"{path} is {state}") for path, state in status.items()]
    return tuple(reasons)


def _made(stage: Any) -> set[str]:
    return {str(out.hash_info.value) for out in stage.outs}


def _first(error: Exception) -> str:
    return f"{str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}"


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
