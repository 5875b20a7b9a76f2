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


class Member(NamedTuple):
    """Where the zip's header of an array begins, and how many bytes follow it, as the zip's directory says."""

    header: int
    size: int


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


def directory(body: Any, need: Need) -> dict[str, Member] | None:
    """Where each array stands, by its name; None when the zip is of another kind.

    Raises ValueError or struct.error when it is none at all, or holds more than its own bytes: arrays that overlap
    make gigabytes of a small file.
    """
    size = len(body)
    need(max(size - END_SIZE, 0), size)
    if bytes(body[-END_SIZE : -END_SIZE + 4]) != END:
        return None
    count, length, place = struct.unpack_from("<HLL", body, size - END_SIZE + 10)
    need(place, place + length)
    found: dict[str, Member] = {}
    for _ in range(count):
        if bytes(body[place : place + 4]) != CENTRAL:
            return None
        method, stored, name, extra, comment, header = struct.unpack_from("<10xH8xL4x3H8xL", body, place)
        if method:
            return None
        key = bytes(body[place + CENTRAL_SIZE : place + CENTRAL_SIZE + name]).decode()
        found[key.removesuffix(".npy")] = Member(header, stored)
        place += CENTRAL_SIZE + name + extra + comment
    if len(found) != count:
        raise ValueError(f"{count} arrays have {len(found)} names.")
    _fit(sum(member.size for member in found.values()), size)
    return found


def find(body: Any, need: Need, name: str, member: Member) -> Place:
    """The place of an array. Raises ValueError when it holds Python objects, or more than the zip's directory says."""
    header = member.header
    need(header, min(header + LONGEST_HEADER, len(body)))
    name_size, extra = struct.unpack_from("<HH", body, header + LOCAL_SIZE - 4)
    start = header + LOCAL_SIZE + name_size + extra
    stream = io.BytesIO(body[start : start + LONGEST_HEADER])
    read = HEADERS[np.lib.format.read_magic(stream)]
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects.")
    place = Place(start + stream.tell(), dtype, shape, fortran)
    if min(shape, default=0) < 0 or stream.tell() + place.size > member.size:
        raise ValueError(f"{name} has the shape {shape}, and {member.size} bytes for it.")
    if place.start + place.size > len(body):
        raise ValueError(f"{name} ends after the file does.")
    return place


def unzipped(body: bytes) -> dict[str, NDArray[Any]]:
    """All arrays of a zip of any kind that is not compressed: releases are written so, and a bomb is not."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{entry.filename} is compressed, {entry.file_size:,} bytes when read.")
        _fit(sum(entry.file_size for entry in archive.infolist()), len(body))
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        return {name: _read(name, archive.read(entry)) for name, entry in members.items()}


def _fit(needed: int, size: int) -> None:
    if needed > size:
        raise ValueError(f"its arrays have {needed:,} bytes, the file has {size:,}.")


def _read(name: str, body: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
    return array
