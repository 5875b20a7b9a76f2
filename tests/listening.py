"""On which addresses a process listens, as Linux's kernel has it."""

import os
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells there who listens")


def listening(process: int) -> set[str]:
    """The addresses on which a process listens, as Linux's kernel has them."""
    inodes = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            inodes.add(os.readlink(link))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                packed = bytes.fromhex(fields[1].split(":")[0])
                words = [packed[i : i + 4][::-1] for i in range(0, len(packed), 4)]
                found.add(str(ip_address(b"".join(words))))
    return found


def family(process: int) -> list[int]:
    """A process and all that it has started."""
    found = [process]
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(OSError):
                found += family(int(child))
    return found
