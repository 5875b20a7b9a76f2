"""From files of sales lines to clean transactions: every row is accepted, quarantined with a reason, or a duplicate."""

from pricewright.ingest.in_memory import Ingested, clean, ingest, ingest_frame

__all__ = ["Ingested", "clean", "ingest", "ingest_frame"]
