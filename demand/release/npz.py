"""Where the arrays of an npz stand in its bytes: a zip that is not compressed is a list of places.

The library for zip files takes longer to import than a price to compute; it is asked where a zip is of another kind.
"""

import io
import math
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Need = Callable[[int, int], None]  # sees to it that bytes from one place to another are there
END, CENTRAL = b"PK\5\6", b"PK\1\2"
END_SIZE, CENTRAL_SIZE, LOCAL_SIZE = 22, 46, 30
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
LONGEST_HEADER = 1024  # bytes before an array's first value: name, padding, shape and type


class Place(NamedTuple):
    """Where an array's values begin, and what they are."""

    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def view(self, body: Any) -> NDArray[Any]:
        """The array in these bytes; nothing is copied."""
        count = math.prod(self.shape)
        array = np.frombuffer(body, self.dtype, count, self.start) if count else np.empty(0, self.dtype)
        return array.reshape(self.shape, order="F" if self.fortran else "C")


def directory(body: Any, need: Need) -> dict[str, int] | None:
    """Where the header of each array begins, by its name; None when the zip is of another kind.

    Raises ValueError or struct.error when it is none at all.
    """
    size = len(body)
    need(max(size - END_SIZE, 0), size)
    if bytes(body[-END_SIZE : -END_SIZE + 4]) != END:
        return None
    count, length, place = struct.unpack_from("<HLL", body, size - END_SIZE + 10)
    need(place, place + length)
    found: dict[str, int] = {}
    for _ in range(count):
        if bytes(body[place : place + 4]) != CENTRAL:
            return None
        method, name, extra, comment, header = struct.unpack_from("<10xH16x3H8xL", body, place)
        if method:
            return None
        key = bytes(body[place + CENTRAL_SIZE : place + CENTRAL_SIZE + name]).decode()
        found[key.removesuffix(".npy")] = header
        place += CENTRAL_SIZE + name + extra + comment
    return found


def find(body: Any, need: Need, name: str, header: int) -> Place:
    """The place of an array whose header in the zip begins there. Raises ValueError when it holds Python objects."""
    need(header, min(header + LONGEST_HEADER, len(body)))
    name_size, extra = struct.unpack_from("<HH", body, header + LOCAL_SIZE - 4)
    start = header + LOCAL_SIZE + name_size + extra
    stream = io.BytesIO(body[start : start + LONGEST_HEADER])
    read = HEADERS[np.lib.format.read_magic(stream)]
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects.")
    place = Place(start + stream.tell(), dtype, shape, fortran)
    if place.start + place.size > len(body):
        raise ValueError(f"{name} ends after the file does.")
    return place


def unzipped(body: bytes) -> dict[str, NDArray[Any]]:
    """All arrays of a zip of any kind."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        return {name: _read(name, archive.read(entry)) for name, entry in members.items()}


def _read(name: str, body: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
    return array
