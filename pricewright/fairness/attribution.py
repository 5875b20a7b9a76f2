"""What drives the predictions: SHAP values of groups of inputs, by segment.

Inputs move in groups (all that is derived from the price; the customer mix; the sales of the past weeks), and a
group is known or unknown as a whole. So no row is made up whose price contradicts its logarithm, and the values are
exact: with G groups a row takes 2^G x background rows of the model.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError
from pricewright.core.models import NETWORK
from pricewright.core.price_features import PRICE_FEATURES, price_features
from pricewright.fairness.segments import KEY

Singles = NDArray[np.float32]
Model = Callable[[Singles], NDArray[Any]]
Groups = dict[str, list[int]]
PRICE, OTHER = "price", "other"
LogUnits = Callable[[Singles], NDArray[np.float64]]
BLOCK = 4096  # rows at once: the network answers with one column per posterior draw
PRICES = 3  # the last columns of a row: PRICE_FEATURES, the first of which is the log price ratio


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
    ordered = ordered.with_row_index("position")
    background = ordered.tail(int(params["background_rows"]))
    wanted = (
        ordered.select("position", "stock_code")
        .join(members, on="stock_code")
        .sort("position")
        .group_by(KEY, maintain_order=True)
        .head(int(params["explained_rows"]))
    )
    explained = ordered.filter(pl.col("position").is_in(wanted["position"].unique().implode()))
    numbered = explained.select("position").with_row_index("row")
    belongs = wanted.join(numbered, on="position").select(*KEY, "row")
    return Sample(_inputs(explained, features), _inputs(background, features), belongs)


def _inputs(rows: pl.DataFrame, features: Sequence[str]) -> Singles:
    known = rows.select(pl.col(features).cast(pl.Float32)).to_numpy()
    price, reference, last = (rows[name].to_numpy() for name in ("price", "reference_price", "last_price"))
    return np.ascontiguousarray(np.hstack([known, price_features(price, reference, last)]))


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


def open_models(models: Mapping[str, bytes], effects: Singles) -> dict[str, LogUnits]:
    """Callables from rows X|P, float32 (n, k + 3), to log(1 + units), (n,).

    effects: (m, 12) of the SKUs of the release; the network is asked with the mean of them, so that what it says
    depends on the row alone.
    """
    opened: dict[str, LogUnits] = {}
    for name, model in models.items():
        opened[name] = _network(model, effects) if name == NETWORK else _backup(model)
    return opened


def _network(model: bytes, effects: Singles) -> LogUnits:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    usual = effects.mean(axis=0, keepdims=True).astype(np.float32)
    # The graph takes 1 or n rows of either input, but of both as many.

    def predict(rows: Singles) -> NDArray[np.float64]:
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate([_log_units(session, block, np.repeat(usual, len(block), axis=0)) for block in blocks])

    return predict


def _log_units(session: onnxruntime.InferenceSession, rows: Singles, effects: Singles) -> NDArray[np.float64]:
    feed: dict[str, Any] = {
        "features": np.ascontiguousarray(rows[:, :-PRICES]),
        "effects": effects,
        "log_price_ratio": np.ascontiguousarray(rows[:, -PRICES]),
    }
    units = np.asarray(session.run(["units"], feed)[0], dtype=np.float64)
    mean: NDArray[np.float64] = units.mean(axis=1)
    return np.log1p(mean)


def _backup(model: bytes) -> LogUnits:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def predict(rows: Singles) -> NDArray[np.float64]:
        answer = session.run(["log_units"], {"rows": np.ascontiguousarray(rows, dtype=np.float32)})[0]
        return np.asarray(answer, dtype=np.float64)[:, 0]

    return predict
