"""What an audit finds, and the first rule of the house: every row of the source is somewhere, and there once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

NAMED = 3  # rows, files or weeks that a finding lists


def first_of(wrong: Sequence[str]) -> str:
    """The first few of what is wrong, and how many more there are."""
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return f"{'; '.join(wrong[:NAMED])}{more}"


class AuditFinding(NamedTuple):
    """Something that breaks a rule: what, the value seen, the rule, and what to do about it."""

    what: str
    seen: str
    rule: str
    hint: str


def account_for(metrics: Mapping[str, Any], accepted: pl.DataFrame, rejected: pl.DataFrame) -> list[AuditFinding]:
    """Whether read = accepted + quarantined + duplicates, over all files and for each, and no row is in two of them.

    metrics: what the stage ingest counted; accepted, rejected: `source` and `row` of the lines that are there.
    """
    return [*_totals(metrics, accepted, rejected), *_doubled(accepted, rejected), *_files(metrics, accepted, rejected)]


def _totals(metrics: Mapping[str, Any], accepted: pl.DataFrame, rejected: pl.DataFrame) -> Iterator[AuditFinding]:
    for name, rows in (("accepted", accepted.height), ("quarantined", rejected.height)):
        if rows != metrics[name]:
            yield AuditFinding(
                f"{name} rows",
                f"{rows:,}",
                f"the stage ingest counted {metrics[name]:,}",
                "pricewright run makes them.",
            )
    placed = metrics["accepted"] + metrics["quarantined"] + metrics["duplicates"]
    if placed != metrics["rows"]:
        yield AuditFinding(
            "rows of the source",
            f"{placed:,} accepted, quarantined or duplicates",
            f"all {metrics['rows']:,} that were read",
            "read the source once more: pricewright backfill.",
        )


def _doubled(accepted: pl.DataFrame, rejected: pl.DataFrame) -> Iterator[AuditFinding]:
    everything = pl.concat([accepted.select("source", "row"), rejected.select("source", "row")])
    twice = everything.filter(everything.is_duplicated()).unique().sort("source", "row")
    if twice.height:
        first = ", ".join(f"row {row} of {source}" for source, row in twice.head(NAMED).iter_rows())
        yield AuditFinding(
            "rows of the source",
            f"{twice.height:,} are there more than once (first: {first})",
            "a row is accepted or quarantined, and once",
            "read the source once more: pricewright backfill.",
        )


def _files(metrics: Mapping[str, Any], accepted: pl.DataFrame, rejected: pl.DataFrame) -> Iterator[AuditFinding]:
    """A file's duplicates are those of its rows that are nowhere; all files together have as many as were counted."""
    read = {name: int(known["rows"]) for name, known in metrics["read_as"].items()}
    there = pl.concat([accepted.select("source", "row"), rejected.select("source", "row")])
    span = there.group_by("source").agg(pl.len(), reach=pl.col("row").max() - pl.col("row").min() + 1)
    found = {source: (count, reach) for source, count, reach in span.sort("source").iter_rows()}
    for source in sorted(set(found) - set(read)):
        yield AuditFinding(
            source, f"{found[source][0]:,} rows", "only files that were read have rows", "pricewright run reads again."
        )
    for source, rows in sorted(read.items()):
        count, reach = found.get(source, (0, 0))
        if max(count, reach) > rows:
            yield AuditFinding(
                source,
                f"{count:,} rows, over {reach:,} row numbers",
                f"at most the {rows:,} that it has",
                "read the source once more: pricewright backfill.",
            )
    missing = sum(read.values()) - sum(count for count, _ in found.values())
    if missing != metrics["duplicates"]:
        yield AuditFinding(
            "duplicates",
            f"{missing:,} rows of the files are neither accepted nor quarantined",
            f"these are the {metrics['duplicates']:,} duplicates that were counted",
            "read the source once more: pricewright backfill.",
        )
