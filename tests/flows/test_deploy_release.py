"""A deployment over HTTP, against moto's Lambda, whose calls the real handler answers: forth, back, killed between."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from blocks.approval_key import ApprovalKey
from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lambda_release import LambdaRelease
from flows.deploy_release import DeployRequest, deploy_release
from pricewright.core.errors import ApprovalError, DeploymentError, ParameterError, PricewrightError
from pricewright.release import write_bundle
from pricewright.release.approval import Approval
from tasks.decisions import subject_of
from tasks.deploy import publish_version, settle, share
from tasks.deployment_plan import Deployed, Limits, make_plan
from tasks.releases import now, promote_release, read_manifest, roll_back_release, write_release
from testing.racing import GATES
from testing.synthetic_release import contents
from tests.lambda_plane import LambdaPlane, image, lambda_plane

SIGNED = """#!/bin/sh
echo "$*" >>{asked}
for last; do :; done
grep -qxF "$last" {signed} || {{ echo "no signatures found" >&2; exit 1; }}
"""
SECRET = "a secret that is long enough for it"


@pytest.fixture
def plane(s3_endpoint: str, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaPlane]:
    """Whatever reads the environment finds Lambda and CloudWatch where the tests have them."""
    with lambda_plane(s3_endpoint) as (made, address):
        monkeypatch.setenv("PRICEWRIGHT_LAMBDA_ENDPOINT", address)
        monkeypatch.setenv("PRICEWRIGHT_CLOUDWATCH_ENDPOINT", s3_endpoint)
        monkeypatch.setenv("PRICEWRIGHT_APPROVAL_KEY", SECRET)
        yield made


class Site:
    """A stage: its function, its lake with two releases of which the first is served."""

    def __init__(self, plane: LambdaPlane, store: str, folder: Path, stage: str) -> None:
        self.plane, self.store, self.stage = plane, store, stage
        self.lake = Lake(store)
        self._folder = folder
        self.releases = [self.write(level) for level in (0.0, 0.5)]
        promote_release(self.lake, self.releases[0], stage, 1)
        self.function = plane.create(store, stage)

    def write(self, level: float, gates: dict[str, Any] = GATES) -> str:
        """A release in the lake that no channel serves."""
        bundles = self._folder / "bundles"
        manifest = write_bundle(bundles, **contents(level=level, skus=5) | {"gates": gates})
        write_release(self.lake, bundles, manifest)
        return manifest.id

    def request(self, **how: Any) -> dict[str, Any]:
        given = {"stage": self.stage, "store": self.store, "function": self.function, "watch": 0, "by": "ann"}
        return given | how

    def deploy(self, **how: Any) -> Deployed:
        return deploy_release.fn(DeployRequest(**self.request(**how)))

    def alias(self) -> tuple[str, dict[str, float]]:
        found = self.plane.client.get_alias(FunctionName=self.function, Name="live")
        return found["FunctionVersion"], (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}

    def served(self) -> str:
        """The release that customers get."""
        answer, failed = self.plane.call(self.function, "live", {"stock_code": "20007"})
        assert not failed and answer["model"] == "network" and not answer["fallbacks"]
        return str(answer["release"])


@pytest.fixture
def site(plane: LambdaPlane, s3_url: str, tmp_path: Path) -> Site:
    return Site(plane, s3_url, tmp_path, "staging")


def test_an_image_and_a_release_come_to_all_customers(site: Site) -> None:
    deployed = site.deploy(image=image("b"), release=site.releases[1])
    assert site.alias() == ("2", {})
    assert site.served() == deployed.release == site.releases[1]
    assert (deployed.previous, deployed.release_before) == ("1", site.releases[0])
    (version,) = deployed.versions
    assert version.share == 1 and version.label == f"sha256:{'b' * 64} by ann"
    assert site.plane.changes == ["PUT code", "POST versions", "PUT live", "PUT live"], "the environment was right"


def test_the_environment_is_set_in_the_same_step_and_keeps_what_else_is_there(site: Site) -> None:
    site.plane.client.update_function_configuration(
        FunctionName=site.function, Environment={"Variables": {"PRICEWRIGHT_ALLOWED_ORIGINS": "https://shop.example"}}
    )
    site.deploy(image=image("b"), redis_url="rediss://cache:6379/0")
    seen = site.plane.client.get_function_configuration(FunctionName=site.function, Qualifier="2")
    variables = seen["Environment"]["Variables"]
    assert variables == {
        "PRICEWRIGHT_ALLOWED_ORIGINS": "https://shop.example",
        "PRICEWRIGHT_STORE": site.store,
        "PRICEWRIGHT_CHANNEL": "staging",
        "PRICEWRIGHT_REDIS_URL": "rediss://cache:6379/0",
        "PRICEWRIGHT_S3_ENDPOINT": site.plane.moto,
    }


def test_deploying_the_same_again_changes_nothing(site: Site) -> None:
    first = site.deploy(image=image("b"), release=site.releases[1])
    site.plane.changes.clear()
    assert site.deploy(image=image("b"), release=site.releases[1]) == first
    assert site.plane.changes == ["POST versions"], "which Lambda answers with the version that is there"


def test_a_release_alone_moves_the_pointer_and_no_version(site: Site) -> None:
    assert site.deploy(release=site.releases[1]).release == site.releases[1]
    assert site.served() == site.releases[1] and site.plane.changes == []


def test_a_version_that_fails_its_smoke_test_never_gets_a_customer(site: Site) -> None:
    site.plane.mute.add("b")
    with pytest.raises(DeploymentError, match="the image is broken"):
        site.deploy(image=image("b"), release=site.releases[1])
    assert site.alias() == ("1", {}) and "PUT live" not in site.plane.changes
    assert site.served() == site.releases[0], "the release waits for its image"


def test_a_version_that_fails_too_many_customers_is_taken_back(site: Site) -> None:
    site.plane.customers, site.plane.flaky = 30, {"b": 0.5}
    with pytest.raises(DeploymentError, match=r"calls of version 2 fail .* 1\.0% may.*Version 1 gets all"):
        site.deploy(image=image("b"), weight=0.4)
    assert site.alias() == ("1", {})
    assert site.plane.changes[-2:] == ["PUT live", "PUT live"]


def test_a_version_that_answers_customers_with_an_error_of_its_own_is_taken_back(site: Site) -> None:
    """Lambda counts such calls as success: only the price API's own metrics know."""
    site.plane.customers, site.plane.unwell = 30, {"b": 0.5}
    with pytest.raises(DeploymentError, match=r"calls of version 2 fail .* 1\.0% may.*Version 1 gets all"):
        site.deploy(image=image("b"), weight=0.4)
    assert site.alias() == ("1", {})


