"""What releasing a model is asked for: a form in the UI, options on the command line."""

from pydantic import BaseModel, ConfigDict, Field


class ReleaseRequest(BaseModel):
    """Which release shall be served on which channel, once a person has approved."""

    model_config = ConfigDict(extra="forbid")

    release: str = Field(
        pattern=r"^\d{4}-W\d{2}-[0-9a-f]{8}$",
        description="The candidate, in the lake: such as 2011-W48-0a1b2c3d.",
    )
    store: str = Field(
        default="", description="The lake: a folder or s3://bucket/prefix; empty: that of the block pricewright."
    )
    channel: str = Field(default="production", pattern=r"^[a-z][a-z0-9-]*$", description="The pointer that is moved.")
    hours: float = Field(
        default=72, gt=0, le=24 * 30, description="How long it waits for a decision; then it ends, nothing changed."
    )
