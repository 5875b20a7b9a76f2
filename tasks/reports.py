"""The gates' reports of a release in the lake, for its reviewer: Evidently's page, the pictures."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from blocks.lake import Lake
from tasks.gates import GATES
from tasks.workspace import Workspace

URL = "PRICEWRIGHT_REPORTS_URL"  # where the lake's folder reports/ is served, if anywhere


def report_files() -> dict[str, str]:
    """Where each report lies below work/, by its name beside a release."""
    return {report.published: f"{gate.name}/{report.file}" for gate in GATES.values() for report in gate.reports}


def publish_reports(at: Workspace, lake: Lake, release: str) -> list[str]:
    """Put the reports that the stages left beside the release; returns their names."""
    with tempfile.TemporaryDirectory() as folder:
        there = {name: at.work / path for name, path in report_files().items() if (at.work / path).exists()}
        for name, path in there.items():
            shutil.copyfile(path, Path(folder) / name)
        lake.publish_folder(f"reports/{release}", Path(folder))
    return list(there)


def report_links(lake: Lake, release: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each report of a release can be seen, by what it shows."""
    base = environment.get(URL, "").rstrip("/") or f"{lake.url.rstrip('/')}/reports"
    keys = lake.list(f"reports/{release}")
    titles = {report.published: report.title for gate in GATES.values() for report in gate.reports}
    return {words: f"{base}/{release}/{name}" for name, words in titles.items() if f"reports/{release}/{name}" in keys}
