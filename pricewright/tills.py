"""Prices as a file that tills read: a row per store and code, in the columns and the locale that the till wants.

A template (YAML) says which; docs/tills.md explains it.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pricewright.core.errors import ParameterError, ReleaseError
from pricewright.files import read_yaml
from pricewright.profit import EARNED

HINT = "docs/tills.md explains the template, docs/tills.example.yaml is one."
FIELDS = (
    "effective_date", "store", "stock_code", "description", "price", "price_with_tax", "price_without_tax", "tax_rate",
    "price_before", "reason",
)  # fmt: skip
PRICES = ("price", "price_with_tax", "price_without_tax")
# By locale: the delimiter, the sign before decimals, how a date is written.
LOCALES = {
    "iso": (",", ".", "%Y-%m-%d"), "en_GB": (",", ".", "%d/%m/%Y"), "en_US": (",", ".", "%m/%d/%Y"),
    "de_DE": (";", ",", "%d.%m.%Y"), "fr_FR": (";", ",", "%d/%m/%Y"), "nl_NL": (";", ",", "%d-%m-%Y"),
}  # fmt: skip
FINE = 4  # decimals of rates and of prices without tax
SAMPLE = date(2026, 11, 28)  # a day that no month can be: what reads back as another one lacks year, month or day
SHOWN = 60  # characters of a value in a message

Cell = Annotated[str, Field(min_length=1, max_length=100)]


class Template(BaseModel):
    """What a till wants. columns: its names, in their order, and what each holds, of FIELDS; none: FIELDS by name.

    What delimiter, decimal_sign and date_format leave open is as in the locale; rows: `moves`, those with a new price,
    or `all`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["csv", "parquet"] = "csv"
    locale: Literal["iso", "en_GB", "en_US", "de_DE", "fr_FR", "nl_NL"] = "iso"
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal_sign: Literal[".", ","] | None = None
    date_format: str | None = None
    decimals: Annotated[int, Field(ge=0, le=4, strict=True)] = 2
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "iso-8859-15"] = "utf-8"
    header: bool = True
    rows: Literal["moves", "all"] = "moves"
    columns: dict[Cell, Literal[FIELDS]] = Field(default={name: name for name in FIELDS})  # type: ignore[valid-type]

    @property
    def signs(self) -> tuple[str, str, str]:
        """Delimiter, sign before decimals and format of dates."""
        delimiter, sign, dates = LOCALES[self.locale]
        return self.delimiter or delimiter, self.decimal_sign or sign, self.date_format or dates

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        delimiter, sign, dates = self.signs
        if delimiter == sign:
            raise PydanticCustomError("signs", "delimiter and decimal_sign are both {sign}", {"sign": repr(sign)})
        if not _holds_a_day(dates):
            raise PydanticCustomError("dates", "date_format {dates} does not name a day", {"dates": repr(dates)})
        fields = set(self.columns.values())
        if "stock_code" not in fields or not fields & set(PRICES):
            raise PydanticCustomError(
                "columns", "columns need stock_code and one of {prices}", {"prices": ", ".join(PRICES)}
            )
        return self


def _holds_a_day(dates: str) -> bool:
    try:
        return datetime.strptime(SAMPLE.strftime(dates), dates).date() == SAMPLE
    except ValueError:
        return False


def read_template(path: Path) -> Template:
    """The template of a file. Raises ParameterError with the line of all that is wrong."""
    node, content = read_yaml(path, "--template", HINT)
    lines = _lines(node)
    twice = [f"line {line}, {name} is there twice" for name, line in lines if [key for key, _ in lines].count(name) > 1]
    if twice:
        raise ParameterError(f"{path.name}: {'; '.join(twice)}.", hint="each key and column once.")
    try:
        return TypeAdapter(Template).validate_python(content or {})
    except ValidationError as error:
        wrong = [_complaint(one, dict(lines)) for one in error.errors(include_url=False)]
        raise ParameterError(f"{path.name}: {'; '.join(wrong)}.", hint=HINT) from None


