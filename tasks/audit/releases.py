"""Every release of the lake has its files with their sha256, loads as the price API does, and answers as it lists."""

from blocks.channel import pointed
from blocks.lake import Lake
from pricewright.audit import Finding
from pricewright.core.errors import LakeError, PricewrightError
from pricewright.core.release.manifest import MANIFEST
from tasks.audit.checked import Checked
from tasks.releases import verify_release
from tasks.smoke import smoke_test

SKUS = 3  # that each release is asked for


def check_releases(lake: Lake) -> Checked:
    """A release is there when its manifest is; what a killed writer left of others is retention's to remove."""
    ids = sorted({key.split("/")[1] for key in lake.list("releases") if key.endswith(f"/{MANIFEST}")})
    findings, files = [], 0
    for release in ids:
        try:
            files += len(verify_release(lake, release).files)
            smoke_test(lake, release, SKUS)
        except PricewrightError as error:
            findings.append(_finding(lake, release, error))
    return Checked("releases", f"{len(ids)} releases, {files} files with their sha256", tuple(findings))


def _finding(lake: Lake, release: str, error: PricewrightError) -> Finding:
    served = "; a channel needs it" if release in _pointed(lake) else ""
    return Finding(
        f"release {release}",
        f"{error.message}{served}",
        "a release has its files unaltered, loads, and answers as its price list says",
        error.hint or "promote the release again, or roll back to another.",
    )


def _pointed(lake: Lake) -> set[str]:
    try:
        return pointed(lake)
    except LakeError:  # the check of the channels says so
        return set()
