"""The price list as the table that a merchandiser opens in a spreadsheet."""

from typing import Any

FORMULAS = tuple("=+-@＝＋－＠")  # after spaces too; the wide ones are taken alike where they are typed
BREAKS = ("\t", "\r", "\n")


def as_csv(rows: list[dict[str, Any]]) -> str:
    """A table that a spreadsheet opens; text that it would take for a formula is quoted with an apostrophe."""
    import csv
    import io

    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def harmless(value: Any) -> Any:
    """The value as a cell; text that a spreadsheet could take for a formula gets an apostrophe in front."""
    if not isinstance(value, str) or not value:
        return value
    return f"'{value}" if value[0] in BREAKS or value.lstrip()[:1] in FORMULAS else value
