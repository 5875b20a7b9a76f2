"""What drives the predictions: SHAP values of groups of inputs, by segment.

Inputs move in groups (all that is derived from the price; the customer mix; the sales of the past weeks), and a
group is known or unknown as a whole. So no row is made up whose price contradicts its logarithm, and the values are
exact: with G groups a row takes 2^G x background rows of the model.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError
from pricewright.core.price_features import PRICE_FEATURES
from pricewright.fairness.sample import Sample, Singles
from pricewright.fairness.segments import KEY

Model = Callable[[Singles], NDArray[Any]]
Groups = dict[str, list[int]]
PRICE, OTHER = "price", "other"


def group_inputs(features: Sequence[str], patterns: Mapping[str, Sequence[str]]) -> Groups:
    """Columns of X|P by group: price, those of `patterns` (the first that matches), and `other` for the rest.

    Raises ParameterError for a group that matches no feature: its share would be 0 whatever the model does.
    """
    groups: Groups = {PRICE: list(range(len(features), len(features) + len(PRICE_FEATURES)))}
    groups |= {name: [] for name in patterns} | {OTHER: []}
    for column, feature in enumerate(features):
        matching = (name for name, some in patterns.items() if any(fnmatch(feature, pattern) for pattern in some))
        groups[next(matching, OTHER)].append(column)
    for name in patterns:
        if not groups[name]:
            raise ParameterError(f"fairness.groups.{name} is {patterns[name]}, which matches none of {list(features)}.")
    return {name: columns for name, columns in groups.items() if columns}


def attribute(models: Mapping[str, Model], sample: Sample, groups: Groups) -> pl.DataFrame:
    """One row per model, segment and group: share (of the mean absolute attribution over the groups, sums to 1),
    effect (mean attribution, in log units against the background) and rows (explained ones)."""
    parts = [_summary(name, explain(model, sample, groups), sample, groups) for name, model in models.items()]
    return pl.concat(parts)


def explain(model: Model, sample: Sample, groups: Groups) -> NDArray[np.float64]:
    """SHAP values, (n, G), in log units: with the mean of the background they add up to the prediction."""
    with warnings.catch_warnings():  # its import uses what matplotlib is going to deprecate
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        from shap.explainers import ExactExplainer

    def predict(rows: Singles) -> NDArray[np.float64]:
        return np.asarray(model(rows), dtype=np.float64).reshape(len(rows))

    explainer = ExactExplainer(predict, GroupMasker(sample.background, list(groups.values())))
    return np.asarray(explainer(sample.inputs, silent=True).values, dtype=np.float64)


class GroupMasker:
    """Hides groups of inputs of a row behind the background; SHAP calls it with which groups are known."""

    immutable_outputs = True  # a fresh array each time: SHAP need not copy it

    def __init__(self, background: Singles, groups: list[list[int]]) -> None:
        self.background = background
        self.groups = groups

    def __call__(self, known: NDArray[np.bool_], row: Singles) -> tuple[Singles]:
        """The background (b, k + 3), with the known groups as in `row`."""
        rows = self.background.copy()
        columns = [column for group, shown in zip(self.groups, known, strict=True) if shown for column in group]
        rows[:, columns] = row[columns]
        return (rows,)

    def shape(self, row: Singles) -> tuple[int, int]:
        """Rows per call and number of groups."""
        return len(self.background), len(self.groups)

    def mask_shapes(self, row: Singles) -> list[tuple[int]]:
        """One value per group."""
        return [(len(self.groups),)]


def _summary(model: str, values: NDArray[np.float64], sample: Sample, groups: Groups) -> pl.DataFrame:
    names = list(groups)
    wide = pl.DataFrame(values, schema=names).with_row_index("row")
    tall = wide.unpivot(names, index="row", variable_name="group", value_name="value")
    mean = (
        sample.belongs.join(tall, on="row")
        .group_by([*KEY, "group"], maintain_order=True)
        .agg(size=pl.col("value").abs().mean(), effect=pl.col("value").mean(), rows=pl.len().cast(pl.Int64))
    )
    share = pl.col("size") / pl.col("size").sum().over(KEY)
    return mean.select(pl.lit(model).alias("model"), *KEY, "group", share.alias("share"), "effect", "rows")
