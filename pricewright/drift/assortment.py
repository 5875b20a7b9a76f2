"""Which SKUs sell: those that vanished, those that came, and weeks in which the shop fell silent."""

import polars as pl

from pricewright.drift.usual import last_weeks


def missing_skus(reference: pl.DataFrame, current: pl.DataFrame) -> float:
    """Share of the SKUs that sold in the last weeks of the reference (as many as `current` has) and no longer do."""
    lately = last_weeks(reference, current["week"].n_unique()).filter("sold")["stock_code"].unique()
    now = current.filter("sold")["stock_code"].unique()
    return _share_outside(lately, now)


def new_skus(reference: pl.DataFrame, current: pl.DataFrame) -> float:
    """Share of the SKUs that sell now and never did in the reference."""
    ever = reference.filter("sold")["stock_code"].unique()
    now = current.filter("sold")["stock_code"].unique()
    return _share_outside(now, ever)


def steady_sellers_missing(current: pl.DataFrame, usual: pl.DataFrame, least: int) -> float:
    """How far the number of steady sellers that sold fell short of the expected one, as a share, in the worst week.

    Steady sellers are the quarter of the SKUs (at least `least`) with the most selling weeks. A week without any
    sale is left to `silent_weeks`: shops close around Christmas.
    """
    count = max(usual.height // 4, least)
    steady = usual.sort(["selling_weeks", "stock_code"], descending=[True, False]).head(count)
    open_weeks = current.filter("sold")["week"].unique()
    sold = current.filter("sold").join(steady, on="stock_code", how="semi").group_by("week").len()
    weekly = pl.DataFrame({"week": open_weeks}).join(sold, on="week", how="left").fill_null(0)
    expected = steady["selling_share"].sum()
    if weekly.is_empty() or expected == 0:
        return float("nan")
    return float(1.0 - weekly["len"].min() / expected)  # type: ignore[operator]


def zero_share_change(reference: pl.DataFrame, current: pl.DataFrame, weeks: int) -> float:
    """How much the share of SKU-weeks without a sale moved against the last `weeks` weeks of the reference."""
    before = last_weeks(reference, weeks)["sold"].mean()
    return abs(float(current["sold"].mean()) - float(before))  # type: ignore[arg-type]


def silent_weeks(current: pl.DataFrame) -> float:
    """Weeks between the first and the last of `current` in which nothing was sold, or of which no row is there."""
    first, last = current["week"].min(), current["week"].max()
    all_weeks = (last - first).days // 7 + 1  # type: ignore[operator, union-attr]
    return float(all_weeks - current.filter("sold")["week"].n_unique())


def _share_outside(codes: pl.Series, known: pl.Series) -> float:
    """Share of the codes that are not among the known ones; NaN of no codes."""
    inside = codes.is_in(known.implode()).mean()
    return float("nan") if inside is None else 1.0 - float(inside)  # type: ignore[arg-type]
