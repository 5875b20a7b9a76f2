"""Exports whose habits are known, recognised by their columns: which codes are no products, which invoices take back.

A parameter that is given holds for every file. One that is null is the schema's, or of no schema the general one.
"""

from collections.abc import Mapping
from typing import Any

from pricewright.core.errors import ParameterError
from pricewright.ingest.columns import has_columns
from pricewright.ingest.equal_rows import COPIES, LINES
from pricewright.ingest.table import Table

GENERAL: dict[str, Any] = {"not_products": [], "cancellation_invoice": "", "equal_rows": LINES}


def schema_of(table: Table, params: Mapping[str, Any]) -> str:
    """The name of the schema of which the table has every column, empty where there is none."""
    return next((name for name, known in params["schemas"].items() if has_columns(table, known["columns"])), "")


def with_habits(params: Mapping[str, Any], schema: str = "") -> dict[str, Any]:
    """The parameters, those of GENERAL that are null filled in. Raises ParameterError where one is of another kind."""
    habits = GENERAL | {name: habit for name, habit in params["schemas"].get(schema, {}).items() if name in GENERAL}
    filled = {**params, **{name: habit for name, habit in habits.items() if params[name] is None}}
    if not isinstance(filled["not_products"], list):
        raise ParameterError(
            f"ingest.not_products is {filled['not_products']!r}: it must be a list of patterns.",
            hint="write ingest.not_products=[POST, BAG].",
        )
    if filled["equal_rows"] not in (LINES, COPIES):
        raise ParameterError(f"ingest.equal_rows is {filled['equal_rows']!r}: it must be {LINES} or {COPIES}.")
    return filled
