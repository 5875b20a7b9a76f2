"""All features of a SKU's week, made of what was known when the week began; the calendar alone may know the week."""

import polars as pl

from demand.feature.calendar import CALENDAR, calendar_weeks
from demand.feature.customer_mix import CUSTOMER_MIX
from demand.feature.family import FAMILY, family, family_weeks
from demand.feature.history import HISTORY
from demand.feature.last_year import LAST_YEAR, last_year
from demand.feature.price_history import PRICE_HISTORY

OWN = {**HISTORY, **CUSTOMER_MIX, **PRICE_HISTORY}
FEATURES: tuple[str, ...] = (*OWN, *FAMILY, *LAST_YEAR, *CALENDAR)


def add_features(kept: pl.DataFrame, everything: pl.DataFrame, weeks: pl.DataFrame, code_length: int) -> pl.DataFrame:
    """The kept rows with FEATURES as float32, in order of stock_code and week; 0 where there is no history yet.

    kept: rows of the grid, whole SKUs; everything: the grid of all SKUs, since who else is kept depends on weeks to
    come; weeks: as open_weeks gives them; code_length: see family.
    """
    return (
        kept.with_columns(
            family(code_length), *(expression.over("stock_code").alias(name) for name, expression in OWN.items())
        )
        .join(family_weeks(everything, code_length), on=["family", "week"], how="left")
        .join(last_year(kept), on=["stock_code", "week"], how="left")
        .join(calendar_weeks(weeks), on="week", how="left")
        .with_columns(pl.col(FEATURES).cast(pl.Float32).fill_nan(0).fill_null(0))
        .sort("stock_code", "week")
    )
