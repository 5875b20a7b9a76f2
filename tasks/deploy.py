"""Deploys: an image becomes a version, gets some requests, then all; a release gets the pointer.

Every step looks first at what is there, so that a deployment that was killed is finished, or taken back, by the same
command once more. Image and release move one after the other: when something fails, one knows which of them it was.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from blocks.channel import Pointer
from blocks.document import NAME, find_in_run
from blocks.lambda_release import LambdaRelease, Traffic
from pricewright.core.errors import ChannelConflict, DeploymentError, PricewrightError, ReleaseError
from tasks.deployment_plan import Plan, served
from tasks.prefect_tasks import as_action
from tasks.releases import now, promote_release, roll_back_release
from tasks.smoke import PriceApi, compare_prices, compare_sample

SAMPLE = 50  # SKUs at random of each look: what fails for one in ten is met by 99 looks of 100
PACE = 15.0  # seconds between two looks at a version
FOLLOWS = 120.0  # seconds until every warm function has seen that the pointer moved; it looks every 30


@as_action
def check_signature(plan: Plan) -> None:
    """Whether our build signed the image, and its list of parts. Raises DeploymentError when it did not."""
    if not plan.image or not plan.signing_key:
        return
    # The signatures stand in the registry and in no public log, so there is no entry to look for.
    known = ["--key", plan.signing_key, "--insecure-ignore-tlog=true"]
    for command in (["verify", *known], ["verify-attestation", *known, "--type", "cyclonedx"]):
        try:
            done = subprocess.run(["cosign", *command, plan.image], capture_output=True, text=True)  # noqa: S603, S607  # nosec B607
        except OSError as error:
            raise DeploymentError(
                f"the signature of {plan.image} cannot be checked: {error}.", hint=".ci/install FOLDER cosign."
            ) from None
        if done.returncode:
            message = (done.stderr.strip().splitlines() or ["cosign said nothing"])[-1]
            raise DeploymentError(
                f"{plan.image} is not signed by {plan.signing_key}: {message}",
                hint="deploy an image that the build made, and log cosign in to the registry.",
            )


@as_action
def publish_version(plan: Plan) -> str:
    """Image and environment in one version; the present one where neither changed. Empty: the image stays."""
    if not plan.image:
        return ""
    if plan.release and plan.channel.read() is None:  # nobody is served yet, and a version without a release is mute
        _promote(plan)
    plan.function.set_image(plan.image)
    plan.function.set_variables(plan.variables)
    return plan.function.publish(plan.label)


@as_action
def try_out(plan: Plan, version: str) -> None:
    """Ask a version, or the alias, for prices, as no customer does yet. Raises PricewrightError when one is wrong."""
    if version:
        _ask(plan, version, served(plan))


@as_action
def share(plan: Plan, version: str) -> None:
    """Give a version its first requests."""
    traffic = plan.function.traffic()
    if not version or (traffic and version in (traffic.version, *traffic.others)):
        return
    if traffic is None:
        plan.function.send(version, {}, "", None)  # the alias is new: nobody calls it yet
    else:
        plan.function.send(traffic.version, {version: plan.limits.weight}, traffic.previous, traffic)


@as_action
def watch(plan: Plan, version: str) -> None:
    """Ask it again and again, and look how its calls went. Raises DeploymentError when too many fail."""
    if not version:
        return
    started, release = now().replace(second=0, microsecond=0), served(plan)
    ends = time.monotonic() + plan.limits.watch
    while True:
        _ask(plan, version, release)
        seen = plan.function.outcomes(version, started, now() + timedelta(minutes=1))
        if seen.rate > plan.limits.errors:
            raise DeploymentError(
                f"{seen.errors} of {seen.calls} calls of version {version} fail ({seen.rate:.1%}), "
                f"{plan.limits.errors:.1%} may.",
                hint="the function's log says why.",
            )
        left = ends - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(PACE, left))


@as_action
def settle(plan: Plan, version: str) -> None:
    """Give it all requests, and ask once more, through the alias."""
    if not version:
        return
    traffic = _traffic(plan)
    if traffic.version != version:
        if set(traffic.others) != {version}:
            raise DeploymentError(
                f"somebody else moved the alias of {plan.function.function}: it sends {_shown(traffic)}.",
                hint="look at pricewright deploy --status, then deploy again.",
            )
        plan.function.send(version, {}, traffic.version, traffic)
    elif traffic.others:
        plan.function.send(version, {}, traffic.previous, traffic)
    _ask(plan, plan.function.alias, served(plan))


@as_action
def serve_release(plan: Plan) -> None:
    """Move the channel's pointer, wait until the function follows, watch it; or move the pointer back."""
    if not plan.release:
        return
    before = plan.channel.read()
    written = _promote(plan)
    try:
        _await(plan)
        watch(plan, _traffic(plan).version)
    except PricewrightError as error:
        if before is None or before.release == plan.release:
            raise
        raise DeploymentError(
            f"release {plan.release} is not served, {_point_back(plan, written, before.release)}: {error.message}",
            hint=error.hint,
        ) from error


