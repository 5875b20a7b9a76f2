"""Reads table rows as typed sales lines; a value that cannot be read sends its row to quarantine with the reason."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import (
    ADVERTISED,
    CANCELLED_AT,
    COMPETITOR_PRICE,
    CURRENCY,
    INVOICE,
    LINE_TOTAL,
    REQUIRED,
    STATUS,
    STORE,
    TAX_RATE,
    TIME,
    WORDS,
    ZONE,
)
from pricewright.ingest.equal_rows import number_equal_rows
from pricewright.ingest.money import check_reading, price_of_one, take_back
from pricewright.ingest.numbers import NUMBERS, read_numbers
from pricewright.ingest.tables import Table
from pricewright.ingest.texts import check_codes, in_one_spelling, read_flags, read_rates, read_shares, read_texts
from pricewright.ingest.times import read_clock, read_times
from pricewright.units import rounded, written

DATE = "invoice_time"
BESIDES = (TIME, "customer_id", "country", "channel", STORE, ZONE, STATUS, CANCELLED_AT)
# Status without case and with blanks for `_` and `-`; WooCommerce's may begin with wc.
CANCELLED = r"^(?:wc )?(?:cancel|cancell?ed|void|voided|failed|trash|trashed|deleted|declined)$"
REFUNDED = r"^(?:wc )?(?:fully )?refunded$"
TOTAL = r"(?i)^\W*(?:(?:grand|sub|report|overall)[ -]?)?(?:totals?|sum|summe|gesamt|gesamtsumme)\W*"
NEEDED = (INVOICE, "stock_code", "quantity", "invoice_time", "unit_price")
SAYING = (INVOICE, "stock_code", "description", "invoice_time")
HINTS = {
    "invoice_time": "write all dates alike, such as 2011-12-09 12:50; name another column: --column invoice_time=NAME.",
    "unit_price": "prices must be numbers, such as 2.55; name another column: --column unit_price=NAME.",
    "quantity": "quantities must be numbers, such as 6 or 0.350; name another column: --column quantity=NAME.",
    LINE_TOTAL: "totals must be numbers, such as 7.65; name another column: --column line_total=NAME.",
    "unit_cost": "costs must be numbers, such as 1.20; name another column: --column unit_cost=NAME.",
    COMPETITOR_PRICE: "prices must be numbers, such as 2.55; name another column: --column competitor_price=NAME.",
}
TYPED = ("quantity", "invoice_time", "unit_price")  # a row that lacks one, or has it unreadable, is quarantined
TELLS_APART = ("unit_price", "customer_id", "country", "channel", STORE)  # rows of a SKU and time without an invoice
UNNAMEABLE = r"[@\p{Cc}]"  # in a store's name: an item is written CODE@STORE
EXACT = 2**53  # floats count no further one by one
ANSWERS = {
    "promotion": read_shares,
    ADVERTISED: read_shares,
    "in_stock": read_flags,
    TAX_RATE: read_rates,
}  # what cannot be read is not known


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


def are_totals(texts: Mapping[str, pl.Series], codes: pl.Series) -> pl.Series:
    """Whether a row's code says that it is a total, or another text of a row that lacks what a sale has.

    texts: the columns by word, null where blank; codes: the different ones.
    """
    named = codes.filter(codes.str.contains(f"{TOTAL}$"))
    nowhere = pl.repeat(False, len(texts["stock_code"]), eager=True)
    totals = texts["stock_code"].is_in(named.implode()).fill_null(False) if len(named) else nowhere
    rows = pl.DataFrame([column.alias(word) for word, column in texts.items() if word in {*NEEDED, *SAYING}])
    lacking = rows.select(pl.any_horizontal(pl.col(w).is_null() for w in NEEDED if w in texts)).to_series().arg_true()
    mentions = [pl.col(word).str.contains(rf"{TOTAL}(?:\W|$)").fill_null(False) for word in SAYING if word in texts]
    found = lacking.filter(rows[lacking].select(pl.any_horizontal(mentions)).to_series())
    return totals.scatter(found, True)


def read_lines(
    table: Table, named: pl.DataFrame, columns: Mapping[str, str], params: Mapping[str, Any]
) -> tuple[pl.DataFrame, str]:
    """Typed lines of `named` (the table's columns by word), with source, reason, detail, nth; the layout of its dates.

    `decimal_sign` and `day_first` of params are those decided. Raises SourceError when a column holds no value, or too
    many that cannot be read (`params["unreadable_share"]`).
    """
    texts, raw = _read_cells(named, columns, params["missing_values"])
    codes = texts["stock_code"].unique()
    check_codes(table, columns["stock_code"], texts["stock_code"], codes)
    texts["stock_code"] = in_one_spelling(texts["stock_code"], codes, texts.get("description"))
    typed = dict(texts)
    layout = "none"
    for word in columns:
        if word == CURRENCY:
            continue
        if word in NUMBERS:
            own = named[word].dtype.is_numeric() or named[word].dtype == pl.String
            written = named[word] if own else texts[word]  # texts have lost the zeros of 2.000
            typed[word] = read_numbers(written, params["decimal_sign"])
        elif word == "invoice_time":
            typed[word], layout = read_times(raw[word], bool(params["day_first"]))
        elif word in ANSWERS:
            typed[word] = ANSWERS[word](texts[word])
            continue
        _check_column(table, word, columns[word], texts[word], typed[word], float(params["unreadable_share"]))
    if TIME in typed:
        typed["invoice_time"] = _with_clock(typed["invoice_time"], raw[TIME])
    if ADVERTISED in typed:
        typed["promotion"] = _promoted(typed.get("promotion"), typed[ADVERTISED])
    if LINE_TOTAL in typed:
        typed["unit_price"], texts["unit_price"] = price_of_one(typed[LINE_TOTAL], typed["quantity"]), texts[LINE_TOTAL]
    typed["quantity"], typed["unit_price"] = take_back(typed["quantity"], typed["unit_price"])
    typed["total"] = are_totals(texts, codes)
    lines = _not_plausible(_with_reasons(table, texts, typed), params)
    check_reading(table, lines, columns)
    return number_equal_rows(lines, table.frame, params), layout


def _not_plausible(lines: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    """The lines with too_many (pieces) and too_dear: far above what is usual in their own table, whatever its currency
    and its unit are. Null where a line has no such number."""
    readable = lines["reason"].is_null()
    found = []
    for name, word, ratio in (
        ("too_many", "quantity", "largest_quantity_ratio"),
        ("too_dear", "unit_price", "largest_price_ratio"),
    ):
        numbers = lines[word].abs()
        usual = numbers.filter(readable & (numbers > 0)).quantile(0.5, "lower")
        found.append((numbers > (usual or 0.0) * float(params[ratio])).alias(name))
    return lines.with_columns(found)


def _read_cells(
    named: pl.DataFrame, columns: Iterable[str], missing: Sequence[str]
) -> tuple[dict[str, pl.Series], dict[str, pl.Series]]:
    """The cells of every column as text, and in their own type; later lines of an order say what its first one says."""
    texts = {word: read_texts(named[word], missing) for word in columns}
    raw = {word: texts[word] if named[word].dtype == pl.String else named[word] for word in texts}
    first = first_lines(texts)
    if first is not None:
        for cells in (texts, raw):
            cells |= {word: fill(cells[word], first) for word in {INVOICE, "invoice_time", *BESIDES} & set(cells)}
    return texts, raw


def _with_clock(days: pl.Series, times: pl.Series) -> pl.Series:
    """Dates without a time of day with the one beside them, where that is one."""
    clock = read_clock(times)
    bare = (days == days.dt.truncate("1d")).all()
    return days + clock.fill_null(timedelta()) if bare and clock.count() else days


def _promoted(promotion: pl.Series | None, advertised: pl.Series) -> pl.Series:
    """How much a line was promoted, 0 to 1: by half, when it was reduced or on display and not advertised as well."""
    if promotion is None or not advertised.count():  # a column of that name may hold something else
        return advertised if promotion is None else promotion
    known = promotion.is_not_null() | advertised.is_not_null()
    mean: pl.Series = (promotion.fill_null(0.0) + advertised.fill_null(0.0)) / 2
    return mean.set(~known, None)


def _check_column(table: Table, word: str, column: str, texts: pl.Series, values: pl.Series, allowed: float) -> None:
    filled = texts.count()
    if filled == 0 and word in (INVOICE, *REQUIRED):
        raise SourceError(
            f"{table.name}: the column {column!r} ({word}) has no value from row {table.row(0)} to the end.",
            f"name another column: --column {word}=NAME.",
        )
    unreadable = texts.is_not_null() & values.is_null()
    if unreadable.sum() > allowed * filled:
        first = unreadable.arg_max() or 0
        kind = "date" if word == "invoice_time" else "number"
        raise SourceError(
            f"{table.name}: the column {column!r} ({word}) holds {unreadable.sum()} of {filled} values that are "
            f"no {kind} (first: row {table.row(first)}, {texts[first]!r}); at most {allowed:.0%} may be.",
            HINTS[word],
        )


def _with_reasons(table: Table, texts: Mapping[str, pl.Series], typed: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The lines; the first of the reasons that hold for a row is its reason."""
    absent = pl.repeat(None, table.frame.height, dtype=pl.String, eager=True)
    lines = pl.DataFrame(
        {
            "row": pl.int_range(table.row(0), table.row(table.frame.height), eager=True),
            **{word: typed.get(word, absent).alias(word) for word in WORDS},
            **{f"{word}_text": texts.get(word, absent) for word in TYPED},
            **{word: texts.get(word, absent) for word in (STATUS, CANCELLED_AT)},
            "total": typed["total"],
        }
    )
    given = [pl.col(f"{word}_text" if word in TYPED else word) for word in WORDS]
    reasons = [
        (pl.all_horizontal(column.is_null() for column in given), "empty row", ""),
        *([(pl.col("total"), "total row", "")] if typed["total"].any() else []),
        *came_to_nothing(texts),
        (pl.col("stock_code").is_null(), "no stock code", ""),
        *([(pl.col(INVOICE).is_null(), "no invoice", "")] if INVOICE in texts else []),
        *_unread("invoice_time", "date"),
        *_unread("quantity", "quantity"),
        (pl.col("quantity").abs() > EXACT, "unreadable quantity", "quantity_text"),
        *_unread("unit_price", "price"),
        *((pl.col(word).str.contains(UNNAMEABLE), f"unusable {word}", word) for word in (STORE, ZONE) if word in texts),
    ]
    return lines.select(
        "row",
        pl.lit(table.name).alias("source"),
        pl.col(INVOICE) if INVOICE in texts else _own_invoice(),
        "stock_code",
        "description",
        rounded(pl.col("quantity").cast(pl.Float64)),
        "invoice_time",
        "unit_price",
        "customer_id",
        "country",
        pl.when(pl.col("unit_cost").cast(pl.Float64) >= 0)
        .then(pl.col("unit_cost").cast(pl.Float64))
        .alias("unit_cost"),
        "category",
        pl.col("promotion").cast(pl.Float64),
        "channel",
        pl.col("in_stock").cast(pl.Boolean),
        STORE,
        ZONE,
        "brand",
        pl.col(TAX_RATE).cast(pl.Float64),
        pl.col(COMPETITOR_PRICE).cast(pl.Float64),
        *first_reason(reasons),
    )


def _own_invoice() -> pl.Expr:
    """An invoice of each row's own, made of what it says, so that copies of a row stay copies."""
    time = pl.col("invoice_time").dt.to_string("%Y-%m-%d %H:%M:%S")
    code = pl.col("stock_code").str.to_uppercase()
    quantity = written(rounded(pl.col("quantity")))
    return pl.concat_str(time, code, quantity, *TELLS_APART, separator=" ", ignore_nulls=True).alias(INVOICE)


def _unread(word: str, kind: str) -> list[tuple[pl.Expr, str, str]]:
    text = pl.col(f"{word}_text")
    return [
        (text.is_null(), f"no {kind}", ""),
        (pl.col(word).is_null(), f"unreadable {kind}", f"{word}_text"),
    ]


def first_reason(reasons: list[tuple[pl.Expr, str, str]]) -> tuple[pl.Expr, pl.Expr]:
    """The columns `reason` and `detail` (a value, from the named column) of the first condition that holds."""
    reason, detail = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for holds, name, column in reversed(reasons):
        reason = pl.when(holds).then(pl.lit(name)).otherwise(reason)
        value = written(pl.col(column)) if column == "quantity" else pl.col(column).cast(pl.String) if column else None
        detail = pl.when(holds).then(value).otherwise(detail)
    return reason.alias("reason"), detail.alias("detail")
