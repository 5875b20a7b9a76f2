"""Changes inputs at random, from a seed: the quick share of fuzzing, without a coverage-guided fuzzer."""

import random
from collections.abc import Iterator, Sequence

TOKENS = (b"\x00", b"\xff\xff\xff\xff", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", b"[" * 2000, b"null",
          b"1e999", b"../", b"\xed\xa0\x80", b'"', b",", b"PK\5\6", b"-1", b"\x7f\xff\xff\xff", b"\r\n", b"NaN",
          b"{}")  # fmt: skip


def mutations(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many inputs: seeds with some bytes replaced, inserted, removed, or joined with another."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            offset = rng.randrange(len(data) + 1)
            kind = rng.randrange(6)
            if kind == 0 and offset < len(data):
                data[offset] ^= 1 << rng.randrange(8)
            elif kind == 1:
                data[offset:offset] = rng.choice(TOKENS)
            elif kind == 2:
                del data[offset : offset + rng.choice((1, 4, 64))]
            elif kind == 3:
                data[offset : offset + 4] = rng.randbytes(4)
            elif kind == 4:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                data[offset:offset] = other[start : start + rng.choice((4, 32, 256))]
            else:
                data[offset:offset] = rng.randbytes(rng.choice((1, 8, 40)))
        yield bytes(data)
