"""Whether a source still has the weeks that are asked for, and the rows that were there before."""

from collections.abc import Sequence

from pricewright.core.errors import SourceError
from pricewright.ingest.survey import Survey
from pricewright.partitions import UNKNOWN
from tasks.present import Weeks

NAMED = 5  # weeks and files that a message lists


def check_range(found: Survey, before: Weeks, wanted: Sequence[str]) -> None:
    """Raises SourceError when a week lies before the source's first or after its last one, and never was known."""
    there = [week for week in found.weeks if week != UNKNOWN]
    outside = [week for week in wanted if not there or not there[0] <= week <= there[-1]]
    outside = [week for week in outside if week not in before]
    if outside:
        span = f"it has {there[0]} to {there[-1]}" if there else "it has no line with a date"
        raise SourceError(f"the source has no {_named(outside)}: {span}.", "nothing was changed; name weeks it has.")


def check_vanished(found: Survey, before: Weeks, wanted: Sequence[str], *, drop: bool) -> None:
    """Raises SourceError when the source has lost rows with a file that is gone, or all rows of a week."""
    names = {table.name for table in found.tables}
    lost = []
    for week, had in before.items():
        tables = found.weeks.get(week, [])
        rows = sum(int(table.known["weeks"][week]["rows"]) for table in tables)
        gone = [name for name in had["files"] if name not in names]
        if (rows == 0 or gone) and rows < max(had["accepted"] + had["quarantined"], 1):
            files = f" ({', '.join(gone[:NAMED])} is gone)" if gone else ""
            lost.append(f"{week}: {had['accepted'] + had['quarantined']:,} rows before, {rows:,} now{files}")
    if lost and not drop:
        more = f" and {len(lost) - NAMED} more weeks" if len(lost) > NAMED else ""
        raise SourceError(
            f"rows have vanished from the source: {'; '.join(lost[:NAMED])}{more}.",
            "nothing was changed. Put the files back, or drop the rows knowingly: --drop-vanished.",
        )


def _named(weeks: Sequence[str]) -> str:
    return weeks[0] if len(weeks) == 1 else f"{weeks[0]} to {weeks[-1]}"
