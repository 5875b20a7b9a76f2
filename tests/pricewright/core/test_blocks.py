"""Of a large file only what is used is read, and none of it before it was checked."""

from itertools import pairwise

import numpy as np
import pytest

from pricewright.core.arrays import pack, unpack_blocks
from pricewright.core.blocks import BLOCK, Blocks, DamagedFile, digests
from pricewright.core.errors import ReleaseError
from pricewright.core.manifest import FileEntry, release_id

SKUS = 60_000
ARRAYS = {
    "stock_code": np.arange(SKUS).astype(str),
    "features": np.arange(SKUS * 8, dtype=np.float32).reshape(SKUS, 8),
    "price": np.arange(SKUS) / 7,
    "spread": np.asarray(1.5),
}
BODY = pack(ARRAYS)


class Watched:
    """Gives parts of a file, and remembers which."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.parts: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> bytes:
        self.parts.append((start, stop))
        return self.body[start:stop]


def opened(read: Watched, body: bytes = BODY) -> Blocks:
    return Blocks("catalog.npz", len(body), digests(body), read)


def test_rows_slices_and_whole_arrays_are_those_that_were_packed() -> None:
    arrays = unpack_blocks(opened(Watched(BODY)), "catalog.npz")
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(np.asarray(arrays[name]), array)
    for row in (0, 1, SKUS // 2, SKUS - 1, -1):
        np.testing.assert_array_equal(arrays["features"][row], ARRAYS["features"][row])
    np.testing.assert_array_equal(arrays["features"][SKUS - 9 : SKUS + 9], ARRAYS["features"][SKUS - 9 :])
    np.testing.assert_array_equal(arrays["price"][::7], ARRAYS["price"][::7])
    assert len(arrays["price"]) == SKUS and float(arrays["spread"]) == 1.5


def test_one_row_reads_a_block_or_two_and_no_block_twice() -> None:
    read = Watched(BODY)
    arrays = unpack_blocks(opened(read), "catalog.npz")
    arrays["features"][SKUS // 2]
    assert sum(stop - start for start, stop in read.parts) <= 4 * BLOCK < len(BODY) / 4
    before = len(read.parts)
    arrays["features"][SKUS // 2]
    np.asarray(arrays["features"])
    spans = sorted(read.parts)
    assert len(read.parts) > before
    assert all(stop <= later for (_, stop), (later, _) in pairwise(spans))


def test_blocks_beside_each_other_are_read_at_once() -> None:
    read = Watched(BODY)
    opened(read).need(0, len(BODY))
    assert read.parts == [(0, len(BODY))]


def test_a_damaged_block_is_never_used_and_the_others_are() -> None:
    blocks = opened(Watched(BODY))
    arrays = unpack_blocks(blocks, "catalog.npz")
    arrays["features"][0]
    offset = BODY.index(ARRAYS["features"][SKUS // 2].tobytes())
    broken = Watched(BODY[:offset] + bytes([BODY[offset] ^ 1]) + BODY[offset + 1 :])
    arrays = unpack_blocks(opened(broken), "catalog.npz")
    arrays["features"][0]
    for _ in range(2):
        with pytest.raises(DamagedFile, match="not what its manifest says, from byte"):
            arrays["features"][SKUS // 2]


@pytest.mark.parametrize("body", [BODY[: len(BODY) // 2], BODY[:-1], b""])
def test_a_file_that_was_cut_off_is_damaged(body: bytes) -> None:
    with pytest.raises(DamagedFile):
        unpack_blocks(opened(Watched(body)), "catalog.npz")


def test_too_few_digests_are_refused_at_once() -> None:
    with pytest.raises(DamagedFile, match="its manifest knows others"):
        Blocks("catalog.npz", len(BODY), digests(BODY)[:-64], Watched(BODY))


def test_what_is_no_npz_is_one_clear_error() -> None:
    body = bytes(9 * BLOCK)
    with pytest.raises(ReleaseError, match=r"catalog.npz cannot be read as plain arrays"):
        unpack_blocks(opened(Watched(body), body), "catalog.npz")


def test_small_files_have_no_blocks_and_the_blocks_of_large_ones_are_part_of_the_id() -> None:
    small, large = FileEntry.of(b"small"), FileEntry.of(BODY)
    assert small.blocks == "" and len(large.blocks) == 64 * -(-len(BODY) // BLOCK)
    altered = large._replace(blocks=large.blocks[::-1])
    assert release_id("2011-W48", {"catalog.npz": large}) != release_id("2011-W48", {"catalog.npz": altered})
