"""Looking back: expressions that see the weeks before a row's own, and nothing else.

All features of sales are made of these, over the rows of one SKU (or one family, or the shop) in order of week.
"""

import polars as pl


def before(column: str | pl.Expr, weeks: int = 1) -> pl.Expr:
    """The value `weeks` weeks before; null where there was none."""
    return (pl.col(column) if isinstance(column, str) else column).shift(weeks)


def mean_before(column: str | pl.Expr, weeks: int) -> pl.Expr:
    """Mean over up to `weeks` weeks before."""
    return before(column).rolling_mean(weeks, min_samples=1)


def sum_before(column: str | pl.Expr, weeks: int) -> pl.Expr:
    """Sum over up to `weeks` weeks before."""
    return before(column).rolling_sum(weeks, min_samples=1)


def share_before(part: str, whole: str, weeks: int) -> pl.Expr:
    """The part's share of the whole over up to `weeks` weeks before; null where the whole was 0."""
    total = sum_before(whole, weeks)
    return pl.when(total > 0).then(sum_before(part, weeks) / total)


def weeks_since(condition: pl.Expr) -> pl.Expr:
    """Weeks since the condition last held in a week before; null where it never did."""
    row = pl.int_range(pl.len())
    return row - pl.when(condition).then(row).shift(1).forward_fill()
