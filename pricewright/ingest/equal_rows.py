"""Equal rows of a table: sales where every unit is a row; copies where a whole block of rows was delivered twice.

The first of equal rows has the number 0, the next 1. A row is a copy of one that agrees with it in all of IDENTITY, so
of files that overlap the one with most equal rows counts.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.ingest.columns import WORDS

NTH = "nth"
IDENTITY = (*WORDS, NTH)  # their position in the files does not count
LINES, COPIES = "lines", "copies"
MIXER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: spreads sums of hashes over all bits


def number_equal_rows(lines: pl.DataFrame, table: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    """The lines with NTH; those of a block that `table`, of which they are the rows, holds twice are 0 like the first.

    `params["equal_rows"]`: LINES, or COPIES, where all equal rows are 0. Raises ParameterError.
    """
    least = int(params["copied_block"])
    if least < 2:
        raise ParameterError(f"ingest.copied_block is {least}: it must be at least 2 rows.")
    first = lines.with_columns(pl.lit(0, pl.Int64).alias(NTH))
    if params["equal_rows"] == COPIES:
        return first
    hashes = lines.select(WORDS).hash_rows()
    if hashes.n_unique() == len(hashes):
        return first
    copied = copied_blocks(table, least)
    so_far = (~pl.col("copied")).cast(pl.Int64).cum_sum().over("hash")
    numbers = pl.DataFrame({"hash": hashes, "copied": copied}).select(
        pl.when("copied").then(0).otherwise(so_far - 1).alias(NTH)
    )
    return lines.hstack(numbers)


def copied_blocks(table: pl.DataFrame, least: int) -> pl.Series:
    """Which rows belong to a block that stands further up, word for word and in the same order (Boolean).

    A block has at least `least` rows, of which no two neighbours are equal: several units of a product on a receipt
    count as one of them, so that no row per unit is taken for a copy.
    """
    rows = table.select(~pl.selectors.nested()).hash_rows()
    none = pl.repeat(False, len(rows), dtype=pl.Boolean, eager=True)
    runs = rows.rle().struct.unnest()
    if len(rows) - rows.n_unique() < least or runs.height < 2 * least:
        return none
    blocks = pl.DataFrame({"block": _hash_blocks(runs.hash_rows().to_numpy(), least)}).with_row_index("at")
    before = pl.col("at").shift(1).over("block")
    begins = blocks.select((pl.col("at").cast(pl.Int64) - before >= least).fill_null(False)).to_series().to_numpy()
    inside = np.convolve(begins, np.ones(least, dtype=np.int64)) > 0
    return pl.Series(inside.repeat(runs["len"].to_numpy()))


def _hash_blocks(hashes: np.ndarray[Any, np.dtype[np.uint64]], least: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A hash of every `least` consecutive hashes."""
    positions = len(hashes) - least + 1
    blocks = np.zeros(positions, dtype=np.uint64)
    for step in range(least):
        blocks = blocks * MIXER + hashes[step : step + positions]
    return blocks
