"""What is deployed at a stage. The alias and the channel's pointer say it; no record beside them could be wrong."""

from dataclasses import dataclass

from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lambda_release import LambdaRelease
from tasks.action import leave_page
from tasks.plan import Plan


@dataclass(frozen=True)
class Share:
    """A version, the share of the requests that it gets, and its label: image, who deployed it, who approved."""

    version: str
    share: float
    label: str


@dataclass(frozen=True)
class Deployed:
    """`versions` is empty while there is no alias; `previous` is the version before, `release` what is served."""

    stage: str
    function: str
    versions: tuple[Share, ...]
    previous: str
    release: str
    release_before: str

    def rows(self) -> dict[str, str]:
        """What to show, by name."""
        versions = {
            f"version {one.version}": f"{one.share:.0%} of the requests, {one.label or 'not published by pricewright'}"
            for one in self.versions
        }
        about = {"stage": self.stage, "function": self.function}
        return about | versions | {
            "version before": self.previous or "none",
            "release": self.release or "none",
            "release before": self.release_before or "none",
        }  # fmt: skip


def read_deployed(stage: str, function: LambdaRelease, lake: Lake) -> Deployed:
    """What the alias and the channel say."""
    traffic, pointer = function.traffic(), Channel(lake, stage).read()
    shares: dict[str, float] = {}
    if traffic:
        shares = {traffic.version: 1 - sum(traffic.others.values())} | dict(traffic.others)
    versions = tuple(Share(version, share, function.label(version)) for version, share in shares.items())
    previous = traffic.previous if traffic else ""
    release, before = (pointer.release, pointer.previous or "") if pointer else ("", "")
    return Deployed(stage, function.function, versions, previous, release, before)


def report(plan: Plan) -> Deployed:
    """What is deployed now, as the run's page."""
    found = read_deployed(plan.stage, plan.function, plan.lake)
    leave_page("deployed", f"{found.stage} serves {found.release}", found.rows())
    return found