def _point_back(plan: Plan, written: Pointer, release: str) -> str:
    """Move the pointer back to a release, if it is still what this deployment wrote; what the channel serves now."""
    seen = plan.channel.see()
    if seen.pointer == written:
        with suppress(ChannelConflict):
            roll_back_release(plan.lake, plan.stage, release, plan.by, seen=seen)
            return f"{plan.stage} serves {release} again"
    return f"{plan.stage} serves what somebody else has promoted since, {served(plan)}"


@contextmanager
def way_back(plan: Plan) -> Iterator[None]:
    """Whatever ends the steps within, the version before gets all requests again, unless somebody else moved the alias.

    Only kill -9 is not heard.
    """
    before = plan.function.traffic() if plan.image else None
    try:
        yield
    except BaseException as error:
        back = go_back(plan, before)
        if back and isinstance(error, PricewrightError):
            raise DeploymentError(f"{error.message} Version {back} gets all requests again.", error.hint) from error
        raise


def go_back(plan: Plan, before: Traffic | None) -> str:
    """Send all requests to the version that had most of them before; empty where there is nothing of ours to undo.

    Ours is an alias that gives a version of the plan's image some requests beside the version before, or all after it.
    """
    at = plan.function.traffic()
    if at is None or before is None:
        return ""
    trials = tuple(at.others) or (at.version,)
    if (at.version if at.others else at.previous) != before.version or trials == (before.version,):
        return ""
    if any(not plan.function.label(version).startswith(plan.image.partition("@")[2]) for version in trials):
        return ""
    plan.function.send(before.version, {}, before.previous, at)
    return before.version


def _promote(plan: Plan) -> Pointer:
    return promote_release(plan.lake, plan.release, plan.stage, plan.limits.skus, plan.by, plan.approval)


def _await(plan: Plan) -> None:
    """Until the alias answers with the release of the plan."""
    ends = time.monotonic() + FOLLOWS
    while True:
        try:
            return _ask(plan, plan.function.alias, plan.release)
        except ReleaseError:
            if time.monotonic() > ends:
                raise
            time.sleep(1)


def _ask(plan: Plan, qualifier: str, release: str) -> None:
    """Prices of the release, from its network, as its price list says: of the first SKUs, and of some at random."""
    plan.function.invoke(qualifier, {"warmup": True})
    api = PriceApi.through(partial(plan.function.invoke, qualifier))
    compare_prices(api, release, plan.limits.skus)
    compare_sample(api, plan.lake, release, SAMPLE)


def _traffic(plan: Plan) -> Traffic:
    found = plan.function.traffic()
    if found is None:
        raise DeploymentError(
            f"{plan.function.function} has no alias {plan.function.alias} yet.", hint="deploy an image first."
        )
    return found


def _shown(traffic: Traffic) -> str:
    others = [f"{share:.0%} to version {version}" for version, share in traffic.others.items()]
    return ", ".join([*others, f"the rest to version {traffic.version}"])


def find_target(stage: str, function: str = "") -> LambdaRelease:
    """Outside of a flow run no server is asked."""
    name = function or f"{NAME}-{stage}"
    return find_in_run(LambdaRelease, name) or LambdaRelease(function=name)
