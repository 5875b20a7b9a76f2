"""`pricewright doctor`: checks everything a run needs, says what is wrong, and what to do about it."""

import os
import platform
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import typer
from packaging.requirements import Requirement
from rich.markup import escape

from blocks.lake import Lake
from cli.console import console
from deployments.stack import control, running_stack
from flows.embedded import check_proxies, find_proxies, proxy_for, silence
from pricewright.core.address import without_secret
from pricewright.core.errors import PricewrightError
from tasks.workspace import Workspace, find_root

DISK = 5.0  # GB that packages, cache and a lake of real data fill
MEMORY = 4.0  # GB that a run on half a million lines takes
COLOUR = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at; only a failure stops a run."""

    what: str
    status: Literal["ok", "warn", "fail"]
    words: str
    hint: str = ""


def examine(root: Path, store: str) -> list[Diagnosis]:
    """All findings; nothing is changed except for one object that is written to the lake and removed."""
    here = [python(), packages(root), checkout(root), disk(root), memory(), proxy()]
    return [*here, lake(store), redis(), prefect(), stack(root)]


def python() -> Diagnosis:
    """The interpreter's version."""
    version = platform.python_version()
    good = sys.version_info[:2] == (3, 11)
    return Diagnosis("python", "ok" if good else "fail", version, "" if good else "Python 3.11 is needed: make setup.")


def packages(root: Path) -> Diagnosis:
    """Whether what is installed is what requirements.lock says."""
    try:
        text = (root / "requirements.lock").read_text()
    except FileNotFoundError:
        return Diagnosis("packages", "warn", f"no requirements.lock in {root}", "run it in a checkout: git clone.")
    wanted = [Requirement(line) for line in re.findall(r"^\w[^\\\n]*", text, re.M)]
    pins = {each.name: str(each.specifier)[2:] for each in wanted if each.marker is None or each.marker.evaluate()}
    wrong = [f"{name} {_installed(name)} instead of {pin}" for name, pin in pins.items() if _installed(name) != pin]
    if wrong:
        return Diagnosis("packages", "warn", f"{len(wrong)} differ, the first: {wrong[0]}", "make setup installs them.")
    return Diagnosis("packages", "ok", f"{len(pins)} as locked")


def disk(root: Path) -> Diagnosis:
    """Free space where the workspace lies."""
    free = shutil.disk_usage(root).free / 1e9
    good = free >= DISK
    return Diagnosis("disk", "ok" if good else "warn", f"{free:.1f} GB free", "" if good else f"keep {DISK:g} GB free.")


def memory() -> Diagnosis:
    """The machine's memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    good = total >= MEMORY
    hint = "" if good else "half a million sales lines may not fit."
    return Diagnosis("memory", "ok" if good else "warn", f"{total:.1f} GB, {os.cpu_count()} cores", hint)


def lake(store: str) -> Diagnosis:
    """Whether the lake can be written, read and swapped."""

    def probe() -> str:
        if "://" not in store:
            parent = next(folder for folder in [Path(store), *Path(store).parents] if folder.exists())
            try:
                with tempfile.TemporaryDirectory(dir=parent) as folder:
                    return _walk(Lake(folder), store)
            except OSError as error:
                raise PricewrightError(f"{store}: {error.strerror}", "--store names a folder that you own.") from None
        return _walk(Lake(f"{store.rstrip('/')}/doctor-{uuid.uuid4().hex[:8]}"), store)

    return _finding("lake", probe, "fail")


def checkout(root: Path) -> Diagnosis:
    """Whether this user may write where results, and Prefect's database, are kept."""
    try:
        tempfile.TemporaryFile(dir=root).close()
    except OSError as error:
        return Diagnosis("checkout", "fail", f"{root}: {error.strerror}", "copy it to a folder that this user owns.")
    return Diagnosis("checkout", "ok", f"{root} can be written")


