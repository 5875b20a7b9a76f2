"""Run by the image's Python: seconds of one answer after the other at the handler, printed as JSON."""

import json
import os
import sys
import time
from typing import Any

CALLS, SKUS = 2000, 4000


def price_event(code: str, unit_cost: float) -> dict[str, Any]:
    """What an HTTP API sends for a curve of 100 prices."""
    http = {"method": "GET", "path": f"/v1/predict-price/{code}"}
    query = {"num_price_bins": "100", "unit_cost": f"{unit_cost:.6f}"}
    context = {"http": http, "stage": "$default"}
    return {"version": "2.0", "rawPath": http["path"], "queryStringParameters": query, "requestContext": context}


def main() -> None:
    """Each call asks for another SKU and unit cost, so that no answer was given before."""
    from inference.handler import handler

    log, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  the API's log goes where Lambda's would
    code = sys.argv[1]
    seconds = []
    for number in range(CALLS + 100):
        event = price_event(str(int(code) + number % SKUS), number * 1e-6)
        began = time.perf_counter()
        handler(event)
        seconds.append(time.perf_counter() - began)
    codes = [str(int(code) + offset) for offset in range(SKUS)]
    bulk = []
    for _ in range(3):
        began = time.perf_counter()
        answer = handler({"stock_codes": codes})
        bulk.append(time.perf_counter() - began)
        if len(answer["prices"]) != SKUS:
            raise SystemExit(f"{len(answer['prices'])} of {SKUS} SKUs were priced")
    json.dump({"warm": seconds[100:], "bulk": bulk}, log)


if __name__ == "__main__":
    main()
