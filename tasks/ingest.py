"""Stage ingest: sales lines from the files, or from the simulated market, into weekly partitions and quarantine."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pricewright.simulated
from pricewright.ingest.digests import digest_of
from pricewright.ingest.documents import Document, find_documents
from pricewright.ingest.shelf import key_of
from pricewright.ingest.table import Table
from pricewright.ingest.weekly import Intake
from tasks.progress import Tell
from tasks.read_as import read_as
from tasks.stage import Metrics, Stage
from tasks.workspace import Workspace

MARKET_NAME = "market"


def work(at: Workspace, tell: Tell) -> Metrics:
    """Account for every row; nothing is written when the source cannot be used. Weeks that stay are not made again."""
    documents = source_documents(at)
    whole = open_intake(at).ingest(documents, source_name(at), lambda share, words: tell(0.9 * share, words))
    tell(0.9, "writing the weeks")
    whole.write(at.work / "raw", at.work / "quarantine")
    return dict(whole.counts)


def open_intake(at: Workspace) -> Intake:
    """The ingest of the workspace; its shelf lies outside of what the stage writes, and may be deleted."""
    return Intake(intake_folder(at), at.parameters["ingest"], at.columns)


def intake_folder(at: Workspace) -> Path:
    """Where the shelf is."""
    return at.root / ".pricewright" / "intake"


def source_name(at: Workspace) -> str:
    """What messages call the source."""
    return MARKET_NAME if at.simulated else at.source.name


def source_documents(at: Workspace, *, trust: bool = True) -> list[Document]:
    """The files of the source; the simulated market is one. `trust`: see find_documents."""
    if not at.simulated:
        return find_documents(at.source, intake_folder(at) / "digests.json", trust=trust)
    params = at.parameters["market"]
    here = Path(pricewright.simulated.__file__).parent
    files = [here / "simulated.py", here / "market.py", here / "till.py", *sorted((here / "worlds").glob("*.py"))]
    code = [digest_of(file) for file in files]
    return [Document(MARKET_NAME, key_of(params, code), partial(_simulated, params))]


def _simulated(params: Mapping[str, Any]) -> Iterator[Table]:
    yield Table(MARKET_NAME, pricewright.simulated.simulated_lines(params))


def line(metrics: Metrics) -> str:
    """Every row is somewhere; and how the files were read."""
    said = read_as(metrics["read_as"])
    return (
        f"{metrics['rows']:,} rows: {metrics['accepted']:,} accepted, {metrics['quarantined']:,} quarantined, "
        f"{metrics['duplicates']:,} duplicates"
    ) + (f"\n{said}" if said else "")


INGEST = Stage("ingest", work, line, publishes=("raw", "quarantine"))
