"""Every block keeps the house rules: fields with type, bound and description; wrong values fail at construction."""

from collections.abc import Callable

import pytest
from prefect.blocks.core import Block
from pydantic import SecretStr, ValidationError

from blocks.lake_block import LakeBlock
from blocks.price_cache import PriceCache
from demand.errors import PricewrightError

BLOCKS: list[type[Block]] = [LakeBlock, PriceCache]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_field_says_what_it_is_for(block: type[Block]) -> None:
    assert block.__doc__
    for name, field in block.model_fields.items():
        assert field.description, f"{block.__name__}.{name} has no description"


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_can_be_made_without_a_network(block: type[Block]) -> None:
    assert block().get_block_type_slug().startswith("pricewright-")


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (LakeBlock, {"url": ""}),
        (LakeBlock, {"url": "gs://bucket"}),
        (LakeBlock, {"endpoint": "no address"}),
        (LakeBlock, {"region": "Dublin"}),
        (PriceCache, {"url": "http://localhost"}),
        (PriceCache, {"time_out": 0}),
    ],
)
def test_wrong_values_fail_at_construction(block: type[Block], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        block(**fields)


def test_the_lake_block_opens_the_lake_of_its_fields(s3_url: str, s3_environment: dict[str, str]) -> None:
    lake = LakeBlock(url=s3_url, endpoint=s3_environment["PRICEWRIGHT_S3_ENDPOINT"], region="eu-west-1").open()
    lake.write_new("raw/a", b"1")
    assert lake.list("raw") == {"raw/a": 1}


def test_the_cache_answers_or_says_what_follows(redis_url: str, free_port: Callable[[], int]) -> None:
    assert PriceCache(url=SecretStr(redis_url)).ping() < 500
    with pytest.raises(PricewrightError, match="works without it"):
        PriceCache(url=SecretStr(f"redis://:secret@127.0.0.1:{free_port()}/0")).ping()


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(PriceCache(url=SecretStr("redis://:hunter2@localhost/0")))
