"""Ports, processes and small disks of this machine: all on loopback, all ended by their id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds until a server listens


def wait_for_port(port: int, process: "subprocess.Popen[Any] | None" = None) -> None:
    """Until somebody listens there. Raises TimeoutError."""

    def listens() -> bool:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server on port {port} ended at once")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, f"somebody to listen on port {port}", PATIENCE)


def until(look: Callable[[], Any], what: str, patience: float, pause: float = 0.05) -> float:
    """Seconds until `look` gives something true. Raises TimeoutError."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > patience:
            raise TimeoutError(f"waited {patience:g} s for {what}")
        time.sleep(pause)
    return time.monotonic() - began


def kill(pid: int) -> None:
    """kill -9, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[str]:
    """A file system of this size at `folder`, where we may mount one; says what it is."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "drill", str(folder)]
    if os.getuid() or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:  # noqa: S603
        yield ""
        return
    try:
        yield f"a tmpfs of {megabytes} MB"
    finally:
        subprocess.run([shutil.which("umount") or "/bin/umount", "--lazy", str(folder)], check=False)  # noqa: S603


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No byte is left on the disk of this folder for as long as the context lasts."""
    ballast = folder / ".ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for block in (2**20, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(block))
    try:
        yield
    finally:
        ballast.unlink()
