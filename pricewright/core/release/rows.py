"""Arrays in a file of which only some blocks were read: arrays and rows are looked for when they are asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.core.errors import PricewrightError
from pricewright.core.release.blocks import BLOCK, Blocks, DamagedFile
from pricewright.core.release.npz import Member, Place, find


class Rows:
    """A long array; one row or a slice of rows is read and checked alone, anything else needs all of it."""

    def __init__(self, blocks: Blocks, place: Place) -> None:
        self._blocks = blocks
        self._place = place
        self._view = place.view(blocks.body)
        self._view.flags.writeable = False
        self._row = place.size // len(self._view)
        self.shape, self.dtype = place.shape, place.dtype

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int) and not self._place.fortran:
            first = key % len(self)
            self._need(first, first + 1)
        elif isinstance(key, slice) and not self._place.fortran:
            first, last, step = key.indices(len(self))
            self._need(first, last) if step == 1 else self._need(0, len(self))
        else:
            self._need(0, len(self))
        return self._view[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._need(0, len(self))
        return np.array(self._view, dtype=dtype, copy=copy)

    def _need(self, first: int, last: int) -> None:
        start = self._place.start
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
        place = find(self._blocks.body, self._blocks.need, name, member)
        if place.size > BLOCK:
            return Rows(self._blocks, place)
        self._blocks.need(place.start, place.start + place.size)
        array = place.view(self._blocks.body)
        array.flags.writeable = False
        return array
