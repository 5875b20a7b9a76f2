"""A deployment without an account of AWS: from an empty account to an answered price, and back to nothing.

The steps are those of docs/aws.md. moto is the account; the build is `.ci/image` with the real Dockerfile, where
buildah stands in for Docker and moto for the registry; `pricewright` promotes, signs and deploys; the function's calls
are answered by the image that was built, under Lambda's runtime emulator.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import pytest

from blocks.lake import Lake
from deployments.aws import authoriser
from inference.handler import App
from pricewright.release import write_bundle
from tasks.releases import write_release
from testing.synthetic_release import contents as release_contents
from tests.ci.test_image import COSIGN
from tests.deployments.aws.account import QUESTIONS, contents, empty_bucket, through_gateway
from tests.deployments.aws.moto_stack import ACCOUNT, LEFT_OUT, REGION, Stack
from tests.deployments.aws.template import FILES, read
from tests.images import ISOLATED, MOUNTED, copy_context, run, started
from tests.lambda_plane import LambdaPlane, lambda_plane

pytestmark = pytest.mark.platform

ROOT = Path(__file__).parents[3]
COMMIT = "c0ffee"
STAGE = {"Stage": "production", "Repository": "acme/pricewright", "PlaygroundLogin": "b" * 64,
         "AlarmEmail": "prices@shop.example"}  # fmt: skip
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MADE_NOWHERE = {"CloudFront", "CodeBuild", "ElastiCache"}  # moto makes nothing of these
RETAINED = {"s3", "ecr", "kms key", "secretsmanager"}  # the secret goes with its stack in AWS
DOCKER = """
case "$1 $2" in
  "buildx imagetools") {buildah} images --digests --format '{{{{.Digest}}}}' {base} ;;
  "buildx build")
    shift 2; words=()
    while [ $# -gt 0 ]; do
      case $1 in
        --platform) shift ;;
        --provenance=*|--sbom=*|--load) ;;
        BASE=*@sha256:*) words+=("BASE={base}") ;;
        *) words+=("$1") ;;
      esac
      shift
    done
    {buildah} bud {isolated} {mounted} "${{words[@]}}" ;;
  push*) {buildah} push --quiet "$2" "dir:$STATE/pushed" ;;
