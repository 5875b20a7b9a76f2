"""One line of JSON per request; its metrics are in CloudWatch's embedded format, so that an alarm can use them."""

import json
import sys
from collections.abc import Mapping
from typing import Any

NAMESPACE = "Pricewright"
METRICS = [
    {"Name": "Milliseconds", "Unit": "Milliseconds"},
    {"Name": "Fallbacks", "Unit": "Count"},
    {"Name": "Failures", "Unit": "Count"},
    {"Name": "ReleaseTrouble", "Unit": "Count"},
]
encode = json.JSONEncoder().encode  # made once: dumps would make one a line
ABOUT = encode(  # the same in every line
    {"CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Route"]], "Metrics": METRICS}]}
)[1:-1]


def line(
    route: str,
    status: int,
    milliseconds: float,
    served: Mapping[str, Any],
    trouble: str,
    timestamp: int,
    error: str = "",
) -> str:
    """The line of one request; `timestamp` in milliseconds since 1970."""
    fallbacks = served.get("fallbacks") or []
    content = {
        "Route": route,
        "Status": status,
        "Milliseconds": round(milliseconds, 3),
        "Fallbacks": len(fallbacks),
        "Failures": int(status >= 500),
        "ReleaseTrouble": int(bool(trouble)),
        **served,
    }
    if trouble:
        content["trouble"] = trouble
    if error:
        content["error"] = error
    return f'{{"_aws": {{"Timestamp": {timestamp:d}, {ABOUT}}}, {encode(content)[1:]}'


def write(text: str) -> None:
    """To standard output, where Lambda's log is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