def _lines(node: yaml.Node | None, above: str = "") -> list[tuple[str, int]]:
    """The keys of a file, such as columns.Price, and the lines that they stand in."""
    if not isinstance(node, yaml.MappingNode):
        return []
    found = []
    for key, value in node.value:
        name = f"{above}{key.value}"
        found += [(name, key.start_mark.line + 1), *_lines(value, f"{name}.")]
    return found


def _complaint(error: Any, lines: Mapping[str, int]) -> str:
    """Such as `line 3, columns.Preis is 'cost': it should be 'price' or ...`."""
    names = [str(step) for step in error["loc"] if step != "[key]"]
    name = ".".join(names)
    where = f"line {lines[name]}, {name}" if name in lines else name or "the file"
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such key; there are {', '.join(Template.model_fields)}"
    shown = f" is {str(error['input'])[:SHOWN]!r}" if names else ""
    return f"{where}{shown}: {error['msg'].replace('Input should', 'it should')}"


def till_rows(prices: pl.DataFrame, stores: Mapping[str, str], effective: date, template: Template) -> pl.DataFrame:
    """FIELDS, a row per store and code, sorted. prices: a price list; stores: of a chain the zone of each store.

    Raises ReleaseError where the template asks for a price that is not known of a row: a till must not guess.
    """
    blank = [pl.lit(None, pl.Float64).alias(name) for name in EARNED if name not in prices.columns]
    moves = pl.col("optimal_price") != pl.col("current_price")
    listed = prices.with_columns(blank).filter(moves if template.rows == "moves" else pl.lit(True))
    zones = pl.DataFrame([*stores.items()], schema={"of": pl.String, "store": pl.String}, orient="row")
    by_store = listed.join(zones, on="store", how="left", maintain_order="left")
    rows = by_store.with_columns(
        store=pl.coalesce("of", "store"), effective_date=pl.lit(effective), price="optimal_price",
        price_before="current_price",
    )  # fmt: skip
    rows = rows.select(FIELDS).sort("store", "stock_code", nulls_last=True)
    for name in PRICES:
        unknown = rows.filter(pl.col(name).is_null()) if name in template.columns.values() else rows.clear()
        if unknown.height:
            first = unknown.row(0, named=True)
            raise ReleaseError(
                f"{name} is not known of {unknown.height:,} of {rows.height:,} rows (first: {first['stock_code']}): a "
                "price with and one without tax need the rate of tax.",
                hint="name the rates (a column of the sales, or of --products), or take the field price.",
            )
    return rows


def write_till_file(rows: pl.DataFrame, template: Template) -> bytes:
    """The rows as the till wants them: text in the template's locale, or Parquet in types of its own.

    Raises ParameterError for text that the encoding cannot write.
    """
    rounded = [pl.col(name).round(_decimals(name, template)) for name in rows.columns if rows[name].dtype == pl.Float64]
    table = rows.with_columns(rounded).select(pl.col(field).alias(name) for name, field in template.columns.items())
    if template.format == "parquet":
        buffer = io.BytesIO()
        table.write_parquet(buffer)
        return buffer.getvalue()
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=template.signs[0], lineterminator="\r\n")
    if template.header:
        writer.writerow(table.columns)
    fields = list(template.columns.values())
    writer.writerows(
        [_cell(value, field, template) for value, field in zip(row, fields, strict=True)] for row in table.rows()
    )
    try:
        return stream.getvalue().encode(template.encoding)
    except UnicodeEncodeError as error:
        raise ParameterError(
            f"{template.encoding} has no {error.object[error.start]!r}, of a code, store, description or reason.",
            hint="take the encoding utf-8, or leave the column out.",
        ) from None


def _decimals(field: str, template: Template) -> int:
    return FINE if field in ("price_without_tax", "tax_rate") else template.decimals


def _cell(value: Any, field: str, template: Template) -> str:
    _, sign, dates = template.signs
    if isinstance(value, date):
        return value.strftime(dates)
    if isinstance(value, float):
        return f"{value:.{_decimals(field, template)}f}".replace(".", sign)
    return "" if value is None else str(value)
