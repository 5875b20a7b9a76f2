"""Pictures for a notebook, as matplotlib figures that belong to nobody: show them, save them, change them."""

import polars as pl
from matplotlib.figure import Figure

from pricewright.analysis import Fit, curve
from pricewright.core.item import Item
from pricewright.feature import Panel

INK, BLUE, ORANGE, FAINT = "#333333", "#2f6690", "#e08e0b", "#9a9a9a"


def plot_curve(fitted: Fit, stock_code: Item | str) -> Figure:
    """Expected weekly units and sales of a SKU by its price, with 90 % intervals and the prices now and recommended."""
    plan, _ = fitted.planned
    drawn = curve(fitted, stock_code)
    place = fitted.catalog["stock_code"].to_list().index(Item.of(stock_code).as_code)
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    for axes, what in ((above, "units"), (below, "sales")):
        axes.fill_between(drawn["price"], drawn[f"{what}_low"], drawn[f"{what}_high"], color=BLUE, alpha=0.18, lw=0)
        axes.plot(drawn["price"], drawn[what], color=BLUE)
        axes.axvline(plan.current[place], color=FAINT, linestyle="--", label="now")
        if plan.prices[place] != plan.current[place]:
            axes.axvline(plan.prices[place], color=ORANGE, label="recommended")
        axes.set_ylabel(f"expected {what} a week", color=INK)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    below.set_xlabel("price", color=INK)
    above.legend(frameon=False)
    above.set_title(f"Demand for {stock_code}", color=INK)
    return figure


def plot_history(panel: Panel, stock_code: Item | str) -> Figure:
    """Weekly units of a SKU, and the prices at which they were sold."""
    rows = panel.rows.filter(pl.col("stock_code") == Item.of(stock_code).as_code).sort("week")
    figure = Figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    above.bar(rows["week"], rows["units"], width=6, color=BLUE)
    above.set_ylabel("units a week", color=INK)
    above.set_title(f"What {stock_code} sold", color=INK)
    below.step(rows["week"], rows["price"], where="mid", color=ORANGE)
    below.set_ylabel("price", color=INK)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
