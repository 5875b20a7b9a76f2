"""Every row of the source is accepted, quarantined or a duplicate, in the lake as the newest lock describes it."""

import io
import json

import polars as pl

from blocks.lake import Lake
from pricewright.audit import Finding, account_for
from pricewright.core.errors import LedgerError
from pricewright.partitions import PART
from tasks.audit.checked import Checked
from tasks.audit.ledgers import outputs, read_object
from tasks.lock import read_lock

METRICS = "work/metrics/ingest.json"


def check_rows(lake: Lake) -> Checked:
    """What the stage ingest counted against the partitions of the lake, file by file."""
    md5 = outputs(read_lock(lake)).get(METRICS)
    if md5 is None:
        return Checked("rows", "nothing was ingested yet")
    try:
        metrics = json.loads(read_object(lake, md5))
        accepted, rejected = _rows(lake, "raw"), _rows(lake, "quarantine")
    except (LedgerError, pl.exceptions.PolarsError) as error:
        finding = Finding("rows", str(error).splitlines()[0], "they can be read", "pricewright run makes them again.")
        return Checked("rows", "unreadable", (finding,))
    words = (
        f"{metrics['rows']:,} of {len(metrics['read_as'])} files: {metrics['accepted']:,} accepted, "
        f"{metrics['quarantined']:,} quarantined, {metrics['duplicates']:,} duplicates"
    )
    return Checked("rows", words, tuple(account_for(metrics, accepted, rejected)))


def _rows(lake: Lake, folder: str) -> pl.DataFrame:
    """`source` and `row` of all lines of a folder of week partitions."""
    frames = [pl.DataFrame(schema={"source": pl.String, "row": pl.Int64})]
    for key in sorted(key for key in lake.list(folder) if key.endswith(f"/{PART}")):
        body = io.BytesIO(lake.read(key).body)
        frames.append(pl.read_parquet(body, columns=["source", "row"], hive_partitioning=False))
    return pl.concat([frame.select(pl.col("source"), pl.col("row").cast(pl.Int64)) for frame in frames])
