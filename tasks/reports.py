"""The gates' reports of a release in the lake: Evidently's page and the pictures of fairness, for its reviewer."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from blocks.lake import Lake
from tasks.workspace import Workspace

REPORTS = {
    "drift.html": "drift/report.html",
    "price_changes.png": "proof/price_changes.png",
    "parity.png": "fairness/parity.png",
    "attributions.png": "fairness/attributions.png",
}
NAMES = {
    "drift.html": "drift (Evidently)",
    "price_changes.png": "past price changes against the curves",
    "parity.png": "parity over segments",
    "attributions.png": "attributions (SHAP)",
}
URL = "PRICEWRIGHT_REPORTS_URL"  # where the lake's folder reports/ is served, if anywhere


def publish_reports(at: Workspace, lake: Lake, release: str) -> list[str]:
    """Put the reports that the stages left beside the release; returns their names."""
    with tempfile.TemporaryDirectory() as folder:
        there = [name for name, path in REPORTS.items() if (at.work / path).exists()]
        for name in there:
            shutil.copyfile(at.work / REPORTS[name], Path(folder) / name)
        lake.publish_folder(f"reports/{release}", Path(folder))
    return there


def report_links(lake: Lake, release: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each report of a release can be seen, by what it shows."""
    base = environment.get(URL, "").rstrip("/") or f"{lake.url.rstrip('/')}/reports"
    keys = lake.list(f"reports/{release}")
    return {words: f"{base}/{release}/{name}" for name, words in NAMES.items() if f"reports/{release}/{name}" in keys}
