"""The proof gate: how much of what was predicted of past price changes came true, its picture and its verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.verdict import Check, Verdict

Floats = NDArray[np.float64]
NORMAL = 1.6449  # standard deviations up to the 95 % point
NEVER = -1.0  # a threshold that no count and no share reaches
FEW = "too few price changes to prove anything"
INK, FAINT = "#333333", "#9a9a9a"
MARKS = {"regular": ("o", "#2f6690", "regular price changes"), "temporary": ("^", "#e08e0b", "temporary cuts")}


@dataclass(frozen=True)
class Proof:
    """slope: of realised on predicted log changes, nan when there are too few; slope_sd: its standard error.

    mean, low, high: of the slope given the prior, with its 5 % and 95 % points; changes: how many price changes were
    used; kind: which of them, `regular` or `all`; coverage: share of them inside their 90 % interval.
    """

    slope: float
    slope_sd: float
    mean: float
    low: float
    high: float
    changes: int
    kind: str
    coverage: float

    @property
    def judged(self) -> bool:
        """Whether there were enough price changes."""
        return self.slope == self.slope

    @property
    def trust(self) -> float:
        """The share of a promised gain that is believed: 1 unless the slope is credibly below it."""
        return min(max(self.mean, 0.0), 1.0) if self.judged and self.high < 1 else 1.0

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Plain JSON; None where nothing could be said."""
        numbers = {name: None if value != value else value for name, value in asdict(self).items()}
        return numbers | {"trust": self.trust}


def calibrate(changes: pl.DataFrame, params: Mapping[str, Any]) -> Proof:
    """The slope through the origin, weighted by 1 / variance, and its posterior with the prior N(1, prior_sd^2).

    changes: as price_changes gives them; params: the section `proof` of params.yaml. Regular changes count; where there
    are fewer than `regular_changes`, all do; with fewer than `least_changes` nothing can be said. Shocks that changes
    of one week, or of one SKU, have in common are in the standard error.
    """
    regular = changes.filter(pl.col("kind") == "regular")
    some, kind = (regular, "regular") if regular.height >= int(params["regular_changes"]) else (changes, "all")
    if some.height < int(params["least_changes"]):
        return Proof(np.nan, np.nan, np.nan, np.nan, np.nan, some.height, kind, np.nan)
    x, y, variance = (some[name].to_numpy() for name in ("predicted_log_change", "realised_log_change", "variance"))
    information = max(float((x**2 / variance).sum()), 1e-12)
    slope = float((x * y / variance).sum()) / information
    scores = x * (y - slope * x) / variance
    doubt = _sandwich(scores, some["week"], some["stock_code"]) / information**2
    slope_sd = max(doubt, 1 / information) ** 0.5
    prior = float(params["prior_sd"]) ** -2
    precision = prior + slope_sd**-2
    mean, reach = (prior + slope * slope_sd**-2) / precision, NORMAL * precision**-0.5
    inside = some["realised_log_change"].is_between(some["predicted_low"], some["predicted_high"])
    coverage = float(np.mean(inside.to_numpy()))
    return Proof(slope, slope_sd, mean, mean - reach, mean + reach, some.height, kind, coverage)


def _sandwich(scores: Floats, week: pl.Series, sku: pl.Series) -> float:
    """Variance of the sum of scores that depend within weeks and within SKUs (Cameron, Gelbach and Miller 2011)."""
    by_week, by_sku, single = (_clustered(scores, labels) for labels in (week, sku, np.arange(len(scores))))
    return max(by_week, by_sku, by_week + by_sku - single)


def _clustered(scores: Floats, labels: Any) -> float:
    _, cluster = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.bincount(cluster, scores)
    count = len(sums)
    return float((sums**2).sum()) * count / max(count - 1, 1)


def assess_proof(changes: pl.DataFrame, params: Mapping[str, Any]) -> tuple[Proof, Verdict]:
    """How the changes came out, and the verdict; `params` is the section `proof` of params.yaml."""
    proof = calibrate(changes, params)
    kind = {"regular": "changes of regular prices", "all": "price changes, temporary cuts included"}[proof.kind]
    count = float(proof.changes)
    if not proof.judged:
        few = Check("price_changes", count, NEVER, NEVER, kind, larger_is_worse=False, detail=FEW)
        return proof, Verdict("proof", (few,))
    checks = (
        Check("calibration_slope", proof.high, 1.0, float(params["block"]),
              "of the promised change, at most (95 %)", larger_is_worse=False),
        Check("price_changes", count, NEVER, NEVER, kind, larger_is_worse=False),
        Check("interval_coverage", proof.coverage, float(params["coverage"]), NEVER,
              "of the changes inside their 90 % interval", larger_is_worse=False),
    )  # fmt: skip
    return proof, Verdict("proof", checks, _hint(checks[0]))


def _hint(slope: Check) -> str:
    if slope.status != "block":
        return ""
    return (
        "the effects of prices that were learned did not show in the price changes of the last weeks: look at "
        "work/proof/price_changes.png; look for stock-outs or a feed without promotions, or lower proof.block."
    )


def draw_changes(changes: pl.DataFrame, proof: Proof, path: Path) -> None:
    """Write the picture; of no change at all as well, for who waits for the file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = changes_picture(changes, proof)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": None})


def changes_picture(changes: pl.DataFrame, proof: Proof) -> Any:
    """A figure: a mark per change with its 90 % interval, the line of promises that come true, the fitted one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    axes = figure.subplots()
    for kind, (marker, colour, words) in MARKS.items():
        _mark(axes, changes.filter(pl.col("kind") == kind), marker, colour, words)
    ends = np.array(_reach(changes))
    axes.plot(ends, ends, color=FAINT, linestyle="--", linewidth=1, label="as promised")
    if proof.judged:
        axes.plot(ends, proof.slope * ends, color="#b3261e", linewidth=1.5, label=f"fitted: {proof.slope:.2f} of it")
    axes.set(xlim=ends, ylim=_reach(changes, "realised_log_change"))
    axes.set_xlabel("What the curves said the change would do to units sold (log)", color=INK)
    axes.set_ylabel("What happened, against SKUs whose prices stood (log)", color=INK)
    axes.set_title(title(proof), fontsize=12, color=INK)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def title(proof: Proof) -> str:
    """The result in plain words."""
    if not proof.judged:
        return f"{proof.changes} past price changes: too few price changes to prove anything"
    return (
        f"Of {proof.changes} past price changes that the curves had not seen,\n"
        f"{proof.slope:.0%} (± {proof.slope_sd:.0%}) of the promised effect came true"
    )


def _mark(axes: Any, some: pl.DataFrame, marker: str, colour: str, words: str) -> None:
    if some.is_empty():
        return
    predicted, happened = some["predicted_log_change"].to_numpy(), some["realised_log_change"].to_numpy()
    reach = (some["predicted_high"] - some["predicted_low"]).to_numpy() / 2
    axes.errorbar(predicted, happened, yerr=reach, fmt=marker, color=colour, ecolor=colour, elinewidth=0.5, alpha=0.6,
                  markersize=4, label=f"{words}, with 90 % intervals")  # fmt: skip


def _reach(changes: pl.DataFrame, column: str = "predicted_log_change") -> tuple[float, float]:
    """The range of an axis: every mark and 0, with some room."""
    values = [*changes[column].to_list(), -0.1, 0.1]
    room = 0.1 * (max(values) - min(values))
    return min(values) - room, max(values) + room
