"""Stage ingest: sales lines from the file, or from the simulated market, into weekly partitions and quarantine."""

import polars as pl

from demand.ingest import Ingested, ingest, ingest_frame
from demand.market import simulate
from demand.partitions import write_partitions
from tasks.progress import Tell
from tasks.stage import Metrics, Stage
from tasks.workspace import Workspace


def work(at: Workspace, tell: Tell) -> Metrics:
    """Account for every row; nothing is written when the file cannot be used."""
    found = _read(at, tell)
    tell(0.8, "writing the weeks")
    write_partitions(found.accepted, at.work / "raw", "invoice_time")
    write_partitions(found.quarantined, at.work / "quarantine", "invoice_time")
    return dict(found.counts)


def _read(at: Workspace, tell: Tell) -> Ingested:
    params = at.parameters
    if not at.simulated:
        tell(0.0, f"reading {at.source.name}")
        return ingest(at.source, params["ingest"], at.columns)
    tell(0.0, "simulating the market")
    lines: pl.DataFrame = simulate(params["market"]).transactions(params["market"])
    tell(0.4, "cleaning")
    return ingest_frame(lines, params["ingest"], at.columns, source="market")


def line(metrics: Metrics) -> str:
    """Every row is somewhere."""
    return (
        f"{metrics['rows']:,} rows: {metrics['accepted']:,} accepted, {metrics['quarantined']:,} quarantined, "
        f"{metrics['duplicates']:,} duplicates"
    )


INGEST = Stage("ingest", work, line, publishes=("raw", "quarantine"))