def test_a_version_that_prices_but_the_first_skus_never_gets_a_customer(site: Site) -> None:
    site.plane.hollow.add("b")
    with pytest.raises(PricewrightError, match="the price API failed"):
        site.deploy(image=image("b"))
    assert site.alias() == ("1", {}) and "PUT live" not in site.plane.changes


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file whose words are the images that a stand-in for cosign finds signed; what it was asked is beside it."""
    program, signed = tmp_path / "bin" / "cosign", tmp_path / "signed"
    program.parent.mkdir()
    program.write_text(SIGNED.format(asked=tmp_path / "asked", signed=signed))
    program.chmod(0o755)
    signed.touch()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PRICEWRIGHT_SIGNING_KEY", "awskms:///alias/images")
    return signed


def test_an_image_that_the_build_did_not_sign_is_not_deployed(site: Site, cosign: Path) -> None:
    with pytest.raises(DeploymentError, match="is not signed by awskms:///alias/images: no signatures found"):
        site.deploy(image=image("b"))
    assert site.plane.changes == [] and site.alias() == ("1", {})
    cosign.write_text(image("b") + "\n")
    site.deploy(image=image("b"))
    assert site.alias() == ("2", {})
    asked = [line.split()[0] for line in (cosign.parent / "asked").read_text().splitlines()]
    assert asked == ["verify", "verify", "verify-attestation"]


def test_without_cosign_a_signature_that_is_asked_for_cannot_be_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PRICEWRIGHT_SIGNING_KEY", "awskms:///alias/images")
    with pytest.raises(DeploymentError, match="cannot be checked"):
        site.deploy(image=image("b"))


def test_a_deployment_that_fails_leaves_a_later_ones_alias_alone(site: Site) -> None:
    site.plane.customers, site.plane.flaky = 30, {"b": 0.5}
    client = site.plane.client

    def deploy_another() -> None:
        if site.alias()[1]:  # version 2 has its first requests
            client.update_function_code(FunctionName=site.function, ImageUri=image("c"))
            made = client.publish_version(FunctionName=site.function, Description=f"sha256:{'c' * 64} by bob")
            routing = {"AdditionalVersionWeights": {}}
            client.update_alias(FunctionName=site.function, Name="live", FunctionVersion=made["Version"],
                                Description="before: 1", RoutingConfig=routing)  # fmt: skip
            site.plane.meanwhile = lambda: None

    site.plane.meanwhile = deploy_another
    with pytest.raises(DeploymentError, match="calls of version 2 fail") as caught:
        site.deploy(image=image("b"), weight=0.4)
    assert site.alias() == ("3", {}) and "gets all requests again" not in caught.value.message


def test_a_deployment_that_fails_leaves_somebodys_canary_alone(site: Site) -> None:
    client = site.plane.client
    client.publish_version(FunctionName=site.function, Description=f"sha256:{'c' * 64} by bob")
    client.update_function_configuration(FunctionName=site.function, Description="x")
    other = client.publish_version(FunctionName=site.function, Description=f"sha256:{'c' * 64} by bob")["Version"]
    weights = {"AdditionalVersionWeights": {other: 0.1}}
    client.update_alias(FunctionName=site.function, Name="live", FunctionVersion="1", RoutingConfig=weights)
    site.plane.mute.add("b")
    with pytest.raises(DeploymentError, match="the image is broken"):
        site.deploy(image=image("b"))
    assert site.alias() == ("1", {other: 0.1})


def test_a_deployment_that_fails_leaves_an_operators_pointer_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import tasks.deploy

    monkeypatch.setattr(tasks.deploy, "FOLLOWS", 0.5)
    third, channel = site.write(1.0), Channel(site.lake, "staging")

    def act() -> None:
        if channel.read().release == site.releases[1]:
            channel.point(third, "an operator", now())

    site.plane.meanwhile = act
    with pytest.raises(DeploymentError, match=f"serves what somebody else has promoted since, {third}"):
        site.deploy(release=site.releases[1])
    assert channel.read().release == third and channel.read().promoted_by == "an operator"


def test_few_failures_are_borne_when_the_limit_says_so(site: Site) -> None:
    site.plane.customers, site.plane.flaky = 30, {"b": 0.5}
    site.deploy(image=image("b"), weight=0.4, errors=0.99)
    assert site.alias() == ("2", {})


def test_a_release_that_the_function_does_not_answer_from_is_taken_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tasks.deploy

    monkeypatch.setattr(tasks.deploy, "FOLLOWS", 0.5)
    pinned = {"PRICEWRIGHT_STORE": site.store, "PRICEWRIGHT_S3_ENDPOINT": site.plane.moto}
    pinned |= {"PRICEWRIGHT_RELEASE": site.releases[0]}
    site.plane.client.update_function_configuration(FunctionName=site.function, Environment={"Variables": pinned})
    site.plane.client.publish_version(FunctionName=site.function)
    site.plane.client.update_alias(FunctionName=site.function, Name="live", FunctionVersion="2")
    with pytest.raises(DeploymentError, match=f"staging serves {site.releases[0]} again"):
        site.deploy(release=site.releases[1])
    assert Channel(site.lake, "staging").read().release == site.releases[0]


def test_the_first_deployment_makes_the_alias_and_serves_the_first_release(
    plane: LambdaPlane, s3_url: str, tmp_path: Path
) -> None:
    site = Site(plane, s3_url, tmp_path, "staging")
    site.lake.remove("channels/staging.json")
    site.function = plane.create(s3_url, "staging", alias=False)
    with pytest.raises(DeploymentError, match="serves no release yet"):
        site.deploy(image=image("b"))
    site.deploy(image=image("b"), release=site.releases[1])
    assert site.served() == site.releases[1] and site.alias()[1] == {}


@pytest.mark.parametrize("wrong", ["pricewright:latest", "pricewright", f"pricewright:1@sha256:{'b' * 63}"])
def test_an_image_is_given_by_digest_and_not_otherwise(wrong: str) -> None:
    with pytest.raises(ValidationError):
        DeployRequest(image=wrong)


def test_a_plan_that_makes_no_sense_moves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="nothing to deploy"):
        site.deploy()
    with pytest.raises(ParameterError, match="s3://"):
        site.deploy(image=image("b"), store=str(tmp_path))
    with pytest.raises(DeploymentError, match="Function not found"):
        site.deploy(image=image("b"), function="nobody")


def approval(site: Site, release: str, image: str = "", **how: Any) -> str:
    """A token about what the lake holds of a release; `decision`, `hours`, `override`, `channel` as in Approval."""
    channel = how.pop("channel", "production")
    subject = subject_of(read_manifest(site.lake, release), channel, image.partition("@")[2])
    given = Approval(
        subject,
        how.pop("decision", "approve"),
        "grace",
        now() + timedelta(hours=how.pop("hours", 1)),
        how.pop("override", ""),
    )
    return ApprovalKey(secret=SecretStr(how.pop("secret", SECRET))).sign(given)


@pytest.fixture
def production(plane: LambdaPlane, s3_url: str, tmp_path: Path) -> Site:
    return Site(plane, s3_url, tmp_path, "production")


def test_production_needs_an_approval_of_the_image_and_the_release_that_will_be_served(production: Site) -> None:
    site, b = production, image("b")
    old, new = site.releases
    wrong = [approval(site, old, b), approval(site, new), approval(site, new, image("c"))]
    wrong += [approval(site, new, b, **how) for how in ({"decision": "reject"}, {"hours": -1}, {"channel": "staging"})]
    for token in ("", "forged.token", *wrong):
        with pytest.raises(ApprovalError):
            site.deploy(image=b, release=new, approval=token)
    assert site.alias() == ("1", {}) and site.plane.changes == [] and site.served() == old
    deployed = site.deploy(image=b, release=new, approval=approval(site, new, b))
    assert site.served() == new and "approved by grace" in deployed.versions[0].label
    (kept,) = site.lake.list("approvals")
    assert json.loads(site.lake.read(kept).body)["done_at"] and not read_manifest(site.lake, new).approvals
    site.deploy(image=image("c"), approval=approval(site, new, image("c")))
    assert site.alias() == ("3", {})


def test_an_approval_serves_once_and_not_again_after_a_roll_back(production: Site) -> None:
    site, token = production, approval(production, production.releases[1], image("b"))
    asked = {"image": image("b"), "release": site.releases[1], "approval": token}
    site.deploy(**asked)
    roll_back_release(site.lake, "production", by="ann")
    with pytest.raises(ApprovalError, match=r"was used at .*: a decision is used once"):
        site.deploy(**asked)
    assert site.served() == site.releases[0]


def test_an_approval_whose_use_was_cut_off_serves_no_more_once_somebody_moved_the_channel(production: Site) -> None:
    site, token = production, approval(production, production.releases[1], image("b"))
    asked = {"image": image("b"), "release": site.releases[1], "approval": token}
    site.plane.mute.add("b")
    with pytest.raises(DeploymentError):
        site.deploy(**asked)
    site.plane.mute.clear()
    third = site.write(0.7)
    promote_release(site.lake, third, "production", 1)
    with pytest.raises(ApprovalError, match="channel production was moved since"):
        site.deploy(**asked)
    assert site.served() == third


def test_a_deployment_that_failed_is_tried_again_with_the_same_approval(production: Site) -> None:
    site, token = production, approval(production, production.releases[1], image("b"))
    site.plane.mute.add("b")
    asked = {"image": image("b"), "release": site.releases[1], "approval": token}
    with pytest.raises(DeploymentError):
        site.deploy(**asked)
    site.plane.mute.clear()
    assert site.deploy(**asked).release == site.releases[1] == site.served()


def test_a_release_whose_gate_warned_is_deployed_with_a_reason_and_not_without(production: Site) -> None:
    site = production
    warned = GATES | {"drift": {"gate": "drift", "status": "warn", "checks": [], "hint": ""}}
    release = site.write(0.7, warned)
    with pytest.raises(ApprovalError, match=r"gate drift of .* did not say ok: approving needs a reason"):
        site.deploy(release=release, approval=approval(site, release))
    assert site.deploy(release=release, approval=approval(site, release, override="Advent")).release == release


def test_of_two_deployments_at_once_one_hears_of_the_other(site: Site) -> None:
    function = LambdaRelease(function=site.function, region="eu-west-1")
    seen = function.traffic()
    site.deploy(image=image("b"))
    with pytest.raises(DeploymentError, match="somebody else changes"):
        function.send("1", {"2": 0.1}, "", seen)
    assert site.alias() == ("2", {})


@pytest.mark.parametrize("others", [{}, {"3": 0.1}])
def test_an_alias_that_somebody_moved_while_a_version_was_watched_stays_theirs(
    site: Site, others: dict[str, float]
) -> None:
    plan = make_plan(
        "staging", image("b"), "", site.store, "ann", Limits(watch=0), LambdaRelease(function=site.function)
    )
    version = publish_version(plan)
    share(plan, version)
    site.plane.client.publish_version(FunctionName=site.function)
    plan.function.send("1", others, "", plan.function.traffic())
    with pytest.raises(DeploymentError, match="somebody else moved the alias"):
        settle(plan, version)
    assert site.alias() == ("1", others)


@pytest.mark.platform
def test_as_a_flow_each_step_is_a_task_and_the_page_says_what_is_deployed(site: Site, prefect_api: str) -> None:
    import httpx

    LambdaRelease(function=site.function, region="eu-west-1").save("pricewright-staging", overwrite=True)
    deployed = deploy_release(DeployRequest(**site.request(release=site.releases[1], function="")))
    assert deployed.function == site.function, "the operator's block says which one"
    tasks = httpx.post(f"{prefect_api}/task_runs/filter", json={}, timeout=30).json()
    assert {task["name"].rpartition("-")[0] for task in tasks} >= {"publish-version", "settle", "serve-release"}
    artifacts = httpx.post(f"{prefect_api}/artifacts/filter", json={}, timeout=30).json()
    (page,) = (artifact["data"] for artifact in artifacts if artifact["key"] == "deployed")
    assert site.releases[1] in page


def test_what_is_deployed_is_shown_by_the_command(site: Site) -> None:
    from typer.testing import CliRunner

    from cli.main import app

    given = ["deploy", "--stage", "staging", "--store", site.store, "--function", site.function]
    done = CliRunner().invoke(app, [*given, "--image", image("b"), "--release", site.releases[1], "--watch", "0"])
    assert done.exit_code == 0, done.output
    status = CliRunner().invoke(app, [*given, "--status"]).output
    assert status == done.output
    assert "version 2" in status and "100% of the requests, sha256:bbbb" in status and site.releases[1] in status
    refused = CliRunner().invoke(app, [*given, "--image", "pricewright:latest"])
    assert isinstance(refused.exception, ParameterError) and "never a tag" in str(refused.exception)


# After the n-th change is before the next one: image, environment, version, a tenth, all.
KILLS = [("before", 0), *(("after", n) for n in range(5)), ("call", 6)]


@pytest.mark.parametrize(("when", "number"), KILLS)
def test_a_deployment_killed_at_any_step_serves_customers_and_is_finished_by_the_same_again(
    site: Site, deployer: Any, when: str, number: int
) -> None:
    site.plane.strike = (when, number)
    request = site.request(image=image("b"), release=site.releases[1], redis_url="rediss://cache:6379/0")
    assert deployer(request) == -9, "it was killed"
    version, others = site.alias()
    assert version in ("1", "2") and set(others) <= {"2"}
    assert {site.served() for _ in range(10)} <= set(site.releases)
    assert deployer(request) == 0
    assert site.alias() == ("2", {}) and site.served() == site.releases[1]


def test_a_deployment_killed_on_its_way_is_taken_back_by_the_next_that_fails(site: Site, deployer: Any) -> None:
    site.plane.strike = ("after", 3)  # a tenth of the requests have moved
    request = site.request(image=image("b"), redis_url="rediss://cache:6379/0")
    assert deployer(request) == -9
    assert site.alias()[1] == {"2": 0.1}
    site.plane.mute.add("b")
    with pytest.raises(DeploymentError, match="Version 1 gets all requests again"):
        deploy_release.fn(DeployRequest(**request))
    assert site.alias() == ("1", {})


def test_a_password_is_no_part_of_what_prefect_keeps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request of a run is a row of Prefect's database; the address with the password comes beside it."""
    url = "rediss://:canary@cache:6379/0"
    with pytest.raises(ValueError, match="redis_url"):
        DeployRequest(redis_url=url)
    assert "environment, PRICEWRIGHT_DEPLOY_REDIS_URL" in str(DeployRequest.model_json_schema())
    monkeypatch.setenv("PRICEWRIGHT_DEPLOY_REDIS_URL", url)
    deployed = site.deploy(image=image("b"))
    seen = site.plane.client.get_function_configuration(FunctionName=site.function, Qualifier="2")
    assert seen["Environment"]["Variables"]["PRICEWRIGHT_REDIS_URL"] == url
    assert "canary" not in str(deployed.rows()) + repr(deployed)


DEPLOYER = """
import json, os, sys
from flows.deploy_release import DeployRequest, deploy_release
for line in sys.stdin:
    environment, request = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.update(environment, AWS_EXECUTION_ENV=f"pid-{os.getpid()}")
        code = 1
        try:
            deploy_release.fn(DeployRequest(**request))
            code = 0
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def deploying() -> Iterator[Any]:
    """A process that deploys in children of its own; its imports take longer than a deployment."""
    import subprocess
    import sys

    root = Path(__file__).parents[2]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", DEPLOYER], cwd=root, **pipes) as process:
        yield process
        process.stdin.close()
        process.wait(10)


@pytest.fixture
def deployer(deploying: Any, plane: LambdaPlane) -> Any:
    """Deploys in a process that the plane may kill; returns how it ended."""
    import os

    def deploy(request: dict[str, Any]) -> int:
        own = {name: value for name, value in os.environ.items() if name.startswith(("PRICEWRIGHT", "AWS"))}
        deploying.stdin.write(json.dumps([own, request]) + "\n")
        deploying.stdin.flush()
        return int(deploying.stdout.readline())

    return deploy
