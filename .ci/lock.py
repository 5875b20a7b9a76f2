"""Writes requirements.lock: what pyproject.toml allows, every file by hash: lock.py [--upgrade]

torch is locked twice: on Linux its CPU build, elsewhere the registry's own, which has no CUDA there.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
COMPILE = ("uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url")
# The oldest that pyproject.toml allows: what 3.11.0 needs besides is harmless on later ones, and missing is an error.
ALL = ("pyproject.toml", "--extra", "test", "--python-version", "3.11", "-o", str(LOCK))
CPU = ("-", "--no-deps", "--python-version", "3.11", "--torch-backend", "cpu", "--no-header")


def entry(lock: str, name: str) -> str:
    """What a lock says of a package, with its hashes; empty where it does not name it."""
    found = re.search(rf"^{re.escape(name)}[ =].*\n(?:[ ].*\n)*", lock, re.M)
    return found.group() if found else ""


def put_cpu(lock: str, cpu: str) -> str:
    """A lock that takes torch's CPU build on Linux, and what it took so far elsewhere.

    >>> print(put_cpu("torch==2.0 \\\\\\n    --hash=a\\n", "torch==2.0+cpu \\\\\\n    --hash=b\\n"), end="")
    torch==2.0+cpu ; sys_platform == "linux" \\
        --hash=b
    torch==2.0 ; sys_platform != "linux" \\
        --hash=a
    """
    own = entry(lock, "torch")
    return lock.replace(own, _only(cpu, "==") + _only(own, "!="))


def _only(text: str, sign: str) -> str:
    """An entry for Linux, or for all but Linux."""
    return re.sub(r"\A(\S+)[^\n]*? \\\n", rf'\1 ; sys_platform {sign} "linux" \\\n', text)


def find_cpu(lock: str, before: str) -> str:
    """torch's CPU build at the version of a lock; the lock's before where nobody reaches its index."""
    version = re.findall(r"^torch==([\d.]+)", lock, re.M)[0]
    asked = [*COMPILE, *CPU]
    done = subprocess.run(asked, input=f"torch=={version}\n", cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  ours
    found = entry(done.stdout, "torch") or entry(before, f"torch=={version}+cpu")
    return found or sys.exit(f"torch {version} has no CPU build, or its index cannot be reached: {done.stderr[-300:]}")


def main(options: list[str]) -> None:
    """Write the lock."""
    os.environ.pop("UV_FIND_LINKS", None)  # a local folder's files are not the registry's
    os.environ["UV_CUSTOM_COMPILE_COMMAND"] = "make lock"
    before = LOCK.read_text()
    subprocess.run([*COMPILE, *ALL, *options], cwd=ROOT, check=True)  # noqa: S603  ours
    LOCK.write_text(put_cpu(made := LOCK.read_text(), find_cpu(made, before)))


if __name__ == "__main__":
    main(sys.argv[1:])
