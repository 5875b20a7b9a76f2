"""Transactions, quarantine and panel are, byte for byte, those of a fresh build from the same source."""

import tempfile
from pathlib import Path

from blocks.lake import Lake
from pricewright.audit import Finding
from pricewright.core.errors import PricewrightError
from tasks.audit.checked import Checked
from tasks.audit.ledgers import md5_of, present
from tasks.audit.mirrors import FOLDERS, differences
from tasks.feature import FEATURE
from tasks.ingest import INGEST
from tasks.stage import do
from tasks.workspace import MARKET, Workspace, configure

SINGLE = ("coming.parquet", "catalog.parquet")  # of the stage feature, in the workspace alone
RULE = "what is there is what a fresh build of the source gives, byte for byte"
HINT = "the source changed since the last run, or a week is not made of it: pricewright run, then backfill."


def check_fresh(workspace: Workspace, lake: Lake) -> Checked:
    """Build in a folder of its own, with no shelf, then compare with workspace and lake; nothing of them changes."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        try:
            built = _build(workspace, Path(folder))
        except PricewrightError as error:
            return Checked(
                "fresh build", "failed", (Finding("source", error.message, "it can be ingested", error.hint),)
            )
        wanted = _files(built, FOLDERS)
        findings = differences("lake", wanted, _below(lake), RULE, HINT)
        if (workspace.work / FOLDERS[0]).exists():
            own = {name: digest for name in SINGLE if (digest := _digest(built / name))}
            here = _files(workspace.work, FOLDERS) | {name: _digest(workspace.work / name) for name in own}
            findings += differences("workspace", wanted | own, here, RULE, HINT)
    return Checked("fresh build", f"{len(wanted):,} files of {', '.join(FOLDERS)} made once more", tuple(findings))


def _build(workspace: Workspace, folder: Path) -> Path:
    (folder / "params.yaml").write_bytes((workspace.root / "params.yaml").read_bytes())
    source = MARKET if workspace.simulated else str(workspace.source.resolve())
    made = configure(folder, source, "", workspace.columns, workspace.overrides)
    for stage in (INGEST, FEATURE):
        do(stage, made)
    return made.work


def _files(work: Path, folders: tuple[str, ...]) -> dict[str, str]:
    paths = [path for name in folders for path in sorted((work / name).rglob("*.parquet"))]
    return {path.relative_to(work).as_posix(): _digest(path) for path in paths}


def _digest(path: Path) -> str:
    return md5_of(path.read_bytes()) if path.exists() else ""


def _below(lake: Lake) -> dict[str, str]:
    return {key: md5 for folder in FOLDERS for key, md5 in present(lake, folder).items()}
