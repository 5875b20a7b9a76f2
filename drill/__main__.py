"""`python -m drill [--minutes 10] [--seed 1]`: break everything on this machine, and look for what was lost."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from blocks.lake import Lake
from drill.course import Tell, all_faults, drill
from drill.crew import Crew
from drill.faults import Stage
from drill.faulty_lake import BUCKET, FaultyLake, faulty_lake
from drill.machine import ROOT, small_disk
from drill.platform import Platform
from drill.report import write
from drill.scene import UNDELIVERED, Lists, Scene
from drill.weekly import Weekly
from pricewright.release import write_bundle
from tasks.releases import write_release
from testing.asking import Asking, dice
from testing.racing import GATES
from testing.synthetic_release import contents
from testing.weekly_shop import WeeklyShop

WEEKS, RELEASES = 44, 4
MEGABYTES = 600
SERVED, SECOND = f"s3://{BUCKET}/served", f"s3://{BUCKET}/second"


def main() -> None:
    """Exit code 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="of faults, each once at least; start and end take some more"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "drill.md")
    asked = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whatever was started is ended, however the drill ends

    def tell(words: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as folder:
        good = run(Path(folder), asked, tell)
    sys.exit(0 if good else 1)


def run(folder: Path, asked: argparse.Namespace, tell: Tell) -> bool:
    """Build the scene, drill, audit, report; whether nothing was lost."""
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "disk", MEGABYTES))
        lake = stack.enter_context(faulty_lake(asked.seed))
        at = stack.enter_context(staged(folder, lake, asked.seed, disk, tell))
        faults = {name: act for name, act in all_faults(platform=True).items() if asked.only in name}
        weekly = Weekly(at.platform.shop, SERVED, UNDELIVERED)
        at.weekly = weekly
        with weekly:
            outcomes = drill(at, faults, asked.seed, 60 * asked.minutes, tell)
            tell("the time is up: the last weekly run comes to its end")
        audits, sound = finish(at, weekly, tell)
        at.scene.asking.stop()
        done = at.scene.asking.whole
        text = write(asked.out, outcomes, done, weekly.ends, audits, asked.seed, asked.minutes, disk, load)
    print(text)
    return sound and not any(one.lost for one in outcomes.values()) and not at.scene.asking.whole.lost


@contextmanager
def staged(folder: Path, lake: FaultyLake, seed: int, disk: str, tell: Tell) -> Iterator[Stage]:
    """Two workspaces, two lakes, the platform with a first release, the crew, and requests that go on."""
    os.environ.update(lake.environment)
    make_bucket(lake)
    shop, second = WeeklyShop(folder / "shop", WEEKS), WeeklyShop(folder / "disk" / "second", WEEKS)
    for one in (shop, second):
        one.deliver(*one.weeks[: WEEKS - UNDELIVERED])
    rest = Lake(SERVED, lake.environment)
    baked = make_releases(rest, folder / "bundles")
    with ExitStack() as stack:
        platform = stack.enter_context(Platform(shop, SERVED, lake.environment, baked))
        tell("the platform runs; the first weekly run begins")
        first = Weekly(shop, SERVED, UNDELIVERED)
        if first.run():
            raise SystemExit(f"the first weekly run failed: {(shop.root / 'weekly.log').read_text()[-3000:]}")
        own = lake.environment | {"DVC_SITE_CACHE_DIR": str(folder / "dvc-site")}
        crew = stack.enter_context(Crew(folder / "crew", own))
        served = Lists(rest)
        made = sorted({key.split("/")[1] for key in rest.list("releases")})
        codes = sorted({code for release in made for code in served(release) or {}})
        asking = Asking(platform.port, codes, served, seed)
        scene = Scene(second, crew, SECOND, lake, SERVED, made, asking, dice(seed), folder, late_by=UNDELIVERED)
        scene.run()
        tell(f"{len(made)} releases, {len(codes)} SKUs; requests begin")
        with asking:
            yield Stage(scene, platform, None, disk)


def finish(at: Stage, weekly: Weekly, tell: Tell) -> tuple[dict[str, str], bool]:
    """The last runs with nothing broken, and what the auditor says of both lakes."""
    at.scene.lake.become("well")
    weekly.ends.append(weekly.run())
    at.scene.finish()
    tell("the auditor")
    audits, sound = {}, weekly.ends[-1] == 0
    environment = at.scene.lake.environment
    at.scene.shop.checkout.extra = dict(environment)
    for name, checkout, store in (
        ("The lake of the platform", at.platform.checkout, SERVED),
        ("The lake of the second workspace", at.scene.shop.checkout, SECOND),
    ):
        done = checkout.pricewright("audit", "--fresh", "--store", store)
        audits[name] = (done.stdout + done.stderr).strip("\n")
        sound = sound and done.returncode == 0
    return audits, sound


def make_bucket(lake: FaultyLake) -> None:
    """On the S3 of this machine."""
    import boto3

    client = boto3.client("s3", endpoint_url=lake.url, region_name="eu-west-1")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def make_releases(lake: Lake, folder: Path) -> Path:
    """Small releases, alike but for their level, for promotions to choose from; the folder of one of them."""
    for number in range(RELEASES):
        manifest = write_bundle(folder, **contents(level=number / RELEASES, skus=12) | {"gates": GATES})
        write_release(lake, folder, manifest)
    return folder / manifest.id


if __name__ == "__main__":
    main()
