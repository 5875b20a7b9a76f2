"""What a run of a flow is asked for: a form in the UI, options on the command line."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RefreshRequest(BaseModel):
    """Which transactions to learn from, where to publish, and which numbers to use instead of params.yaml's."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        default="", description="CSV, Parquet or xlsx file of sales, or a folder; empty: the simulated market."
    )
    store: str = Field(
        default="", description="The lake: a folder or s3://bucket/prefix; empty: that of the block pricewright."
    )
    columns: dict[str, str] = Field(default_factory=dict, description="Pricewright's column names -> the file's.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Laid over params.yaml, such as {train: {network: {epochs: 5}}}."
    )
    release_to: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9-]*)?$",
        description="Channel that a person is asked to release the result to; empty: nobody is asked.",
    )