def proxy(environment: Mapping[str, str] = os.environ) -> Diagnosis:
    """The proxy, and whether it keeps us from what is asked over the network."""
    if not (found := find_proxies(environment)):
        return Diagnosis("proxy", "ok", "none")

    def probe() -> str:
        check_proxies(environment)
        shown = [f"{name}={without_secret(value)}" for name, value in found.items()]
        return f"{', '.join(shown)}; this machine is asked without it"

    return _finding("proxy", probe, "fail")


def redis() -> Diagnosis:
    """The price cache, where one is configured."""
    url = os.environ.get("PRICEWRIGHT_REDIS_URL")
    if not url:
        return Diagnosis("redis", "ok", "not configured: prices are cached in the process")

    def probe() -> str:
        from pydantic import SecretStr

        from blocks.price_cache import PriceCache

        return f"answers in {PriceCache(url=SecretStr(url)).ping():.1f} ms"

    return _finding("redis", probe, "warn")


def prefect() -> Diagnosis:
    """The Prefect server, where one is configured."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return Diagnosis("prefect", "ok", "not configured: each run brings its own server")

    def probe() -> str:

        through = proxy_for(url, os.environ)
        if why := silence(url, bool(through), patience=5):
            name = urlsplit(url).hostname
            hint = f"add {name} to NO_PROXY." if through else "start it, or unset PREFECT_API_URL."
            raise PricewrightError(f"{url} does not answer{f' through {through}' if through else ''}: {why}", hint)
        return f"{url} answers"

    return _finding("prefect", probe, "fail")


def stack(root: Path) -> Diagnosis:
    """The stack of this checkout, where it runs: each of its processes, and whether its server answers."""
    found = running_stack(root)
    if found is None:
        return Diagnosis("stack", "ok", "does not run: pricewright up starts it")

    def probe() -> str:
        with control(found) as remote:
            processes = {each["name"]: each["statename"] for each in remote.getAllProcessInfo()}
        if down := [f"{name} is {state.lower()}" for name, state in processes.items() if state != "RUNNING"]:
            raise PricewrightError(f"{', '.join(down)}", hint=f"read {found.folder}/*.log.")
        if why := silence(found.environment["PREFECT_API_URL"], through_proxy=False, patience=5):
            raise PricewrightError(
                f"Prefect's server {found.ui} does not answer: {why}", f"{found.folder}/prefect.log."
            )
        return f"{found.ui} and {found.playground}; {', '.join(processes)} run"

    return _finding("stack", probe, "warn")


def _walk(lake: Lake, shown: str) -> str:
    lake.swap("pointer", None, b"1")
    lake.swap("pointer", lake.read("pointer"), b"2")
    lake.remove("pointer")
    return f"{shown} can be read, written and swapped"


def _finding(what: str, probe: Callable[[], str], otherwise: Literal["warn", "fail"]) -> Diagnosis:
    try:
        return Diagnosis(what, "ok", probe())
    except PricewrightError as error:
        return Diagnosis(what, otherwise, error.message, error.hint)


def _installed(name: str) -> str:
    try:
        return metadata.version(name).split("+")[0]  # torch's CPU build is 2.13.0+cpu
    except metadata.PackageNotFoundError:
        return "nothing"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="doctor")
    def _doctor() -> None:
        """Check the machine: Python, packages, disk, lake, Redis, Prefect, stack. Exit code 1 when a run would fail."""
        root = find_root()
        findings = examine(root, Workspace(root).store)
        for finding in findings:
            _show(finding)
        if any(finding.status == "fail" for finding in findings):
            raise typer.Exit(1)


def _show(finding: Diagnosis) -> None:
    out = console()
    out.print(f"  [{COLOUR[finding.status]}]{finding.status:<5}[/] {finding.what:<9} {escape(finding.words)}")
    if finding.hint:
        out.print(f"  {'':<5} {'':<9} [dim]{escape(finding.hint)}[/]")
