"""The lake as a Prefect block, and where the lake of a flow run is: its request, the document, the environment."""

import os
from collections.abc import Callable, Mapping

from prefect.blocks.core import Block
from pydantic import AnyHttpUrl, Field

from blocks.document import find_in_run
from blocks.endpoints import SERVICES
from blocks.lake import Lake

Find = Callable[[type["LakeBlock"]], "LakeBlock | None"]


class LakeBlock(Block):
    """Where transactions, panels, releases and channels are published; keys come from the role, never from here.

    Every flow reads the document `pricewright` when it starts; a `store` in its request wins over it.

    Attributes:
        url: s3://bucket/prefix, file:///folder, or a path.
        endpoint: S3 endpoint, where it is not AWS; else PRICEWRIGHT_S3_ENDPOINT.
        region: AWS region; else AWS_REGION.

    Example:
        Let the next runs publish to another bucket:

        ```python
        from blocks.lake_block import LakeBlock

        LakeBlock(url="s3://shop/lake", region="eu-west-1").save("pricewright", overwrite=True)
        lake = LakeBlock.load("pricewright").open()
        ```
    """

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
        return Lake(self.url, os.environ | self.settings())

    def settings(self) -> dict[str, str]:
        """Endpoint and region, as far as they are filled in, by the variable that each stands in for."""
        given = {SERVICES["s3"]: str(self.endpoint or "").rstrip("/"), "AWS_REGION": self.region or ""}
        return {name: value for name, value in given.items() if value}


def locate_lake(store: str = "", find: Find = find_in_run) -> tuple[str, Mapping[str, str]]:
    """URL and environment of a flow run's lake: `store`, else the document's, else PRICEWRIGHT_STORE, else "".

    The document's endpoint and region go with its own URL, also where one run hands that to the next.
    """
    folder = bool(store) and not store.startswith("s3://")  # it needs neither endpoint nor region
    block = None if folder else find(LakeBlock)
    url = store or (block.url if block else os.environ.get("PRICEWRIGHT_STORE", ""))
    same = block is not None and block.url.rstrip("/") == url.rstrip("/")
    return url, os.environ | block.settings() if block and same else os.environ
