"""The lake as a Prefect block: what an operator fills in, in the UI or in code."""

import os

from prefect.blocks.core import Block
from pydantic import AnyHttpUrl, Field

from blocks.endpoints import SERVICES
from blocks.lake import Lake


class LakeBlock(Block):
    """Where transactions, panels, releases and channels are published; keys come from the role, never from here."""

    _block_type_name = "Pricewright lake"
    _block_type_slug = "pricewright-lake"

    url: str = Field(
        default="./lake",
        min_length=1,
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|file:///.*|[^:]+)$",
        description="s3://bucket/prefix, file:///folder, or a path.",
    )
    endpoint: AnyHttpUrl | None = Field(
        default=None, description="S3 endpoint, where it is not AWS; else PRICEWRIGHT_S3_ENDPOINT."
    )
    region: str | None = Field(
        default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="AWS region, such as eu-west-1; else AWS_REGION."
    )

    def open(self) -> Lake:
        """The lake of these fields; nothing is read or written yet."""
        given = {SERVICES["s3"]: self.endpoint and str(self.endpoint).rstrip("/"), "AWS_REGION": self.region}
        return Lake(self.url, dict(os.environ) | {name: value for name, value in given.items() if value})
