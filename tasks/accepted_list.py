"""The prices that were accepted or set, as a list for people: a CSV written as their country does, or a workbook."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pricewright.core.errors import ParameterError
from pricewright.core.spreadsheet import harmless
from tasks.price_decisions import Standing

LOCALE = "en-GB"  # where neither the shop nor the reader names one
FORMATS = ("csv", "xlsx")
ADOPTED = ("accept", "set")


class Column(NamedTuple):
    """A heading, what its values are, and the field of a row; `money` and `units` have a unit."""

    heading: str
    kind: str
    field: str


COLUMNS = (
    Column("Product", "text", "stock_code"),
    Column("Description", "text", "description"),
    Column("Category", "text", "family"),
    Column("Store", "text", "store"),
    Column("Price now", "money", "current_price"),
    Column("New price", "money", "price"),
    Column("Change", "share", "change"),
    Column("Units a week now", "units", "units_now"),
    Column("Units a week", "units", "expected_units"),
    Column("Sales a week now", "money", "current_expected_sales"),
    Column("Sales a week", "money", "expected_sales"),
    Column("Gain a week", "money", "gain"),
    Column("Gain a week, at least (95 %)", "money", "gain_low"),
    Column("Probability", "share of one", "uplift_probability"),
    Column("Reason", "text", "reason"),
    Column("Decided by", "text", "by"),
    Column("Decided at (UTC)", "text", "at"),
)
PROMISED = ("expected_units", "expected_sales", "gain", "gain_low", "uplift_probability")  # at the plan's price alone


def accepted_rows(plan: Iterable[Mapping[str, Any]], standing: Iterable[Standing]) -> list[dict[str, Any]]:
    """Rows of the plan whose price was accepted or set and still stands, those that gain most first.

    A price of one's own has no promise: its numbers are None, and it stands at the end.
    """
    adopted = {it.move.item: it for it in standing if it.stands and it.decision.decision in ADOPTED}
    rows = {(row["stock_code"], row["store"]): row for row in plan}
    found = []
    for item, it in adopted.items():
        row = dict(rows[item.stock_code, item.store])
        price = float(it.move.price or row["optimal_price"])
        row |= {"price": price, "change": price / row["current_price"] - 1}
        row |= {"by": it.decision.by, "at": it.decision.at[:16].replace("T", " ")}
        if it.decision.decision == "set":
            row |= dict.fromkeys(PROMISED) | {"reason": it.decision.reason or "a price of one's own"}
        found.append(row)
    return sorted(found, key=lambda row: (row["gain"] is None, -(row["gain"] or 0.0), row["stock_code"]))


def check_locale(text: str) -> str:
    """The locale, LOCALE for an empty text. Raises ParameterError for one that nobody knows."""
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(text or LOCALE, sep="-")
    except (ValueError, UnknownLocaleError):
        raise ParameterError(
            f"locale is {text[:40]!r}: a language and country are needed.", hint="such as en-GB or de-DE."
        ) from None
    return text or LOCALE


def accepted_csv(rows: Sequence[Mapping[str, Any]], locale: str = "", currency: str = "") -> bytes:
    """CSV as a spreadsheet of that country opens it: its decimal sign, `;` where that is a comma, UTF-8 with a mark."""
    from babel.numbers import get_decimal_symbol

    written_as = check_locale(locale).replace("-", "_")
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";" if get_decimal_symbol(written_as) == "," else ",", lineterminator="\r\n")
    writer.writerow(column.heading for column in COLUMNS)
    for row in rows:
        writer.writerow(_written(column, row[column.field], written_as, currency) for column in COLUMNS)
    return stream.getvalue().encode("utf-8-sig")


def _written(column: Column, value: Any, locale: str, currency: str) -> str:
    from babel.numbers import format_currency, format_decimal

    if value is None:
        return ""
    if column.kind == "money":
        return (
            format_currency(value, currency, locale=locale) if currency else format_decimal(value, "#,##0.00", locale)
        )
    if column.kind == "share":
        return format_decimal(100 * value, "+0.0;-0.0", locale) + " %"
    if column.kind == "share of one":
        return format_decimal(100 * value, "0", locale) + " %"
    if column.kind == "units":
        return format_decimal(value, "#,##0.0", locale) + " units"
    return str(harmless(value))


def accepted_xlsx(rows: Sequence[Mapping[str, Any]], currency: str = "") -> bytes:
    """A workbook whose cells are numbers with formats, which each reader's program writes as its country does."""
    from xlsxwriter import Workbook

    stream = io.BytesIO()
    with Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Accepted prices")
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        shown = {
            "money": book.add_format({"num_format": "#,##0.00"}),
            "share": book.add_format({"num_format": "+0.0%;-0.0%;0.0%"}),
            "share of one": book.add_format({"num_format": "0%"}),
            "units": book.add_format({"num_format": '#,##0.0" units"'}),
        }
        for index, column in enumerate(COLUMNS):
            unit = f" ({currency})" if column.kind == "money" and currency else ""
            sheet.write_string(0, index, column.heading + unit, head)
            sheet.set_column(index, index, _width(column, rows))
            for line, row in enumerate(rows, 1):
                value = row[column.field]
                if value is not None and column.kind == "text":
                    sheet.write_string(line, index, str(value))
                elif value is not None:
                    sheet.write_number(line, index, float(value), shown[column.kind])
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
    return stream.getvalue()


def _width(column: Column, rows: Sequence[Mapping[str, Any]]) -> float:
    """Characters: a column of texts is as wide as its longest, within reason."""
    longest = max((len(str(row[column.field] or "")) for row in rows), default=0) if column.kind == "text" else 0
    return float(min(max(longest + 1, 12), 48))


def written(rows: Sequence[Mapping[str, Any]], form: str, locale: str = "", currency: str = "") -> bytes:
    """The list in a format of FORMATS. Raises ParameterError for another one."""
    writers: dict[str, Callable[[], bytes]] = {
        "csv": lambda: accepted_csv(rows, locale, currency),
        "xlsx": lambda: accepted_xlsx(rows, currency),
    }
    if form not in writers:
        raise ParameterError(f"format is {form[:20]!r}: one of {', '.join(FORMATS)} is needed.")
    return writers[form]()
