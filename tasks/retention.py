"""Retention: the lake keeps its newest releases, and all that a channel serves or may roll back to."""

from blocks.channel import pointed
from blocks.hold import Clock, ReleaseInUse, condemned
from blocks.lake import Lake
from pricewright.core.errors import ParameterError, ReleaseError
from pricewright.core.release.manifest import MANIFEST
from tasks.releases import read_manifest


def retain(lake: Lake, keep: int, by: str, clock: Clock) -> list[str]:
    """Remove what is older than the newest `keep` releases, and return the ids; blocks/hold.py says why that is safe.

    A release whose manifest cannot be read is left alone: whoever wrote it may be newer than this code.
    """
    if keep < 1:
        raise ParameterError(f"promote.keep_releases is {keep}: at least 1 release must be kept.")
    needed = pointed(lake)
    return [release for release in _old(lake, keep) if release not in needed and _remove(lake, release, by, clock)]


def _old(lake: Lake, keep: int) -> list[str]:
    """Beyond the newest; and what a killed upload or removal left: files without a manifest."""
    keys = lake.list("releases")
    folders = {key.split("/")[1] for key in keys}
    whole = {release for release in folders if f"releases/{release}/{MANIFEST}" in keys}
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
    place = f"releases/{release}"
    try:
        with condemned(lake, release, by, clock) as alone:
            if release in pointed(lake):
                return False
            alone.check()
            lake.remove(f"{place}/{MANIFEST}")
            lake.remove_below(f"reports/{release}")  # before the files: these are what a killed removal is known by
            lake.remove_below(place)
            alone.forget()
    except ReleaseInUse:
        return False
    return True
