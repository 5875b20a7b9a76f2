"""Draws the fairness report: attributions.png and parity.png, without pyplot's global state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pricewright.fairness.segments import KEY
from pricewright.verdict import Check, Verdict

if TYPE_CHECKING:
    from pricewright.fairness.gate import Fairness


GAP = 0.6  # of a row
INK = "#333333"
FAINT = "#8a8a8a"
# Measure: title, where a segment like all SKUs lies, format of a value, whether both directions are judged.
PANELS: dict[str, tuple[str, float, str, bool]] = {
    "wape_ratio": ("Error (WAPE)\nagainst all SKUs", 1.0, "{:.2f}×", False),
    "bias_gap": ("Bias of the units\nminus that of all", 0.0, "{:+.0%}", True),
    "coverage_shortfall": ("Outside the interval\nminus that of all", 0.0, "{:+.1%}", False),
    "price_change_gap": ("Mean price change\nminus that of all", 0.0, "{:+.1%}", True),
    "moved_gap": ("Share of prices moved\nminus that of all", 0.0, "{:+.0%}", True),
    "price_share_gap": ("Attribution on the price\nminus that of all", 0.0, "{:+.0%}", True),
    "customer_share_gap": ("Attribution on customers\nminus that of all", 0.0, "{:+.0%}", True),
}
MARKS = {  # marker, colour, and the words of the legend; shape and colour both tell, for print and for every eye
    "ok": ("o", "#2f6690", "within the thresholds"),
    "warn": ("D", "#e08e0b", "warns"),
    "block": ("s", "#b3261e", "blocks"),
    "small": ("o", "none", "too few SKUs to judge"),
}
WARN_SHADE, BLOCK_SHADE = "#fbeed5", "#f6d9d5"
# Colours that stay apart for every eye (Okabe and Ito); the two groups that are judged are the strong ones.
JUDGED = {"price": "#d55e00", "customer_mix": "#0072b2"}
OTHERS = ("#b9b9b9", "#a8cdb8", "#e3d5a3", "#c9b6d6", "#8f8f8f")
LEAST_LABEL = 0.05  # shares below get no number: it would not fit


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


def parity_picture(segments: pl.DataFrame, verdict: Verdict) -> Any:
    """A figure of one panel per measure, one row per segment; shades are the thresholds of the segment's kind."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    some = segments.filter(pl.col("dimension") != "all")
    axis = segment_axis(some)
    limits = {check.name: check for check in verdict.checks}
    layout = ConstrainedLayoutEngine(w_pad=0.08)  # inches: the outer ticks of neighbours stay apart
    figure = Figure(figsize=(2.5 + 2.3 * len(PANELS), 2.6 - 0.36 * min(axis.at)), layout=layout)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, measure in zip(panels, PANELS, strict=True):
        _draw_panel(axes, measure, axis, limits)
    axis.label(panels[0])
    figure.suptitle(f"Is every segment served alike?  Verdict: {verdict.status}", fontsize=13, color=INK)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return figure


def _draw_panel(axes: Any, measure: str, axis: SegmentAxis, limits: Mapping[str, Check]) -> None:
    title, centre, form, both = PANELS[measure]
    low, high = _reach(axis.segments, measure, limits, centre, both)
    for row, height in zip(axis.segments.iter_rows(named=True), axis.at, strict=True):
        check = limits.get(f"{row['kind']}.{measure}")
        if check:
            _shade(axes, check, height, low, high, both)
        _mark(axes, row, measure, height, check, form)
    axes.axvline(centre, color=FAINT, linewidth=1, zorder=1)
    axes.set_xlim(low, high)
    axes.set_title(title, fontsize=10, color=INK)
    axes.xaxis.set_major_locator(_ticks())
    axes.xaxis.set_major_formatter(lambda value, _: _written(value, form))
    strip(axes)


def _reach(
    segments: pl.DataFrame, measure: str, limits: Mapping[str, Check], centre: float, both: bool
) -> tuple[float, float]:
    """The range of a panel: every value, every warn threshold, and a block threshold when it is near."""
    values = [value for value in segments[measure].to_list() if value is not None and abs(value) < float("inf")]
    warns = [check.warn for name, check in limits.items() if name.endswith(f".{measure}")]
    right = max([*values, *warns, centre])
    left = min([*values, *([-warn for warn in warns] if both else []), centre])
    room = 0.25 * (right - left) or 1.0
    return left - room, right + room


