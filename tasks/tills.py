"""Prices of a release as a file that tills read: which release, which stores, and from which day on."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.arrays import unpack
from pricewright.core.content import STORES
from pricewright.core.errors import ReleaseError
from pricewright.core.manifest import CATALOG, PRICE_LIST, release_key
from pricewright.tills import Template, till_rows, write_till_file
from tasks.pages import read_price_list
from tasks.prefect_tasks import as_action, leave_page
from tasks.releases import read_manifest


@dataclass(frozen=True)
class TillFile:
    """body: the file; rows: of how many prices; effective: from which day on they hold."""

    body: bytes
    release: str
    rows: int
    effective: date


@as_action
def make_till_file(
    lake: Lake, template: Template, channel: str = "production", release: str = "", effective: date | None = None
) -> TillFile:
    """The till file of a release; empty: of the one that the channel serves. effective: the Monday after the release's
    last week, if no other day is named. Raises ReleaseError when there is none, or a price of it is not known."""
    release = release or _served(lake, channel)
    manifest = read_manifest(lake, release)
    bodies = {name: lake.read(release_key(release, name)).body for name in (PRICE_LIST, CATALOG)}
    for name, body in bodies.items():
        manifest.check(name, body)
    day = effective or _coming(manifest.week)
    rows = till_rows(read_price_list(bodies[PRICE_LIST]), _zones(unpack(bodies[CATALOG], CATALOG)), day, template)
    made = TillFile(write_till_file(rows, template), release, rows.height, day)
    leave_page("till-file", f"{made.rows:,} prices of {release} for the tills, from {day}", {"release": release})
    return made


def _served(lake: Lake, channel: str) -> str:
    pointer = Channel(lake, channel).read()
    if pointer is None:
        raise ReleaseError(f"{channel} of {lake.url} serves nothing yet.", hint="pricewright run, or name a --release.")
    return pointer.release


def _zones(catalog: dict[str, Any]) -> dict[str, str]:
    """The zone of each store, of a chain whose prices differ by store."""
    if STORES[0] not in catalog:
        return {}
    return dict(zip(*(catalog[name].tolist() for name in STORES), strict=True))


def _coming(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1) + timedelta(weeks=1)
