"""One line of JSON per request; its metrics are in CloudWatch's embedded format, so that an alarm can use them."""

import json
import sys
from collections.abc import Mapping
from typing import Any

NAMESPACE = "Pricewright"
METRICS = [
    {"Name": "Milliseconds", "Unit": "Milliseconds"},
    {"Name": "Fallbacks", "Unit": "Count"},
    {"Name": "FellBack", "Unit": "Count"},  # 0 or 1: its average is the share of answers with a fallback
    {"Name": "Failures", "Unit": "Count"},
    {"Name": "ReleaseTrouble", "Unit": "Count"},
]
DATA_AGE = {"Name": "DataAgeDays", "Unit": "None"}  # CloudWatch has no unit of days; the warm-up alone tells it
# Failures once more for each version of the function: a deployment watches the version that it tries out by them.
BY_VERSION = {"Namespace": NAMESPACE, "Dimensions": [["Function", "Version"]], "Metrics": [METRICS[3]]}
encode = json.JSONEncoder().encode  # made once: dumps would make one a line


def _about(metrics: list[dict[str, str]], *more: dict[str, Any]) -> str:
    """What CloudWatch is to make of a line, from the second member of `_aws` on: made once, not for every line."""
    described = {"Namespace": NAMESPACE, "Dimensions": [["Channel", "Route"]], "Metrics": metrics}
    return encode({"CloudWatchMetrics": [described, *more]})[1:-1]


# By whether the line has the age of the data, and whether a version of a function writes it.
ABOUT = {
    (age, version): _about([*METRICS, DATA_AGE] if age else METRICS, *([BY_VERSION] if version else []))
    for age in (False, True)
    for version in (False, True)
}


def line(
    route: str,
    status: int,
    milliseconds: float,
    served: Mapping[str, Any],
    trouble: str,
    timestamp: int,
    error: str = "",
    channel: str = "",
    function: str = "",
    version: str = "",
) -> str:
    """The line of one request; `timestamp` in milliseconds since 1970, `channel` keeps stages of an account apart.

    `function`, `version`: what of Lambda answers; empty elsewhere.
    """
    fallbacks = served.get("fallbacks") or []
    about = ABOUT[DATA_AGE["Name"] in served, bool(version)]
    content = {
        "Channel": channel,
        "Route": route,
        "Status": status,
        "Milliseconds": round(milliseconds, 3),
        "Fallbacks": len(fallbacks),
        "FellBack": int(bool(fallbacks)),
        "Failures": int(status >= 500),
        "ReleaseTrouble": int(bool(trouble)),
        **served,
    }
    if version:
        content |= {"Function": function, "Version": version}
    if trouble:
        content["trouble"] = trouble
    if error:
        content["error"] = error
    return f'{{"_aws": {{"Timestamp": {timestamp:d}, {about}}}, {encode(content)[1:]}'


def write(text: str) -> None:
    """To standard output, where Lambda's log is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