def _shade(axes: Any, check: Check, height: float, low: float, high: float, both: bool) -> None:
    """The warning and the blocking zone of one row, on both sides where both are judged."""
    for start, end, colour in ((check.warn, check.block, WARN_SHADE), (check.block, max(high, -low), BLOCK_SHADE)):
        for side in (1, -1) if both else (1,):
            if end > start:
                axes.barh(
                    height, side * (end - start), left=side * start, height=1.0, linewidth=0, color=colour, zorder=0
                )


def _mark(axes: Any, row: Mapping[str, Any], measure: str, height: float, check: Check | None, form: str) -> None:
    value = row[measure]
    if value is None or value != value or abs(value) == float("inf"):
        axes.annotate("no number", (0.5, height), xycoords=axes.get_yaxis_transform(), ha="center", va="center",
                      fontsize=8, color=MARKS["block"][1])  # fmt: skip
        return
    status = _status(value, check, PANELS[measure][3]) if row["judged"] and check else "small"
    marker, colour, _ = MARKS[status]
    axes.plot(
        [value], [height], marker, color=FAINT, markerfacecolor=colour, markeredgewidth=0.8, markersize=7, zorder=3
    )
    if status in ("warn", "block"):
        axes.annotate(_written(value, form), (value, height), xytext=(0, 7), textcoords="offset points", ha="center",
                      va="bottom", fontsize=8, color=INK)  # fmt: skip


def _status(value: float, check: Check, both: bool) -> str:
    return Check(check.name, abs(value) if both else value, check.warn, check.block).status


def _written(value: float, form: str) -> str:
    """The value as a reader expects it: no sign on 0, a true minus."""
    return form.replace("+", "" if abs(value) < 1e-9 else "+").format(value + 0.0).replace("-", "\N{MINUS SIGN}")


def _ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3)


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = [
        Line2D([], [], marker=marker, linestyle="", color=FAINT, markerfacecolor=colour, label=words)
        for marker, colour, words in MARKS.values()
    ]
    return [*marks, Patch(color=WARN_SHADE, label="warning zone"), Patch(color=BLOCK_SHADE, label="blocking zone")]


def attribution_picture(segments: pl.DataFrame, attributions: pl.DataFrame) -> Any:
    """A figure of one panel per model, one bar per segment, cut by the groups' shares of the attribution."""
    from matplotlib.figure import Figure

    models = attributions["model"].unique(maintain_order=True).to_list()
    axis = segment_axis(segments)
    figure = Figure(figsize=(2.5 + 5.2 * len(models), 2.4 - 0.36 * min(axis.at)), layout="constrained")
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    colours = _colours(attributions["group"].unique(maintain_order=True).to_list())
    for axes, model in zip(panels, models, strict=True):
        _draw_model(axes, axis, attributions.filter(pl.col("model") == model), colours)
        axes.set_title(model, fontsize=11, color=INK)
    axis.label(panels[0])
    figure.suptitle("What drives the predictions: share of the mean absolute SHAP value", fontsize=13, color=INK)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    return figure


def _draw_model(axes: Any, axis: SegmentAxis, attributions: pl.DataFrame, colours: dict[str, str]) -> None:
    shares = axis.segments.select(KEY)
    ends = [0.0] * shares.height
    for group, colour in colours.items():
        of_group = attributions.filter(pl.col("group") == group).select(*KEY, "share")
        widths = shares.join(of_group, on=KEY, how="left", maintain_order="left")["share"].fill_null(0.0).to_list()
        axes.barh(axis.at, widths, left=ends, height=0.72, color=colour, label=group.replace("_", " "))
        if group in JUDGED:
            _label(axes, axis.at, ends, widths)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    strip(axes)


def _label(axes: Any, heights: list[float], ends: list[float], widths: list[float]) -> None:
    for height, end, width in zip(heights, ends, widths, strict=True):
        if width >= LEAST_LABEL:
            axes.text(end + width / 2, height, f"{width:.0%}", ha="center", va="center", fontsize=7.5, color="white")


def _colours(groups: list[str]) -> dict[str, str]:
    """Colour of every group, those that are judged first."""
    others = [group for group in groups if group not in JUDGED]
    first = {group: colour for group, colour in JUDGED.items() if group in groups}
    return first | {group: OTHERS[i % len(OTHERS)] for i, group in enumerate(others)}


def draw_fairness(fairness: Fairness, folder: Path) -> list[Path]:
    """Write parity.png (each segment against all SKUs) and attributions.png (what drives the models) to `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "parity.png": parity_picture(fairness.segments, fairness.verdict),
        "attributions.png": attribution_picture(fairness.segments, fairness.attributions),
    }
    for name, figure in pictures.items():
        FigureCanvasAgg(figure).print_png(str(folder / name), metadata={"Software": None})
    return [folder / name for name in pictures]
