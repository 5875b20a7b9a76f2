"""What params.yaml may hold: every number with its type, its bounds and a sentence."""

from pricewright.parameters.schema import Entry, check_parameters, json_schema, list_parameters

__all__ = ["Entry", "check_parameters", "json_schema", "list_parameters"]
