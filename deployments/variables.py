"""What prefect.yaml leaves open: the variables of a deployment, each checked before anything is deployed."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pricewright.core.errors import ParameterError

PREFIX = "PRICEWRIGHT_"
POOL_TYPES = {"process": "pricewright-process", "ecs": "pricewright-ecs"}


class Variables(BaseModel):
    """The variables by name, in lower case and without their prefix PRICEWRIGHT_."""

    model_config = ConfigDict(frozen=True)

    root: str = Field(description="The checkout that the flows run in, where they run.")
    work_pool: str = Field(default="pricewright-process", pattern=r"^[a-z0-9][a-z0-9-]*$", description="The work pool.")
    store: str = Field(default="./lake", min_length=1, description="The lake.")
    source: str = Field(default="", description="Where the sales are: a file, a folder or s3://...; empty: simulated.")
    cron: str = Field(default="0 6 * * 1", description="When the weekly run starts.")
    time_zone: str = Field(default="UTC", description="The time zone of `cron`, such as Europe/London.")
    notify_url: str = Field(
        default="http://127.0.0.1:8080/notices",
        pattern=r"^https?://",
        description="Where notifications go: a webhook that takes JSON.",
    )

    @field_validator("cron")
    @classmethod
    def _is_a_schedule(cls, cron: str) -> str:
        from prefect.client.schemas.schedules import CronSchedule

        CronSchedule(cron=cron)
        return cron

    @field_validator("time_zone")
    @classmethod
    def _is_on_the_map(cls, time_zone: str) -> str:
        if time_zone not in available_timezones():
            raise ValueError("is no time zone of the IANA database, such as Europe/London")
        return time_zone

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], root: Path) -> Self:
        """Those that are set, and the defaults. Raises ParameterError for the first that breaks its rule."""
        given = {
            name: environment[f"{PREFIX}{name.upper()}"]
            for name in cls.model_fields
            if environment.get(f"{PREFIX}{name.upper()}")
        }
        try:
            return cls(**{"root": str(root)} | given)
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{PREFIX}{str(first['loc'][0]).upper()}"
            raise ParameterError(f"{name} is {first['input']!r}: {first['msg']}.", hint="docs/operating.md.") from None

    def environment(self) -> dict[str, str]:
        """The variables as prefect.yaml names them; every one has a value."""
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in self.model_dump().items()}


def unset_variables(text: str, values: Mapping[str, str]) -> list[str]:
    """Names that a template `{{ $NAME }}` asks for and nobody gives: Prefect would deploy them as they stand."""
    return sorted({name for name in re.findall(r"\{\{\s*\$(\w+)\s*\}\}", text) if name not in values})
