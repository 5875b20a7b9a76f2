"""A large file of a release, read and checked a block at a time: only what is used, and nothing before it was checked.

A catalog of 100,000 SKUs has 60 MB; an answer needs twenty rows of it. Hashing all of it would be half of a cold start.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.core.errors import ReleaseError

SMALL = 1 << 20  # bytes; OpenSSL hashes 5 times faster, but to load it takes as long as to hash as much without it
BLOCK = 128 * 1024
LEAST = 8 * BLOCK  # smaller files are checked as a whole
DIGEST = 32  # bytes
ReadPart = Callable[[int, int], bytes]


def sha256(body: Any) -> Any:
    """The hash object of these bytes; of few by the interpreter's own code, as the standard library's random does."""
    if len(body) <= SMALL:
        try:
            from _sha256 import sha256 as own  # type: ignore[import-not-found, unused-ignore]
        except ImportError:  # an interpreter without it
            pass
        else:
            return own(body)
    import hashlib

    return hashlib.sha256(body)


class DamagedFile(ReleaseError):
    """A block of a file is not what the manifest says: nothing of this release can be trusted."""


def digests(body: bytes) -> str:
    """SHA-256 (hex) of each block in turn; empty for a file that is checked as a whole."""
    if len(body) < LEAST:
        return ""
    view = memoryview(body)
    return "".join(sha256(view[start : start + BLOCK]).hexdigest() for start in range(0, len(body), BLOCK))


class Blocks:
    """The bytes of a file; those that were asked for with `need` are there, the others are anything."""

    def __init__(self, name: str, size: int, hexadecimal: str, read: ReadPart) -> None:
        """`read` gives the bytes from one offset to another. Raises DamagedFile when there are too few digests."""
        self._name = name
        self._digests = bytes.fromhex(hexadecimal)
        self._read = read
        count = -(-size // BLOCK)
        if len(self._digests) != count * DIGEST:
            raise DamagedFile(f"{name} has {size} bytes in {count} blocks, its manifest knows others.")
        self._good = bytearray(count)
        self.body: NDArray[np.uint8] = np.empty(size, dtype=np.uint8)  # takes no memory before it is written

    def __len__(self) -> int:
        return len(self.body)

    def need(self, start: int, stop: int) -> None:
        """Read and check the blocks of these bytes, those beside each other at once.

        Raises DamagedFile; ValueError for bytes beyond the file's end.
        """
        if not 0 <= start <= stop <= len(self.body):
            raise ValueError(f"bytes {start} to {stop} of {len(self.body)}")
        missing = [number for number in range(start // BLOCK, -(-stop // BLOCK)) if not self._good[number]]
        while missing:
            count = next((i for i, number in enumerate(missing) if number != missing[0] + i), len(missing))
            self._take(missing[0], missing[0] + count)
            del missing[:count]

    def _take(self, first: int, last: int) -> None:
        start, stop = first * BLOCK, min(last * BLOCK, len(self.body))
        part = memoryview(self._read(start, stop))
        for number in range(first, last):
            block = part[number * BLOCK - start : (number + 1) * BLOCK - start]
            if sha256(block).digest() != self._digests[number * DIGEST : (number + 1) * DIGEST]:
                raise DamagedFile(
                    f"{self._name} is not what its manifest says, from byte {number * BLOCK} on.",
                    hint="the file was cut off or altered after it was written; promote the release again.",
                )
            self.body[number * BLOCK : number * BLOCK + len(block)] = block
            self._good[number] = 1
