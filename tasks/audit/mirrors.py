"""The lake's folders raw, quarantine and panel are those that the newest dvc.lock names, file by file."""

from blocks.lake import Lake
from pricewright.audit import NAMED, Finding
from pricewright.core.errors import LedgerError
from tasks.audit.checked import Checked
from tasks.audit.ledgers import files_of, outputs, present
from tasks.lock import read_lock
from tasks.stages import STAGES

FOLDERS = tuple(folder for stage in STAGES.values() for folder in stage.publishes)
RULE = "the lake's folders hold what the newest lock names, and nothing else"
HINT = "pricewright run publishes them again."


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
            findings.append(Finding(folder, error.message, RULE, HINT))
            continue
        there = present(lake, folder)
        files += len(there)
        findings += differences(folder, wanted, dict(there), RULE, HINT)
    return Checked("folders", f"{files:,} files of {', '.join(FOLDERS)} as the newest lock names them", tuple(findings))


def differences(what: str, wanted: dict[str, str], there: dict[str, str], rule: str, hint: str) -> list[Finding]:
    """A finding that says which files are missing, altered, or too many; none where there are no such."""
    kinds = {
        "missing": sorted(set(wanted) - set(there)),
        "altered": sorted(key for key in set(wanted) & set(there) if wanted[key] != there[key]),
        "not named": sorted(set(there) - set(wanted)),
    }
    seen = [f"{len(keys)} {kind} (first: {', '.join(keys[:NAMED])})" for kind, keys in kinds.items() if keys]
    return [Finding(what, "; ".join(seen), rule, hint)] if seen else []
