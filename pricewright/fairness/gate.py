"""The fairness gate: every segment against all SKUs, held against the thresholds of params.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pricewright.core.errors import ModelError, ParameterError
from pricewright.fairness.attribution import PRICE, Model, attribute, draw_sample, group_inputs
from pricewright.fairness.segments import ALL, KEY, accuracy, memberships, price_moves, sizes
from pricewright.verdict import Check, Verdict

CUSTOMERS = "customer_mix"
# Measure, as a column of `segments`, and what its worst judged segment is.
MEASURES = {
    "wape_ratio": "times the error of all SKUs",
    "bias_gap": "of the units, more or less biased than all SKUs",
    "coverage_shortfall": "of the weeks fewer inside the interval than of all SKUs",
    "price_change_gap": "log price, moved up or down against all SKUs",
    "moved_gap": "of the SKUs more or fewer moved than of all SKUs",
    "price_share_gap": "of the attribution more or less on the price than of all SKUs",
    "customer_share_gap": "of the attribution more or less on the customer mix than of all SKUs",
}
FEW = (
    "segments of fewer than fairness.minimum_skus SKUs are not judged: of a small shop, look at the parity yourself, "
    "or lower it in params.yaml."
)
EITHER_WAY = {"bias_gap", "price_change_gap", "moved_gap", "price_share_gap", "customer_share_gap"}


@dataclass(frozen=True)
class Fairness:
    """verdict: what promotion reads. segments: one row per segment with every number that the verdict uses, the
    first one for all SKUs. attributions: model, dimension, segment, group, share, effect, rows."""

    verdict: Verdict
    segments: pl.DataFrame
    attributions: pl.DataFrame


def assess_fairness(
    models: Mapping[str, Model],
    panel_rows: pl.DataFrame,
    backtest: pl.DataFrame,
    price_list: pl.DataFrame,
    catalog: pl.DataFrame,
    params: Mapping[str, Any],
    features: Sequence[str] | None = None,
) -> Fairness:
    """Parity of `judged_model`'s backtest and price list over the catalog's segments, and what drives the models.

    models: callables (n, k + 3) rows X|P -> (n,) log(1 + units), `judged_model` among them. features: names of the
    k columns of X, those that the models learn from when not given. `params` is the section `fairness` of params.yaml.
    Segments of fewer than `minimum_skus` SKUs are reported, not judged. Raises ModelError when the judged model has
    no backtest or is not among the models, ParameterError when a threshold or a dimension is missing.
    """
    judged = params["judged_model"]
    tested = backtest.filter(pl.col("model") == judged)
    if tested.height == 0 or judged not in models:
        raise ModelError(
            f"{judged} has {tested.height} backtest rows, the models are {list(models)}: it cannot be judged."
        )
    members = memberships(catalog, params["dimensions"])
    recent = panel_rows.filter(pl.col("week").is_in(tested["week"].unique().implode()))
    names = _default_features(panel_rows) if features is None else features
    sample = draw_sample(recent, members, names, params)
    found = attribute(models, sample, group_inputs(names, params["groups"]))
    attributions = sizes(members).select(KEY).join(found, on=KEY, maintain_order="left_right").select(found.columns)
    segments = _segments(members, tested, price_list, attributions.filter(pl.col("model") == judged), params)
    return Fairness(_verdict(segments, params), segments, attributions)


def _default_features(panel_rows: pl.DataFrame) -> Sequence[str]:
    from pricewright.feature import features_of

    return features_of(panel_rows)


def _segments(
    members: pl.DataFrame,
    backtest: pl.DataFrame,
    price_list: pl.DataFrame,
    attributions: pl.DataFrame,
    params: Mapping[str, Any],
) -> pl.DataFrame:
    """One row per segment: its numbers, and their gaps to those of all SKUs (the first row)."""
    kinds = pl.col("dimension").replace_strict(dict(params["dimensions"]), default=ALL)
    table = sizes(members).with_columns(kind=kinds)
    for part in (accuracy(backtest, members), price_moves(price_list, members), _shares(attributions)):
        table = table.join(part, on=KEY, how="left", maintain_order="left")
    everyone = table.row(0, named=True)
    enough = (pl.col("dimension") != ALL) & (pl.col("skus") >= int(params["minimum_skus"]))
    return table.with_columns(
        enough.alias("judged"),
        (pl.col("wape") / everyone["wape"]).alias("wape_ratio"),
        (pl.col("bias") - everyone["bias"]).alias("bias_gap"),
        (everyone["coverage"] - pl.col("coverage")).alias("coverage_shortfall"),
        (pl.col("price_change") - everyone["price_change"]).alias("price_change_gap"),
        (pl.col("moved_share") - everyone["moved_share"]).alias("moved_gap"),
        (pl.col("price_share") - everyone["price_share"]).alias("price_share_gap"),
        (pl.col("customer_share") - everyone["customer_share"]).alias("customer_share_gap"),
    )


def _shares(attributions: pl.DataFrame) -> pl.DataFrame:
    """One row per segment: price_share and customer_share of the attribution."""
    share = pl.col("share")
    return attributions.group_by(KEY).agg(
        price_share=share.filter(pl.col("group") == PRICE).sum(),
        customer_share=share.filter(pl.col("group") == CUSTOMERS).sum(),
    )


def _verdict(segments: pl.DataFrame, params: Mapping[str, Any]) -> Verdict:
    """Every measure of the worst judged segment, for each kind of dimension by its own thresholds."""
    judged = segments.filter("judged")
    limits = params["judged_segments"]
    least = float(limits["warn"]), float(limits["block"])
    checks = [Check("judged_segments", float(judged.height), *least, "segments", larger_is_worse=False, hint=FEW)]
    for kind in dict.fromkeys(params["dimensions"].values()):
        names = [name for name, its_kind in params["dimensions"].items() if its_kind == kind]
        some = judged.filter(pl.col("dimension").is_in(names))
        if some.height:
            checks += [_check(kind, name, some[name], params["thresholds"]) for name in MEASURES]
    return Verdict("fairness", tuple(checks), _hint(checks, judged))


def _check(kind: str, name: str, values: pl.Series, thresholds: Mapping[str, Any]) -> Check:
    """The worst of the values against its thresholds; a value that is missing or no number makes the check NaN."""
    if kind not in thresholds or name not in thresholds[kind]:
        raise ParameterError(f"fairness.thresholds.{kind} has no {name}: every measure needs warn and block.")
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    worst = float(np.max(np.abs(numbers) if name in EITHER_WAY else numbers))
    limits = thresholds[kind][name]
    return Check(f"{kind}.{name}", worst, float(limits["warn"]), float(limits["block"]), MEASURES[name])


def _hint(checks: Sequence[Check], judged: pl.DataFrame) -> str:
    blocking = next((check for check in checks if check.status == "block"), None)
    if blocking is None:
        return ""
    if judged.height == 0:
        return FEW
    kind, name = blocking.name.split(".")
    size = pl.col(name).abs().fill_null(float("nan"))  # a missing number is worse than any other
    worst = judged.filter(pl.col("kind") == kind).sort(size, descending=True).row(0, named=True)
    value = "missing" if worst[name] is None else f"{worst[name]:.3g}"
    return (
        f"look at {worst['dimension']} {worst['segment']} in the fairness report ({name} is {value}); correct the "
        f"data of its SKUs or, if the difference is intended, raise fairness.thresholds.{blocking.name}.block."
    )
