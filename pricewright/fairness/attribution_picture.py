"""attributions.png: what drives each model's predictions, segment by segment."""

from typing import Any

import polars as pl

from pricewright.fairness.segment_axis import INK, SegmentAxis, segment_axis, strip
from pricewright.fairness.segments import KEY

# Colours that stay apart for every eye (Okabe and Ito); the two groups that are judged are the strong ones.
JUDGED = {"price": "#d55e00", "customer_mix": "#0072b2"}
OTHERS = ("#b9b9b9", "#a8cdb8", "#e3d5a3", "#c9b6d6", "#8f8f8f")
LEAST_LABEL = 0.05  # shares below get no number: it would not fit


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
    return first | {group: OTHERS[place % len(OTHERS)] for place, group in enumerate(others)}
