"""What a price API is asked under load: mixed requests as events of API Gateway, seeded, each answer judged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pricewright.core.manifest import PRICE_LIST
from testing.asking import by_sku, dice, judge, request, undeserved

Ask = Callable[[Any], tuple[Any, float]]


class Questions:
    """Of the SKUs of one release, whose price list the answers are held against."""

    def __init__(self, release: Path) -> None:
        rows = by_sku((release / PRICE_LIST).read_bytes())
        self._codes, self._dice = sorted(rows), dice(1)
        self._lists = {release.name: rows}

    def put(self, ask: Ask) -> tuple[int, str]:
        """Status, and why the answer is wrong."""
        event, path, asked = self.event()
        try:
            answer, _ = ask(event)
        except OSError as error:
            return 0, f"no reply: {type(error).__name__} {error}"
        try:
            status, content = int(answer["statusCode"]), json.loads(answer["body"])
        except (KeyError, TypeError, ValueError):
            return 0, f"no reply of the function: {str(answer)[:200]}"
        why = judge(status, content, asked, self._lists.get) or undeserved(status, path, asked, self._codes)
        return status, why

    def event(self) -> tuple[dict[str, Any], str, str]:
        """The next request as API Gateway sends it, its path, and the SKU that it asks for."""
        method, whole, body, asked = request(self._codes, self._dice)
        path, _, query = whole.partition("?")
        pairs = dict(pair.split("=") for pair in query.split("&") if pair)
        context = {"http": {"method": method, "path": path}, "stage": "$default"}
        event = {"version": "2.0", "rawPath": path, "queryStringParameters": pairs, "requestContext": context}
        return event | {"body": body}, whole, asked
