"""Run by the image's Python: many requests at the handler, and its memory at the start, in the middle, at the end."""

import json
import os
import sys
from itertools import cycle, islice
from pathlib import Path

WARM = 20_000  # requests until every cache is full


def rss() -> float:
    """MB that the process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def main() -> None:
    """Events on standard input, a line each, over and over."""
    from inference.handler import handler

    log, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  the API's log goes where Lambda's would
    requests = int(sys.argv[1])
    events = cycle([json.loads(line) for line in sys.stdin])
    for event in islice(events, WARM):
        handler(event)
    memory = [rss()]
    for _ in range(2):
        for event in islice(events, requests // 2):
            handler(event)
        memory.append(rss())
    json.dump({"requests": requests, "rss": memory}, log)


if __name__ == "__main__":
    main()
