"""Units are pieces, kilograms or metres: whole or not, to a millionth of one."""

from typing import SupportsFloat

import polars as pl

DECIMALS = 6  # so that 0.1 + 0.2 is 0.3


def rounded(units: pl.Expr) -> pl.Expr:
    """Units to DECIMALS."""
    return units.round(DECIMALS)


def counted(units: SupportsFloat) -> int | float:
    """A number of units as people read it: whole where it is, else to DECIMALS."""
    near = round(float(units), DECIMALS)
    return int(near) if near.is_integer() else near


def written(units: pl.Expr) -> pl.Expr:
    """Units as text: 6, 0.35."""
    return units.cast(pl.String).str.strip_suffix(".0")
