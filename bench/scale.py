"""`python -m bench.scale`: what sales lines and SKUs cost, from a million to hundreds; written to docs/scaling.md.

Sizes that an earlier run measured stay in docs/scaling.json until they are measured again.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bench import by_rows, by_skus
from bench.scale_page import write_page
from testing import report

ROOT = Path(__file__).parents[1]
ROWS, SKUS = (5_000_000, 50_000_000, 200_000_000), (1_000, 10_000, 100_000)
MARKET = {"skus": 50_000, "weeks": 157, "first_week": "2023-01-02", "cut_off_days": 0}  # three years and a week
TRAINED_WEEKS = 53


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one size after the other, and write the page after each."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--rows", type=_numbers, default=ROWS, help="sales lines, such as 5e6,50e6; 0: none")
    parser.add_argument("--skus", type=_numbers, default=SKUS, help="SKUs to train on, such as 1000,10000; 0: none")
    parser.add_argument("--work", type=Path, default=None, help="where it may write; default: the system's folder")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "scaling.md")
    options = parser.parse_args(arguments)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for rows in filter(None, options.rows):
            _room(Path(folder), rows)
            own = {**params, "market": params["market"] | MARKET, "rows": rows}
            _keep(options.out, "rows", rows, by_rows.measure(Path(folder) / f"rows-{rows}", own))
        for skus in filter(None, options.skus):
            market = params["market"] | MARKET | {"skus": skus, "weeks": TRAINED_WEEKS}
            found = by_skus.measure(Path(folder) / f"skus-{skus}", {**params, "market": market})
            _keep(options.out, "skus", skus, found)


def _keep(page: Path, kind: str, key: int, found: dict[str, Any]) -> None:
    kept = page.with_suffix(".json")
    known = json.loads(kept.read_text()) if kept.exists() else {}
    found |= {"machine": report.describe(code=False), "date": str(date.today()), "load": round(os.getloadavg()[1], 1)}
    known.setdefault(kind, {})[str(key)] = found
    kept.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    write_page(page, known)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(float(part)) for part in text.split(","))


BYTES_A_ROW, BYTES_OF_PANEL = 150, 6_000_000_000  # files, shelves and partitions of a line; of 50,000 SKUs


def _room(folder: Path, rows: int) -> None:
    """Raise SystemExit where the disk would fill up."""
    needed, free = rows * BYTES_A_ROW + BYTES_OF_PANEL, shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"{rows:,} rows take about {needed / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free: --work."
        )


if __name__ == "__main__":
    main()
