"""The panel's columns as such: which can drift at all, which froze, which lost their values."""

from collections.abc import Sequence
from fnmatch import fnmatch

import polars as pl


def numeric_columns(rows: pl.DataFrame) -> list[str]:
    """All columns of numbers, in the order of the panel."""
    return [name for name, kind in rows.schema.items() if kind.is_numeric()]


def calendar_columns(rows: pl.DataFrame) -> set[str]:
    """Columns with one value per week for all SKUs: eight weeks of a year never look like the year."""
    names = numeric_columns(rows)
    most = rows.group_by("week").agg(pl.col(names).n_unique()).select(pl.col(names).max()).row(0)
    return {name for name, count in zip(names, most, strict=True) if count <= 1}


def judged_columns(reference: pl.DataFrame, not_judged: Sequence[str]) -> list[str]:
    """Numeric columns but those of the calendar and those that the patterns `not_judged` name."""
    calendar = calendar_columns(reference)
    return [
        name
        for name in numeric_columns(reference)
        if name not in calendar and not any(fnmatch(name, pattern) for pattern in not_judged)
    ]


def constant_columns(
    reference: pl.DataFrame, current: pl.DataFrame, share: float, not_judged: Sequence[str] = ()
) -> list[str]:
    """Columns with one value in `current` whose most frequent value in the reference fills less than `share`.

    A rare feature (a promotion that one row in a thousand has) may be absent for some weeks; it is not frozen. Nor
    are the columns that `not_judged` names: an age that ends at a cap is the same for all SKUs once none is new.
    """
    constant = [
        name
        for name in judged_columns(reference, not_judged)
        if name in current.columns and current[name].n_unique() == 1
    ]
    return [name for name in constant if _most_frequent_share(reference[name]) < share]


def missing_values(reference: pl.DataFrame, current: pl.DataFrame) -> dict[str, float]:
    """By column, how far the share of rows without a finite value rose, the most first; 1 for a column that is gone."""
    rises = {
        name: _unusable_share(current[name]) - _unusable_share(reference[name]) if name in current.columns else 1.0
        for name in numeric_columns(reference)
    }
    return dict(sorted(rises.items(), key=lambda rise: -rise[1]))


def _most_frequent_share(column: pl.Series) -> float:
    counts = column.value_counts(name="rows")["rows"]
    return float(counts.max()) / len(column)  # type: ignore[arg-type]


def _unusable_share(column: pl.Series) -> float:
    return 1.0 - float(column.cast(pl.Float64, strict=False).is_finite().fill_null(False).mean())  # type: ignore[arg-type]
