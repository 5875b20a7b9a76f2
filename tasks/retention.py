"""Retention: the lake keeps the newest releases, what channels need, and what their lineage names."""

from datetime import datetime, timedelta

import yaml

from blocks.channel import needed, pointed
from blocks.lake import Lake
from blocks.lease import Clock, ReleaseInUse, marked_for_deletion
from pricewright.core.errors import LedgerError, ParameterError, ReleaseError
from pricewright.core.manifest import MANIFEST, release_key
from tasks.lock import LOCK, files_of, object_key, outputs, read_lock
from tasks.releases import read_manifest

UNNAMED = timedelta(days=7)  # a run pushes what it made minutes before its lock


def retain(lake: Lake, keep: int, by: str, clock: Clock) -> list[str]:
    """Remove what is older than the newest `keep` releases, and return the ids.

    Channel.move says why it is safe. With them goes what DVC kept for them alone. A release whose manifest cannot be
    read is left alone: its writer may be newer than this code.
    """
    if keep < 1:
        raise ParameterError(f"promote.keep_releases is {keep}: at least 1 release must be kept.")
    served = needed(lake, clock())
    removed = [release for release in _old(lake, keep) if release not in served and _remove(lake, release, by, clock)]
    if removed:
        collect(lake, keep, clock())
    return removed


def _old(lake: Lake, keep: int) -> list[str]:
    """Beyond the newest; and what a killed upload or removal left: files without a manifest."""
    keys = lake.list("releases")
    folders = {key.split("/")[1] for key in keys}
    whole = {release for release in folders if release_key(release, MANIFEST) in keys}
    ages = {release: age for release in sorted(whole) if (age := _created(lake, release))}
    newest = sorted(ages, key=lambda release: (ages[release], release), reverse=True)
    return [*sorted(folders - whole), *newest[keep:]]


def _created(lake: Lake, release: str) -> str:
    try:
        return read_manifest(lake, release).created
    except ReleaseError:
        return ""


def _remove(lake: Lake, release: str, by: str, clock: Clock) -> bool:
    """Whether it is gone now: not while somebody holds it, nor when a channel points to it after all."""
    prefix = release_key(release)
    try:
        with marked_for_deletion(lake, release, by, clock) as alone:
            if release in needed(lake, clock()):
                return False
            alone.check()
            if not _take_manifest(lake, release):
                return False
            lake.remove_below(f"reports/{release}")  # before the files: these are what a killed removal is known by
            lake.remove_below(prefix)
            alone.forget()
    except ReleaseInUse:
        return False
    return True


def _take_manifest(lake: Lake, release: str) -> bool:
    """Remove the manifest, and put it back when a channel points there by now: see Channel.move."""
    key = release_key(release, MANIFEST)
    manifest = lake.find(key)
    try:
        lake.remove(key)
    finally:  # also where the reply was lost
        needed_after_all = release in pointed(lake)
        if needed_after_all and manifest is not None:
            lake.write_new(key, manifest.body)
    return not needed_after_all


def collect(lake: Lake, keep: int, now: datetime) -> int:
    """Remove locks of weeks of which no release is left, and what no lock names any more; returns how many objects.

    The newest `keep` weeks keep their lock. What was put there within UNNAMED may belong to a run that has not
    published its lock yet. Nothing goes where a lock or a listing cannot be read.
    """
    weeks = sorted({key.split("/")[1] for key in lake.list("lineage") if key.endswith(f"/{LOCK}")})
    released = {key.split("/")[1].rpartition("-")[0] for key in lake.list("releases")}
    old = [week for week in weeks[:-keep] if week not in released]
    try:
        named = {object_key(md5) for week in weeks if week not in old for md5 in _named(lake, week)}
    except (LedgerError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return 0
    lake.remove(*(f"lineage/{week}/{LOCK}" for week in old))
    there = lake.changed("dvc/files/md5")
    gone = [key for key, changed in sorted(there.items()) if key not in named and now - changed > UNNAMED]
    lake.remove(*gone)
    return len(gone)


def _named(lake: Lake, week: str) -> set[str]:
    """All hashes that a week's lock names, those in the listings of its folders too."""
    promised = outputs(read_lock(lake, week))
    return {each for path, md5 in promised.items() for each in (md5, *files_of(lake, path, md5).values())}
