"""What the sections of params.yaml are made of: kinds of numbers with their bounds, and limits of gates."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
Some = Annotated[int, Field(ge=1, le=100_000_000)]
Weeks = Annotated[int, Field(ge=0, le=2_000)]
SomeWeeks = Annotated[int, Field(ge=1, le=2_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Threshold = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]


def says(sentence: str) -> Any:
    """A field, and what it is for; its bounds are those of its kind."""
    return Field(description=sentence)


class Section(BaseModel):
    """A mapping of params.yaml. Names that it does not know are those of an extension, which brings its own checks."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Limits(Section):
    """Where a check of a gate warns, and where it blocks."""

    warn: Threshold = says("The gate warns here and beyond.")
    block: Threshold = says("The gate blocks here and beyond; where no value gets there, it never does.")


class YearLimits(Limits):
    """Limits of a check that knows less in a shop's first year."""

    first_year: Threshold = says("Instead of `block` while the history has no year before.")


class Reach(Section):
    """Where a hyperparameter is looked for."""

    low: float = Field(allow_inf_nan=False, ge=0, le=1_000_000, description="The least that is tried.")
    high: float = Field(allow_inf_nan=False, gt=0, le=1_000_000, description="The most that is tried.")
    log: bool = Field(default=False, description="Whether it is tried on a logarithmic scale.")
    int: bool = Field(default=False, description="Whether it is a whole number.")

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}, high is {self.high:g}: low must be the smaller one")
        if self.log and self.low <= 0:
            raise ValueError("low is 0: a logarithmic scale begins above it")
        return self