esac
"""
# The registry: what was pushed is known by the digest of its manifest once somebody asks for it.
AWS = """
import hashlib, os, pathlib, sys
import boto3
words = sys.argv[1:]
ecr = boto3.client("ecr", endpoint_url=os.environ["CLOUD"])
pushed = pathlib.Path(os.environ["STATE"], "pushed", "manifest.json")
if words[:2] == ["ecr", "describe-images"]:
    name, tag = words[words.index("--repository-name") + 1], words[words.index("--image-ids") + 1][len("imageTag="):]
    if pushed.exists() and not ecr.list_images(repositoryName=name)["imageIds"]:
        text = pushed.read_text()
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        ecr.put_image(repositoryName=name, imageManifest=text, imageTag=tag, imageDigest=digest)
    try:
        print(ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"][0]["imageDigest"])
    except ecr.exceptions.ImageNotFoundException as error:
        sys.exit(str(error))
"""


class ImagePlane(LambdaPlane):
    """Lambda whose calls are answered by the image, in a container per version."""

    run_image: Callable[[dict[str, str], Callable[[str], None]], App]

    def start(self, variables: dict[str, str]) -> App:
        role = {f"AWS_{name}": value for name, value in ROLE.items()}
        return self.run_image(variables | role | PATIENT, self.log)


PATIENT = {f"PRICEWRIGHT_{name}_SECONDS": "20" for name in ("POINTER", "ARTIFACT", "MODEL")}  # of a busy machine
ROLE = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "eu-west-1"}


@pytest.fixture
def containers(storage: list[str], free_port: Callable[[], int]) -> Iterator[Callable[..., App]]:
    """Starts an image that was built, with variables; all end with the test."""
    with ExitStack() as open_ones:

        def start(image: str, variables: dict[str, str], log: Callable[[str], None]) -> App:
            container = run(*storage, "from", image)
            return open_ones.enter_context(started(storage, image, container, free_port, variables, log))

        yield start


class Desk:
    """Whoever deploys: a shell with the programs that docs/aws.md asks for, and an environment that knows the cloud."""

    def __init__(self, folder: Path, storage: list[str], base: str, cloud: str, plane: str) -> None:
        self.folder, self.checkout = folder, copy_context(folder / "checkout")
        buildah = " ".join(storage)
        docker = DOCKER.format(buildah=buildah, base=base, isolated=" ".join(ISOLATED), mounted=" ".join(MOUNTED))
        about = '[[ "$*" =~ pricewright/([a-z]+) ]]; image=${BASH_REMATCH[1]:-}'
        programs = {"docker": f"#!/bin/bash\nset -e\n{docker}", "cosign": f"#!/bin/bash\n{about}\n{COSIGN}",
                    "syft": "#!/bin/sh\n", "aws": f"#!{sys.executable}\n{AWS}"}  # fmt: skip
        (folder / "bin").mkdir()
        for name, body in programs.items():
            (folder / "bin" / name).write_text(body)
            (folder / "bin" / name).chmod(0o755)
        own = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STATE": str(folder), "CLOUD": cloud}
        own |= {f"PRICEWRIGHT_{service}_ENDPOINT": cloud for service in ("S3", "CLOUDWATCH", "KMS", "STS")}
        own |= {"PRICEWRIGHT_LAMBDA_ENDPOINT": plane, "SIGNING_KEY": "awskms:///alias/pricewright-images"}
        own |= {f"AWS_{name}": value for name, value in ROLE.items()} | {"AWS_DEFAULT_REGION": ROLE["REGION"]}
        self.environment = os.environ | own | {"PYTHONPATH": str(ROOT)}

    def build(self, repository: str) -> str:
        """The image by digest."""
        return self._run([".ci/image", "Dockerfile", repository], COMMIT=COMMIT).splitlines()[-1]

    def pricewright(self, *words: str, **more: str) -> str:
        """What the command prints."""
        return self._run([sys.executable, "-m", "cli.main", *words], **more)

    def _run(self, command: list[str], **more: str) -> str:
        cwd = self.checkout if command[0].startswith(".ci") else self.folder
        done = subprocess.run(command, cwd=cwd, env=self.environment | more, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account of its own, which has nothing but what AWS puts into each."""
    from testing.s3_server import s3_server

    for name, value in ROLE.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with s3_server() as url:
        assert urlopen(Request(f"{url}/moto-api/reset", method="POST")).status == 200
        yield url


def test_every_kind_of_thing_that_the_templates_make_is_looked_for() -> None:
    kinds = {entry["Type"] for name in FILES for entry in read(name)["Resources"].values()}
    services = {kind.split("::")[1] for kind in kinds}
    assert {name for name in services if name.lower() not in QUESTIONS} == MADE_NOWHERE
    assert {kind for kind in kinds if kind.split("::")[1] in MADE_NOWHERE} <= LEFT_OUT.keys()


def test_from_an_empty_account_to_an_answered_price_and_back_to_nothing(
    account: str, storage: list[str], base: str, containers: Callable[..., App], redis_url: str, tmp_path: Path
) -> None:
    before = contents(account)
    assert not [name for name in before if "pricewright" in name]
    with lambda_plane(account, ImagePlane) as (plane, address):
        desk = Desk(tmp_path, storage, base, account, address)

        # 1. what the stages share; 3. a release, which no channel serves; 4. an image, signed, by digest
        shared = Stack(account, "pricewright-shared", read("shared.yaml"), {"Repository": STAGE["Repository"]})
        shared.make_the_rest()
        keep_versions(shared, "Lake")
        lake = f"s3://{shared.outputs['Lake']}"
        release, prices = write_a_release(lake, account, tmp_path)
        image = desk.build(f"{REGISTRY}/pricewright/api")
        assert image.startswith(f"{REGISTRY}/pricewright/api@sha256:")
        plane.run_image = partial(containers, f"{REGISTRY}/pricewright/api:commit-{COMMIT}")

        # 5. a stage, whose function is this image, not served to anybody yet; 6. a caller with a key
        stage = Stack(account, "pricewright-production", read("template.yaml"), STAGE | {"ImageUri": image})
        stage.make_the_rest()
        keep_versions(stage, "Page")
        secret = add_caller(stage, "web-shop", "s" * 48)
        ask = partial(through_gateway, account, stage.ids["Api"], authorise=let_in(account, secret), call=plane.call)
        assert (shared.status, stage.status) == ("CREATE_COMPLETE", "CREATE_COMPLETE")

        # production is moved by a decision that was signed with the key of the account, and by nothing else
        key = approval_key(shared)
        deploy = ("deploy", "--stage", "production", "--image", image, "--release", release, "--store", lake,
                  "--redis-url", redis_url, "--watch", "0", "--by", "ann")  # fmt: skip
        known = {"PRICEWRIGHT_APPROVAL_KEY": key, "PRICEWRIGHT_SIGNING_KEY": "awskms:///alias/pricewright-images"}
        with pytest.raises(AssertionError, match="production needs"):
            desk.pricewright(*deploy, **known)
        token = desk.pricewright("sign", release, "--image", image, "--reviewer", "grace", "--store", lake, **known)
        said = desk.pricewright(*deploy, "--approval", token, **known)
        assert release in said and "approved by grace" in said

        # a price, through key, route, alias, image, lake
        code, price = prices[0]
        assert ask(f"/v1/predict-price/{code}", "wrong")[0] == 403
        status, answer = ask(f"/v1/predict-price/{code}", "s" * 48)
        assert status == 200, answer
        assert (answer["release"], answer["model"], answer["fallbacks"]) == (release, "network", [])
        assert answer["optimal_price"] == pytest.approx(price, rel=1e-6)

        # back: stages first, then what they share; what is retained on purpose goes by hand
        assert {name.split()[0] for name in contents(account) - before} == set(QUESTIONS)
        stage.delete()
        shared.delete()
        left = contents(account) - before
        assert {name.rpartition(" ")[0] for name in left} == RETAINED
        take_away_what_is_retained(shared, stage, secret, [key])
    assert contents(account) == before


def keep_versions(stack: Stack, name: str) -> None:
    """As the template says; moto's CloudFormation takes less of a bucket from it."""
    versions = stack.of("AWS::S3::Bucket")[name]["VersioningConfiguration"]
    stack.client("s3").put_bucket_versioning(Bucket=stack.ids[name], VersioningConfiguration=versions)


def write_a_release(lake: str, account: str, folder: Path) -> tuple[str, list[tuple[str, float]]]:
    """Its id, and codes with the price that its list recommends."""
    made = write_bundle(folder, **release_contents(skus=5))
    write_release(Lake(lake, {"PRICEWRIGHT_S3_ENDPOINT": account}), folder, made)
    listed = pl.read_parquet(folder / made.id / "price_list.parquet")
    return made.id, list(listed.select("stock_code", "optimal_price").iter_rows())


def add_caller(stage: Stack, caller: str, key: str) -> str:
    """The secret with a caller's key in it; moto's CloudFormation makes none."""
    (properties,) = stage.of("AWS::SecretsManager::Secret").values()
    text = json.dumps({caller: key})
    return str(stage.client("secretsmanager").create_secret(Name=properties["Name"], SecretString=text)["Name"])


def let_in(account: str, secret: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The authoriser's function, with its environment."""

    def authorise(event: dict[str, Any]) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"AWS_ENDPOINT_URL": account, "AWS_DEFAULT_REGION": "eu-west-1", "KEYS": secret}.items():
                patch.setenv(name, value)
            authoriser.held.update(until=0.0, read=None, keys={})
            return dict(authoriser.handler(event, None))

    return authorise


def approval_key(shared: Stack) -> str:
    """The template's key of approvals; moto's CloudFormation would make one that cannot sign so."""
    properties = shared.of("AWS::KMS::Key")["ApprovalKey"]
    spec = {name: properties[name] for name in ("KeySpec", "KeyUsage")}
    return str(shared.client("kms").create_key(**spec)["KeyMetadata"]["Arn"])


def take_away_what_is_retained(shared: Stack, stage: Stack, secret: str, keys: list[str]) -> None:
    """What docs/aws.md says under "Taking it down"."""
    s3, ecr, kms = shared.client("s3"), shared.client("ecr"), shared.client("kms")
    for bucket in (stage.ids["Page"], shared.ids["Lake"]):
        empty_bucket(s3, bucket)
    for repository in ("pricewright/api", "pricewright/flows"):
        ecr.delete_repository(repositoryName=repository, force=True)
    for key in (shared.ids["SigningKey"], shared.ids["ApprovalKey"], *keys):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    stage.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
