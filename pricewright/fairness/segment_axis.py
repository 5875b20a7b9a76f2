"""The vertical axis that the pictures share: segments from top to bottom, with a gap between the dimensions."""

from dataclasses import dataclass
from typing import Any

import polars as pl

GAP = 0.6  # of a row
INK = "#333333"
FAINT = "#8a8a8a"


@dataclass(frozen=True)
class SegmentAxis:
    """at: height of every row of `segments`, 0 for the first one and downwards from there."""

    segments: pl.DataFrame
    at: list[float]

    def label(self, axes: Any) -> None:
        """Write name and number of SKUs of every segment, and the dimension above its first one."""
        labels = [f"{row['segment']}  ({row['skus']:,})" for row in self.segments.iter_rows(named=True)]
        axes.set_yticks(self.at, labels, color=INK, fontsize=9)
        axes.set_ylim(min(self.at) - 0.6, max(self.at) + 0.6)
        previous = None
        for row, height in zip(self.segments.iter_rows(named=True), self.at, strict=True):
            if row["dimension"] not in (previous, "all"):
                where = {"xy": (0, height + 0.62), "xycoords": axes.get_yaxis_transform()}
                name = row["dimension"].replace("_", " ")
                axes.annotate(name, **where, xytext=(-6, 0), textcoords="offset points", ha="right", va="center",
                              fontsize=8, color=FAINT, style="italic")  # fmt: skip
            previous = row["dimension"]


def segment_axis(segments: pl.DataFrame) -> SegmentAxis:
    """The axis of these segments, in their order."""
    heights: list[float] = []
    height, previous = 0.0, None
    for dimension in segments["dimension"]:
        height -= 0.0 if previous is None else 1.0 if dimension == previous else 1.0 + GAP
        heights.append(height)
        previous = dimension
    return SegmentAxis(segments, heights)


def strip(axes: Any) -> None:
    """Leave only what carries data: no frame, no ticks beside the rows."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", colors=INK, labelsize=8)
    axes.tick_params(axis="y", length=0)
