"""What the flows are asked for: a form each in the Prefect UI, options on the command line."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pricewright.parameters import check_parameters, json_schema
from tasks.existing_weeks import BackfillOrder
from tasks.stages import STAGES

WEEK = r"^\d{4}-W\d{2}$"


GUARDED = "production"


def no_way_around(parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse what a person decides: anyone who may start a run could else move production, or overrule a gate."""
    promote = parameters.get("promote")
    asked = promote if isinstance(promote, dict) else {}
    if asked.get("channel") == GUARDED:
        raise ValueError(f"promote.channel is {GUARDED}: a person decides about it, release_to: {GUARDED} asks one")
    if asked.get("override"):
        raise ValueError("promote.override is no part of a request: a reviewer gives the reason, with a signature")
    return parameters


def within_bounds(parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse a value that breaks its rule, as the command does. Raises ParameterError; an empty section is none."""
    check_parameters({section: values for section, values in parameters.items() if values is not None})
    return parameters


# Prefect's server knows the bounds as well: it makes no run of a value that breaks one.
Parameters = Annotated[
    dict[str, Any], AfterValidator(within_bounds), AfterValidator(no_way_around), Field(json_schema_extra=json_schema())
]


class RefreshRequest(BaseModel):
    """Which transactions to learn from, where to publish, and which numbers to use instead of params.yaml's.

    The channel is `staging` where none is named.
    """

    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        default="", description="CSV, Parquet or xlsx file of sales, or a folder; empty: the simulated market."
    )
    stores: str = Field(default="", description="File of the stores and their zones; empty: there is none.")
    products: str = Field(default="", description="File of the products and their limits; empty: there is none.")
    stock: str = Field(default="", description="File of the stock by store, product and day; empty: there is none.")
    rules: str = Field(default="", description="File of rules that the plan keeps to; empty: there is none.")
    store: str = Field(
        default="", description="The lake: a folder or s3://bucket/prefix; empty: that of the block pricewright."
    )
    columns: dict[str, str] = Field(default_factory=dict, description="Pricewright's column names -> the file's.")
    parameters: Parameters = Field(
        default_factory=dict, description="Laid over params.yaml, such as {train: {network: {epochs: 5}}}."
    )
    release_to: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9-]*)?$",
        description="Channel that a person is asked to release the result to; empty: nobody is asked.",
    )

    @property
    def laid_over(self) -> dict[str, Any]:
        """The parameters, with the channel that a request without one means."""
        promote = {"channel": "staging"} | (self.parameters.get("promote") or {})
        return self.parameters | {"promote": promote}


class OwnRefreshRequest(RefreshRequest):
    """What `pricewright run` asks for: whoever runs it writes the lake themselves, and may name any channel."""

    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def laid_over(self) -> dict[str, Any]:
        """The parameters as they are: params.yaml names the channel."""
        return self.parameters


def _one_of_the_stages(name: str) -> str:
    if name not in STAGES:
        raise ValueError(f"there is no stage {name[:40]!r}; the stages are {', '.join(STAGES)}")
    return name


StageName = Annotated[str, AfterValidator(_one_of_the_stages), Field(json_schema_extra={"enum": list(STAGES)})]


class BackfillRequest(BaseModel):
    """Which weeks are ingested once more, and which stages follow."""

    model_config = ConfigDict(extra="forbid")

    first_week: str = Field(pattern=WEEK, description="First ISO week, such as 2011-W10.")
    last_week: str = Field(pattern=WEEK, description="Last ISO week, such as 2011-W20.")
    max_parallel: int = Field(default=4, ge=1, le=64, description="Weeks that are worked on at the same time, at most.")
    stages: list[StageName] = Field(
        default=["ingest", "feature"], min_length=1, description="Stages that follow, as far as they are stale."
    )
    walk_forward: bool = Field(
        default=False, description="Score the models as of each week: minutes per week on a large shop."
    )
    drop_vanished: bool = Field(
        default=False, description="Weeks and files that the source no longer has: drop their rows knowingly."
    )
    source: str = Field(default="", description="File, folder or s3://bucket/prefix of sales; empty: the last run's.")
    store: str = Field(
        default="", description="The lake: a folder or s3://bucket/prefix; empty: that of the block pricewright."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Pricewright's column names -> the file's; empty: the last run's."
    )
    parameters: Parameters = Field(default_factory=dict, description="Laid over params.yaml; empty: the last run's.")

    @model_validator(mode="after")
    def _are_weeks(self) -> Self:
        """Raises ParameterError, which names the invalid week."""
        if not self.order().weeks:
            raise AssertionError("weeks are one or more")
        return self

    def order(self) -> BackfillOrder:
        """The same for the tasks, the stages in the order in which they run."""
        asked = self.model_dump() | {"stages": tuple(name for name in STAGES if name in self.stages)}
        return BackfillOrder(**asked)


class OwnBackfillRequest(BackfillRequest):
    """What `pricewright backfill` asks for, as OwnRefreshRequest."""

    parameters: dict[str, Any] = Field(default_factory=dict)


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
