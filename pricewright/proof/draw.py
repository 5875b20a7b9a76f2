"""price_changes.png: what every past price change was said to do, and what it did."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pricewright.proof.calibration import Proof

INK, FAINT = "#333333", "#9a9a9a"
MARKS = {"regular": ("o", "#2f6690", "regular price changes"), "temporary": ("^", "#e08e0b", "temporary cuts")}


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
    said, happened = some["predicted_log_change"].to_numpy(), some["realised_log_change"].to_numpy()
    reach = (some["predicted_high"] - some["predicted_low"]).to_numpy() / 2
    axes.errorbar(said, happened, yerr=reach, fmt=marker, color=colour, ecolor=colour, elinewidth=0.5, alpha=0.6,
                  markersize=4, label=f"{words}, with 90 % intervals")  # fmt: skip


def _reach(changes: pl.DataFrame, column: str = "predicted_log_change") -> tuple[float, float]:
    """The range of an axis: every mark and 0, with some room."""
    values = [*changes[column].to_list(), -0.1, 0.1]
    room = 0.1 * (max(values) - min(values))
    return min(values) - room, max(values) + room
