"""Reads and writes named arrays as npz: the bytes depend on the content alone, without pickle."""

import io
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.blocks import BLOCK, Blocks, DamagedFile
from pricewright.core.errors import PricewrightError, ReleaseError

Need = Callable[[int, int], None]  # sees to it that bytes from one offset to another are there
END, CENTRAL = b"PK\5\6", b"PK\1\2"
END_SIZE, CENTRAL_SIZE, LOCAL_SIZE = 22, 46, 30
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
LONGEST_HEADER = 1024  # bytes before an array's first value: name, padding, shape and type
FAMILY = "list_family"  # its name is part of every answer
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold: bytes must not depend on the clock


class Member(NamedTuple):
    """Where the zip's header of an array begins, and how many bytes follow it, as the zip's directory says."""

    header: int
    size: int


class ArrayLocation(NamedTuple):
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
    count, length, offset = struct.unpack_from("<HLL", body, size - END_SIZE + 10)
    need(offset, offset + length)
    found: dict[str, Member] = {}
    for _ in range(count):
        if bytes(body[offset : offset + 4]) != CENTRAL:
            return None
        method, stored, name, extra, comment, header = struct.unpack_from("<10xH8xL4x3H8xL", body, offset)
        if method:
            return None
        key = bytes(body[offset + CENTRAL_SIZE : offset + CENTRAL_SIZE + name]).decode()
        found[key.removesuffix(".npy")] = Member(header, stored)
        offset += CENTRAL_SIZE + name + extra + comment
    if len(found) != count:
        raise ValueError(f"{count} arrays have {len(found)} names.")
    _fit(sum(member.size for member in found.values()), size)
    return found


def find(body: Any, need: Need, name: str, member: Member) -> ArrayLocation:
    """Where an array lies. Raises ValueError when it holds Python objects, or more than the zip's directory says."""
    header = member.header
    need(header, min(header + LONGEST_HEADER, len(body)))
    name_size, extra = struct.unpack_from("<HH", body, header + LOCAL_SIZE - 4)
    start = header + LOCAL_SIZE + name_size + extra
    stream = io.BytesIO(body[start : start + LONGEST_HEADER])
    read = HEADERS[np.lib.format.read_magic(stream)]
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects.")
    location = ArrayLocation(start + stream.tell(), dtype, shape, fortran)
    if min(shape, default=0) < 0 or stream.tell() + location.size > member.size:
        raise ValueError(f"{name} has the shape {shape}, and {member.size} bytes for it.")
    if location.start + location.size > len(body):
        raise ValueError(f"{name} ends after the file does.")
    return location


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


class Rows:
    """A long array; one row or a slice of rows is read and checked alone, anything else needs all of it."""

    def __init__(self, blocks: Blocks, location: ArrayLocation) -> None:
        self._blocks = blocks
        self._location = location
        self._view = location.view(blocks.body)
        self._view.flags.writeable = False
        self._row = location.size // len(self._view)
        self.shape, self.dtype = location.shape, location.dtype

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int) and not self._location.fortran:
            first = key % len(self)
            self._need(first, first + 1)
        elif isinstance(key, slice) and not self._location.fortran:
            first, last, step = key.indices(len(self))
            self._need(first, last) if step == 1 else self._need(0, len(self))
        else:
            self._need(0, len(self))
        return self._view[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._need(0, len(self))
        return np.array(self._view, dtype=dtype, copy=copy)

    def _need(self, first: int, last: int) -> None:
        start = self._location.start
        self._blocks.need(start + first * self._row, start + last * self._row)


class Lazy(Mapping[str, Any]):
    """The arrays of an npz by name: short ones as they are, long ones as Rows."""

    def __init__(self, blocks: Blocks, members: Mapping[str, Member]) -> None:
        self._blocks = blocks
        self._members = members
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        found = self._found.get(name)
        if found is None:
            member = self._members[name]
            try:
                found = self._found[name] = self._find(name, member)
            except PricewrightError:
                raise
            except Exception as error:  # noqa: BLE001  numpy's headers fail in many ways, and none is another
                raise DamagedFile(f"{name} cannot be read as a plain array: {error}") from None
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _find(self, name: str, member: Member) -> Any:
        location = find(self._blocks.body, self._blocks.need, name, member)
        if location.size > BLOCK:
            return Rows(self._blocks, location)
        self._blocks.need(location.start, location.start + location.size)
        array = location.view(self._blocks.body)
        array.flags.writeable = False
        return array


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz, in the order of the arrays; raises ReleaseError for one of Python objects, which need pickle."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in arrays:
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), _npy(name, np.asarray(arrays[name])))
    return buffer.getvalue()


def split(arrays: Mapping[str, NDArray[Any]]) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """What every answer needs, and what only pictures and lists show: sales history and the price list's long texts.

    The second part is three quarters of the whole: 100,000 SKUs start 200 ms sooner without it.
    """
    late = {name: array for name, array in arrays.items() if _is_late(name, np.asarray(array))}
    return {name: array for name, array in arrays.items() if name not in late}, late


def _is_late(name: str, array: NDArray[Any]) -> bool:
    return name.startswith("history_") or (name.startswith("list_") and array.dtype.kind == "U" and name != FAMILY)


def unpack(body: bytes, name: str) -> dict[str, NDArray[Any]]:
    """All arrays of an npz, as read-only views of `body` where it is not compressed (100,000 SKUs are 100 MB).

    Raises ReleaseError when it is not an npz or holds pickled objects. The zip's own checksums are not looked at:
    the manifest's SHA-256 covers them.
    """
    try:
        members = directory(body, _there)
        if members is None:
            return unzipped(body)
        return {key: find(body, _there, key, member).view(body) for key, member in members.items()}
    except Exception as error:  # noqa: BLE001  zip files and numpy's headers fail in many ways, and none is another
        raise _unreadable(name, error) from None


def unpack_blocks(blocks: Blocks, name: str) -> Mapping[str, Any]:
    """The same of a file that is read block by block: an array is read and checked when it is asked for.

    Raises ReleaseError when it is not an npz, DamagedFile when a block is not what the manifest says.
    """
    try:
        members = directory(blocks.body, blocks.need)
    except (ValueError, struct.error, IndexError) as error:
        raise _unreadable(name, error) from None
    if members is None:
        raise _unreadable(name, ValueError("it is compressed, or no zip"))
    return Lazy(blocks, members)


def _there(start: int, stop: int) -> None:
    """All bytes are there already."""


def _unreadable(name: str, error: Exception) -> ReleaseError:
    hint = "releases hold numbers and text, never pickle."
    return ReleaseError(f"{name} cannot be read as plain arrays: {error}", hint=hint)


def _npy(name: str, array: NDArray[Any]) -> bytes:
    if array.dtype.hasobject:
        raise ReleaseError(
            f"catalog array {name} has dtype {array.dtype}: releases hold numbers and text, never Python objects.",
            hint="convert text to a unicode array with np.array(values, dtype=str).",
        )
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
    return buffer.getvalue()
