"""The automations of automations.yaml on a server: those of the same names are replaced, others are left alone."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore

from pricewright.core.errors import ParameterError

FILE = Path(__file__).with_name("automations.yaml")
PATIENCE = {"STUCK_SECONDS": "21600", "LOST_SECONDS": "180", "BACKUP_SECONDS": "900"}


def read_automations(values: Mapping[str, str], path: Path = FILE) -> list[AutomationCore]:
    """The automations with `values` for $NAMES. Raises ParameterError for a name that has none."""
    try:
        text = Template(path.read_text()).substitute(PATIENCE | dict(values))
    except KeyError as error:
        raise ParameterError(f"{path.name} asks for ${error.args[0]}, which nobody gives.") from None
    content: dict[str, Any] = yaml.safe_load(text)
    return [AutomationCore.model_validate(entry) for entry in content["automations"]]


def apply_automations(client: SyncPrefectClient, automations: list[AutomationCore]) -> None:
    """Names are not unique on a server: what is called so is deleted first, then made anew."""
    for automation in automations:
        for known in client.read_automations_by_name(automation.name):
            client.delete_automation(known.id)
        client.create_automation(automation)
