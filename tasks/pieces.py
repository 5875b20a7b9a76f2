"""The pieces of a backfill that any worker can do: paths, names and parameters go there, numbers come back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pricewright.ingest.documents import Document
from pricewright.ingest.job import load_job
from pricewright.ingest.notation import Signs
from pricewright.ingest.week import RAW
from pricewright.ingest.weekly import Intake
from tasks.journal import Journal


@dataclass(frozen=True)
class Place:
    """Where an intake is, and with which parameters and columns."""

    folder: Path
    params: Mapping[str, Any]
    columns: Mapping[str, str]

    def open(self) -> Intake:
        """The intake itself."""
        return Intake(self.folder, self.params, self.columns)


class ReadPiece:
    """A document to be read."""

    def __init__(self, at: Place, document: Document, balance: int, signs: Signs) -> None:
        self.at, self.document, self.balance, self.signs = at, document, balance, signs

    def __str__(self) -> str:
        return self.document.name


class WeekPiece:
    """A week to be made, by the job that the journal has of it."""

    def __init__(self, at: Place, journal: Path, week: str) -> None:
        self.at, self.journal, self.week = at, journal, week

    def __str__(self) -> str:
        return self.week


def read_document(piece: ReadPiece) -> int:
    """Read a document and sort its lines into weeks; returns its rows."""
    entry = piece.at.open().read(piece.document, piece.balance, piece.signs)
    return sum(int(table["rows"]) for table in entry.index["tables"])


def make_week(piece: WeekPiece) -> dict[str, Any]:
    """Make a week and write down that it is done."""
    began, journal = time.time(), Journal(piece.journal)
    job = load_job(journal.job(piece.week))
    entry = piece.at.open().build([job], [])[piece.week]
    counted = {name: entry.index["counts"][name] for name in ("accepted", "quarantined", "duplicates")}
    result = {"week": job.week, "key": job.key, **counted, "digest": entry.files.get(RAW, "")}
    result |= {"began": began, "ended": time.time()}
    journal.write(piece.week, result)
    return result
