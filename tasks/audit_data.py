"""Audits data: every row accounted for, every dvc.lock kept, folders byte for byte as a fresh build."""

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import yaml

from blocks.lake import Lake
from pricewright.audit import NAMED, AuditFinding, account_for, first_of
from pricewright.core.errors import LakeError, LedgerError, PricewrightError
from pricewright.partitions import PART
from tasks.feature import FEATURE
from tasks.ingest import INGEST
from tasks.lock import LOCK, files_of, md5_of, outputs, read_lock, read_object
from tasks.stage import do
from tasks.stages import STAGES
from tasks.workspace import ASKED, MARKET, Workspace, configure

LINEAGE_RULE = "what a dvc.lock of the lake names lies in the lake, under its MD5"
LINEAGE_HINT = "pricewright run in a workspace that has the results puts them there again."
FOLDERS = tuple(folder for stage in STAGES.values() for folder in stage.publishes)
MIRROR_RULE = "the lake's folders hold what the newest lock names, and nothing else"
MIRROR_HINT = "pricewright run publishes them again."
SINGLE = ("coming.parquet", "catalog.parquet")  # of the stage feature, in the workspace alone
FRESH_RULE = "what is there is what a fresh build of the source gives, byte for byte"
FRESH_HINT = "the source changed since the last run, or a week is not made of it: pricewright run, then backfill."
METRICS = "work/metrics/ingest.json"


@dataclass(frozen=True)
class Checked:
    """name: what was looked at; words: how much of it; findings: what is wrong, nothing where all is well."""

    name: str
    words: str
    findings: tuple[AuditFinding, ...] = ()


def present(lake: Lake, prefix: str) -> Mapping[str, str]:
    """MD5 of every object below a prefix of the lake, by its key. Raises LakeError when one vanishes meanwhile."""
    found = {}
    for key in sorted(lake.list(prefix)):
        blob = lake.find(key)
        if blob is None:
            raise LakeError(f"{key} vanished while it was looked at.", hint="audit when nothing is at work.")
        found[key] = md5_of(blob.body)
    return found


def check_locks(lake: Lake) -> Checked:
    """One finding per lock that cannot be read, or promises what is not there."""
    weeks = sorted({key.split("/")[1] for key in lake.list("lineage") if key.endswith(f"/{LOCK}")})
    good: set[str] = set()
    findings = tuple(finding for week in weeks for finding in _of(lake, week, good))
    return Checked("lineage", f"{len(weeks)} locks, {len(good):,} objects with their MD5", findings)


def _of(lake: Lake, week: str, good: set[str]) -> list[AuditFinding]:
    """`good`: hashes of what was found as promised; most of it is promised by several locks."""
    what = f"lineage/{week}/{LOCK}"
    try:
        promised = outputs(read_lock(lake, week))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        return [AuditFinding(what, f"{type(error).__name__}: it cannot be read", "it is a dvc.lock", "remove it.")]
    wrong = []
    for path, md5 in sorted(promised.items()):
        try:
            for own in sorted({md5, *files_of(lake, path, md5).values()} - good):
                read_object(lake, own)
                good.add(own)
        except LedgerError as error:
            wrong.append(f"{path}: {error.message}")
    return [AuditFinding(what, first_of(wrong), LINEAGE_RULE, LINEAGE_HINT)] if wrong else []


def check_mirrors(lake: Lake) -> Checked:
    """One finding per folder."""
    promised, files, findings = outputs(read_lock(lake)), 0, []
    for folder in FOLDERS:
        path = f"work/{folder}"
        if path not in promised:
            continue
        try:
            wanted = {key.removeprefix("work/"): md5 for key, md5 in files_of(lake, path, promised[path]).items()}
        except LedgerError as error:
            findings.append(AuditFinding(folder, error.message, MIRROR_RULE, MIRROR_HINT))
            continue
        there = present(lake, folder)
        files += len(there)
        findings += differences(folder, wanted, dict(there), MIRROR_RULE, MIRROR_HINT)
    return Checked("folders", f"{files:,} files of {', '.join(FOLDERS)} as the newest lock names them", tuple(findings))


def differences(what: str, wanted: dict[str, str], there: dict[str, str], rule: str, hint: str) -> list[AuditFinding]:
    """A finding that says which files are missing, altered, or too many; none where there are no such."""
    kinds = {
        "missing": sorted(set(wanted) - set(there)),
        "altered": sorted(key for key in set(wanted) & set(there) if wanted[key] != there[key]),
        "not named": sorted(set(there) - set(wanted)),
    }
    seen = [f"{len(keys)} {kind} (first: {', '.join(keys[:NAMED])})" for kind, keys in kinds.items() if keys]
    return [AuditFinding(what, "; ".join(seen), rule, hint)] if seen else []


def check_fresh(workspace: Workspace, lake: Lake) -> Checked:
    """Build in a folder of its own, with no shelf, then compare with workspace and lake; nothing of them changes."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        try:
            built = _build(workspace, Path(folder))
        except PricewrightError as error:
            return Checked(
                "fresh build", "failed", (AuditFinding("source", error.message, "it can be ingested", error.hint),)
            )
        wanted = _files(built, FOLDERS)
        findings = differences("lake", wanted, _below(lake), FRESH_RULE, FRESH_HINT)
        if (workspace.work / FOLDERS[0]).exists():
            own = {name: digest for name in SINGLE if (digest := _digest(built / name))}
            here = _files(workspace.work, FOLDERS) | {name: _digest(workspace.work / name) for name in own}
            findings += differences("workspace", wanted | own, here, FRESH_RULE, FRESH_HINT)
    return Checked("fresh build", f"{len(wanted):,} files of {', '.join(FOLDERS)} made once more", tuple(findings))


def _build(workspace: Workspace, folder: Path) -> Path:
    (folder / "params.yaml").write_bytes((workspace.root / "params.yaml").read_bytes())
    source = MARKET if workspace.simulated else str(workspace.source.resolve())
    beside = {name: str(path.resolve()) for name in ASKED if (path := workspace.beside(name))}
    made = configure(folder, source, "", workspace.columns, workspace.overrides, beside)
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


def check_rows(lake: Lake) -> Checked:
    """What the stage ingest counted against the partitions of the lake, file by file."""
    md5 = outputs(read_lock(lake)).get(METRICS)
    if md5 is None:
        return Checked("rows", "nothing was ingested yet")
    try:
        metrics = json.loads(read_object(lake, md5))
        accepted, rejected = _rows(lake, "raw"), _rows(lake, "quarantine")
    except (LedgerError, pl.exceptions.PolarsError) as error:
        finding = AuditFinding(
            "rows", str(error).splitlines()[0], "they can be read", "pricewright run makes them again."
        )
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
