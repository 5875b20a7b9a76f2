"""Registers the blocks with a Prefect server: their types, and one document of each for this shop.

Flows read these documents, so what an operator changed in the UI counts: deploying flows makes the documents that are
missing and keeps the others; registering by hand brings all of them to the environment, and changes nothing else.
No document holds a key of AWS; anyone who runs a flow has a role.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, LambdaFunction, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters
from pydantic import AnyHttpUrl, SecretStr

from blocks.approval_key import ApprovalKey
from blocks.document import NAME, find_document
from blocks.endpoints import find_endpoint, find_region
from blocks.lake_block import LakeBlock
from blocks.lambda_release import LambdaRelease
from blocks.price_cache import PriceCache

OURS: tuple[type[Block], ...] = (LakeBlock, PriceCache, LambdaRelease, ApprovalKey)
THEIRS: tuple[type[Block], ...] = (AwsCredentials, S3Bucket, LambdaFunction)
STAGES = ("staging", "production")
How = Literal["made", "changed", "as before", "kept"]


def register_blocks(store: str, environment: Mapping[str, str], *, keep: bool = False) -> dict[str, How]:
    """What became of each document, by `<type>/<name>`. PREFECT_API_URL must name a server.

    `keep`: leave a document that says something else as it is.
    """
    documents = list(_all(store, environment))
    for block in {*OURS, *THEIRS} - {type(document) for _, document in documents}:
        block.register_type_and_schema()  # of the others, saving does it
    return {f"{type(block).get_block_type_slug()}/{name}": _save(name, block, keep) for name, block in documents}


def _all(store: str, environment: Mapping[str, str]) -> Iterable[tuple[str, Block]]:
    region = find_region(environment)
    yield NAME, _lake(store, environment)
    if environment.get("PRICEWRIGHT_REDIS_URL"):
        cluster = environment.get("PRICEWRIGHT_REDIS_CLUSTER", "").lower() in ("1", "true", "yes")
        yield NAME, PriceCache(url=SecretStr(environment["PRICEWRIGHT_REDIS_URL"]), cluster=cluster)
    if not store.startswith("s3://"):
        return
    yield NAME, _role("s3", environment)
    bucket, _, folder = store.removeprefix("s3://").partition("/")
    for name, inside in (("pricewright-lake", folder), ("pricewright-dvc", f"{folder.rstrip('/')}/dvc".lstrip("/"))):
        yield name, S3Bucket(bucket_name=bucket, bucket_folder=inside, credentials=_role("s3", environment))
    for stage in STAGES:
        name = f"{NAME}-{stage}"
        yield name, LambdaRelease(function=name, region=region, endpoint=_address("lambda", environment))
        credentials = _role("lambda", environment)
        yield name, LambdaFunction(function_name=name, qualifier="live", aws_credentials=credentials)


def _role(service: str, environment: Mapping[str, str]) -> AwsCredentials:
    """Credentials without a key: those of the role that the flow runs with."""
    path = {"s3": {"addressing_style": "path"}} if find_endpoint("s3", environment) and service == "s3" else None
    where = AwsClientParameters(endpoint_url=find_endpoint(service, environment), config=path)
    return AwsCredentials(region_name=find_region(environment), aws_client_parameters=where)


def _address(service: str, environment: Mapping[str, str]) -> AnyHttpUrl | None:
    endpoint = find_endpoint(service, environment)
    return AnyHttpUrl(endpoint) if endpoint else None


def use_lake(store: str, environment: Mapping[str, str]) -> How:
    """Bring the lake's document to this lake, whatever it said."""
    return _save(NAME, _lake(store, environment), keep=False)


def _lake(store: str, environment: Mapping[str, str]) -> LakeBlock:
    return LakeBlock(url=store, endpoint=_address("s3", environment), region=find_region(environment))


def _save(name: str, block: Block, keep: bool) -> How:
    known = find_document(type(block), name)
    if known is None:
        block.save(name)
        return "made"
    if _values(known) == _values(block):
        return "as before"
    if keep:
        return "kept"
    block.save(name, overwrite=True)
    return "changed"


def _values(block: Block) -> dict[str, Any]:
    """Its fields, without what tells one document from another."""
    return {name: value for name, value in block.model_dump().items() if not name.startswith("_")}
