"""parity.png: how far each segment is from all SKUs, before the thresholds that judge it."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pricewright.fairness.segment_axis import FAINT, INK, SegmentAxis, segment_axis, strip
from pricewright.verdict import Check, Verdict

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
