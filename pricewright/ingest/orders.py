"""Orders of several lines: exports often say only in the first what holds for all, such as the date or the status."""

from collections.abc import Mapping

import polars as pl

from pricewright.ingest.columns import CANCELLED_AT, INVOICE, STATUS, STORE, TIME

DATE = "invoice_time"
BESIDES = (TIME, "customer_id", "country", "channel", STORE, STATUS, CANCELLED_AT)
# Status without case and with blanks for `_` and `-`; WooCommerce's may begin with wc.
CANCELLED = r"^(?:wc )?(?:cancel|cancell?ed|void|voided|failed|trash|trashed|deleted|declined)$"
REFUNDED = r"^(?:wc )?(?:fully )?refunded$"


def first_lines(texts: Mapping[str, pl.Series]) -> pl.Series | None:
    """For every row the index of its order's first line, where it is a later one, else its own; None where none is.

    texts: the columns by word, null where blank. A later line has the invoice of the line above, and no date or nothing
    else that holds for the order; or it has neither invoice nor date, and sells a product.
    """
    besides = [word for word in BESIDES if word in texts]
    leaves_out = texts[DATE].null_count() or (besides and all(texts[word].null_count() for word in besides))
    if INVOICE not in texts or not leaves_out:
        return None
    row, order, no_date = pl.row_index(), pl.col(INVOICE), pl.col(DATE).is_null()
    silent = pl.all_horizontal(pl.col(besides).is_null()) if besides else pl.lit(False)
    nameless = order.is_null() & no_date & pl.col("stock_code").is_not_null()
    later = nameless | ((order == order.shift()) & (no_date | silent)).fill_null(False)
    rows = pl.DataFrame([texts[word].alias(word) for word in (INVOICE, DATE, "stock_code", *besides)])
    return rows.select(first=pl.when(~later).then(row).forward_fill().fill_null(row))["first"]


def fill(column: pl.Series, first: pl.Series) -> pl.Series:
    """A column whose blank cells are as the first line of their order has them."""
    return column.zip_with(column.is_not_null(), column.gather(first))


def came_to_nothing(texts: Mapping[str, pl.Series]) -> list[tuple[pl.Expr, str, str]]:
    """Reasons of lines whose order was cancelled (by its status, or at a date), or refunded as a whole."""
    status = pl.col(STATUS).str.to_lowercase().str.replace_all("[_-]+", " ")
    reasons = []
    if CANCELLED_AT in texts:
        reasons.append((pl.col(CANCELLED_AT).str.contains(r"\d{4}").fill_null(False), "order cancelled", CANCELLED_AT))
    if STATUS in texts:
        reasons.append((status.str.contains(CANCELLED).fill_null(False), "order cancelled", STATUS))
        reasons.append((status.str.contains(REFUNDED).fill_null(False), "order refunded", STATUS))
    return reasons
