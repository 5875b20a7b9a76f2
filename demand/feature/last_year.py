"""The same weeks of last year: what this SKU sold then, against what it sold just before."""

import polars as pl

from demand.feature.past import mean_before

YEAR = "52w"
LOG_UNITS = pl.col("known_units").log1p()
LAST_YEAR = ("year_ago_log_units", "year_ago_uplift", "year_ago_known")


def last_year(grid: pl.DataFrame) -> pl.DataFrame:
    """stock_code, week, year_ago_log_units (mean of the same week and its neighbours, 52 weeks ago) and
    year_ago_uplift (the same less the mean of the 8 weeks before it); no row where there is no year."""
    around = pl.mean_horizontal(LOG_UNITS.shift(1), LOG_UNITS, LOG_UNITS.shift(-1))
    uplift = around - mean_before(LOG_UNITS, 8)
    return grid.select(
        "stock_code",
        pl.col("week").dt.offset_by(YEAR),
        year_ago_log_units=around.over("stock_code"),
        year_ago_uplift=uplift.over("stock_code"),
    ).with_columns(year_ago_known=pl.lit(1.0))
