"""The rows that are explained: drawn with a seed, the same number for every segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError
from pricewright.core.price_features import price_features
from pricewright.fairness.segments import KEY

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """inputs: (n, k + 3) rows X|P to explain; background: (b, k + 3) rows that stand for what is not known.

    belongs: dimension, segment, row: which of the n rows speak for which segment.
    """

    inputs: Singles
    background: Singles
    belongs: pl.DataFrame


def draw_sample(
    rows: pl.DataFrame, members: pl.DataFrame, features: Sequence[str], params: Mapping[str, Any]
) -> Sample:
    """At most `explained_rows` rows of every segment, and `background_rows` rows of all SKUs.

    All segments take the first ones of one random order of the rows, so that large segments share theirs.
    """
    if rows.height == 0:
        raise ParameterError("the panel has no row of the weeks of the backtest: there is nothing to explain.")
    ordered = rows.sort("stock_code", "week").sample(fraction=1.0, shuffle=True, seed=int(params["seed"]))
    ordered = ordered.with_row_index("place")
    background = ordered.tail(int(params["background_rows"]))
    wanted = (
        ordered.select("place", "stock_code")
        .join(members, on="stock_code")
        .sort("place")
        .group_by(KEY, maintain_order=True)
        .head(int(params["explained_rows"]))
    )
    explained = ordered.filter(pl.col("place").is_in(wanted["place"].unique().implode()))
    numbered = explained.select("place").with_row_index("row")
    belongs = wanted.join(numbered, on="place").select(*KEY, "row")
    return Sample(_inputs(explained, features), _inputs(background, features), belongs)


def _inputs(rows: pl.DataFrame, features: Sequence[str]) -> Singles:
    known = rows.select(pl.col(features).cast(pl.Float32)).to_numpy()
    price, reference, last = (rows[name].to_numpy() for name in ("price", "reference_price", "last_price"))
    return np.ascontiguousarray(np.hstack([known, price_features(price, reference, last)]))
