"""How a source was read, in one line: what had to be found out of its files, and may have been found out wrong."""

from collections.abc import Mapping
from typing import Any

DECIMALS = {"1.234,50": "decimal comma", "1,234.50": "decimal point"}
ORDERS = {"%d": "days first", "%m": "months first", "%Y": "years first"}


def read_as(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """`tables` is what the counts have under `read_as`; empty where the types of the files said it all."""
    said: dict[str, None] = {}
    for facts in (_facts(table) for table in tables.values() if "columns" in table):
        said |= dict.fromkeys(facts)
    return f"read as: {', '.join(said)}" if said else ""


def _facts(table: Mapping[str, Any]) -> list[str]:
    layout, *more = str(table["dates"]).split(" (", 1)
    order = ORDERS.get(layout[:2], "")
    found = [
        " ".join(_sign(table)),
        " (".join([order, *more]) if order else "",
        str(table.get("encoding", "")),
        f"header in row {table['header_row']}" if "header_row" in table else "",
        str(table.get("currency", "")),
        f"prices from the totals in {table['columns']['line_total']}" if "line_total" in table["columns"] else "",
    ]
    return [fact for fact in found if fact]


def _sign(table: Mapping[str, Any]) -> list[str]:
    """The sign before decimals, and that it is a guess where it is one."""
    sign = DECIMALS.get(table.get("numbers", ""), "")
    return [sign, *([f"({table['assumed']})"] if "assumed" in table else [])]
