"""What a backfill is asked for: which weeks, from which source, and what to do when they are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pricewright.core.errors import ParameterError
from pricewright.partitions import iso_week
from pricewright.weeks import monday_of


@dataclass(frozen=True)
class Order:
    """What a backfill is asked for; see flows/request.py for each field."""

    first_week: str
    last_week: str
    max_parallel: int = 4
    stages: tuple[str, ...] = ("ingest", "feature")
    walk_forward: bool = False
    drop_vanished: bool = False
    source: str = ""
    store: str = ""
    columns: Mapping[str, str] | None = None
    parameters: Mapping[str, Any] | None = None

    @property
    def weeks(self) -> list[str]:
        """All weeks from the first to the last. Raises ParameterError when they are none."""
        day, last = monday_of(self.first_week), monday_of(self.last_week)
        if day > last:
            raise ParameterError(f"{self.first_week} comes after {self.last_week}.", "the first week comes first.")
        return [iso_week(day + timedelta(weeks=n)) for n in range((last - day).days // 7 + 1)]
