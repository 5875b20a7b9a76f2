"""The price list as the table that a merchandiser opens in a spreadsheet."""

from typing import Any


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
    """The value as a cell; text that starts like a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
