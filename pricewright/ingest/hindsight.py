"""Transactions as they were known at the end of a day: what was cancelled later had not been cancelled yet."""

from datetime import date

import polars as pl

from pricewright.ingest.intake import TRANSACTION, less_cancelled


def known_before(transactions: pl.DataFrame, cancelled: pl.DataFrame, end: date) -> pl.DataFrame:
    """The transactions before the day `end`, as an ingest on that morning would have given them.

    cancelled: source, row, cancelled, cancelled_in_week of the sales of which units had been cancelled by then
    (Intake.cancelled_by). Taking back what is matched today would not do: a later cancellation can take the units that
    an earlier one would have taken.
    """
    lines = transactions.filter(pl.col("invoice_time").dt.date() < end).with_row_index("line")
    lines = lines.drop("cancelled", "cancelled_in_week", "units").with_columns(pl.col("line").cast(pl.Int64))
    then = lines.select("line", "source", "row").join(cancelled, on=["source", "row"])
    return less_cancelled(lines, then.drop("source", "row")).select(TRANSACTION)
