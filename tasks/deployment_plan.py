"""What a deployment plans: which image and release go where, what is deployed now, what was permitted."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from blocks.approval_key import load_approval_key
from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lambda_release import DIGEST, LambdaRelease
from pricewright.core.errors import ApprovalError, DeploymentError, ParameterError
from pricewright.release.approval import Approval
from tasks.decisions import begin, finish, need_reason, subject_of
from tasks.gates import warned
from tasks.prefect_tasks import leave_page
from tasks.releases import read_manifest

STAGES = ("staging", "production")


@dataclass(frozen=True)
class Limits:
    """`weight`: share of the requests that a new version gets first; `watch`: seconds it is watched, each time;
    `errors`: the largest share of its calls that may fail; `skus`: how many prices it is asked for."""

    weight: float = 0.1
    watch: float = 180.0
    errors: float = 0.01
    skus: int = 3

    def __post_init__(self) -> None:
        rules = {
            "weight": 0 < self.weight < 1,
            "watch": self.watch >= 0,
            "errors": 0 <= self.errors < 1,
            "skus": self.skus > 0,
        }
        for name, good in rules.items():
            if not good:
                raise ParameterError(f"{name} is {getattr(self, name)}: a share lies between 0 and 1, a count above 0.")


@dataclass(frozen=True)
class Plan:
    """`image` or `release` is empty where it stays as it is; the channel is called as the stage."""

    stage: str
    function: LambdaRelease
    lake: Lake
    image: str
    release: str
    limits: Limits
    by: str
    variables: Mapping[str, str] = field(repr=False)
    approval: Approval | None = None
    signing_key: str = ""  # of the build, as cosign names it: awskms:///...; empty: the signature is not looked at

    @property
    def channel(self) -> Channel:
        """Where the stage's function looks up its release."""
        return Channel(self.lake, self.stage)

    @property
    def label(self) -> str:
        """What a version carries: the image's digest, who deployed it, who approved."""
        approved = f", approved by {self.approval.reviewer}" if self.approval else ""
        return f"{self.image.partition('@')[2]} by {self.by}{approved}"


def make_plan(
    stage: str,
    image: str,
    release: str,
    store: str,
    by: str,
    limits: Limits,
    function: LambdaRelease | None = None,
    redis_url: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Plan:
    """A plan whose parts fit together. Raises ParameterError for those that do not."""
    if stage not in STAGES:
        raise ParameterError(f"there is no stage {stage!r}.", hint=f"the stages are {', '.join(STAGES)}.")
    if image and not re.fullmatch(DIGEST, image):
        raise ParameterError(
            f"image {image!r} is not given by its digest: a tag may name another image tomorrow.",
            hint="give repository@sha256:..., as the build pushed it.",
        )
    if not image and not release:
        raise ParameterError("there is nothing to deploy: neither an image nor a release is given.")
    if urlsplit(store).scheme != "s3":
        raise ParameterError(f"the lake is {store}: a Lambda function reads from s3://bucket/prefix.", hint="--store.")
    lake = Lake(store, environment)
    variables = {"PRICEWRIGHT_STORE": store, "PRICEWRIGHT_CHANNEL": stage}
    given = {"PRICEWRIGHT_REDIS_URL": redis_url, "PRICEWRIGHT_S3_ENDPOINT": environment.get("PRICEWRIGHT_S3_ENDPOINT")}
    variables |= {name: value for name, value in given.items() if value}
    target = function or LambdaRelease(function=f"pricewright-{stage}")
    key = environment.get("PRICEWRIGHT_SIGNING_KEY", "")
    return Plan(stage, target, lake, image, release, limits, by, variables, signing_key=key)


def permit(plan: Plan, token: str, now: datetime, environment: Mapping[str, str] = os.environ) -> Plan:
    """The plan with its approval, which production needs and staging does not; its use begins.

    A person approved this image, or that it stays, with the release that will be served: the one of the plan, or the
    one that is served already. A release of which a gate warned was approved with a reason. Raises ApprovalError
    without such an approval, or when it was used before.
    """
    if plan.stage != "production":
        return plan
    seen = plan.channel.see()
    release = plan.release or served(plan)
    if not token:
        raise ApprovalError(
            f"production needs an approval of release {release}" + (" with this image." if plan.image else "."),
            hint=f"a reviewer gives one with {_how_to_sign(plan, release)}; hand it over with --approval.",
        )
    manifest = read_manifest(plan.lake, release)
    subject = subject_of(manifest, plan.stage, plan.image.partition("@")[2])
    approval = load_approval_key(environment).verify(token, subject, now)
    if plan.release:
        need_reason(approval, warned(manifest.gates))
    begin(plan.lake, approval, seen, plan.by, now)
    return replace(plan, approval=approval)


def _how_to_sign(plan: Plan, release: str) -> str:
    return f"pricewright sign {release}" + (f" --image {plan.image}" if plan.image else "")


def served(plan: Plan) -> str:
    """The release that the channel serves. Raises DeploymentError while it serves none."""
    pointer = plan.channel.read()
    if pointer is None:
        raise DeploymentError(
            f"channel {plan.stage} of {plan.lake.url} serves no release yet.", hint="deploy one with --release."
        )
    return pointer.release


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


def report(plan: Plan, now: datetime) -> Deployed:
    """What is deployed now, as the run's page; with it ends the use of the approval."""
    if plan.approval:
        finish(plan.lake, plan.approval, now)
    found = read_deployed(plan.stage, plan.function, plan.lake)
    leave_page("deployed", f"{found.stage} serves {found.release}", found.rows())
    return found
