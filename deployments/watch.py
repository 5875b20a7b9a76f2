"""`python -m deployments.watch`: looks who answers for the price API, and tells Prefect, whose automations wait."""

import argparse
import json
import os
import time
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import PricewrightError
from tasks.prefect_tasks import API, BACKUP, NETWORK, SILENT

PATIENCE = 10.0  # seconds for an answer


def look(url: str) -> tuple[str, dict[str, Any]]:
    """The event that says who answered a warm-up, and what it said. Never raises: silence is an event too."""
    try:
        with urlopen(Request(f"{url}/v1/warmup", b"", method="POST"), timeout=PATIENCE) as answer:  # noqa: S310
            content = json.loads(answer.read())
    except (URLError, OSError, ValueError) as error:
        return SILENT, {"url": url, "why": str(error)}
    fallbacks = "; ".join(f"{one['model']}: {one['why']}" for one in content.get("fallbacks", []))
    event = NETWORK if content.get("model") == "network" else BACKUP
    return event, {"url": url, "model": content.get("model"), "release": content.get("release"), "why": fallbacks}


def has_release(store: str, channel: str = "production") -> bool:
    """Whether the API can be expected to answer: something was promoted, or the lake does not say."""
    try:
        return Channel(Lake(store), channel).read() is not None
    except PricewrightError:
        return True


def tell(event: str, payload: dict[str, Any]) -> None:
    """The event, about the price API."""
    from prefect.events import emit_event

    emit_event(event, {"prefect.resource.id": API, "prefect.resource.name": API}, payload=payload)


def main() -> None:
    """Look every so often until the stack stops."""
    parser = argparse.ArgumentParser(prog="python -m deployments.watch", description=__doc__)
    parser.add_argument("--api", default=os.environ.get("PRICEWRIGHT_API_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--store", default="", help="its lake: nothing is looked at before the first release is served")
    options = parser.parse_args()
    while True:
        if not options.store or has_release(options.store):
            tell(*look(options.api.rstrip("/")))
        time.sleep(options.seconds)


if __name__ == "__main__":
    main()
