"""Run by the image's Python: many requests at the handler, and its memory at the start, in the middle, at the end."""

import json
import os
import sys
from itertools import cycle, islice

from bench.memory import NOW, kilobytes

WARM = 20_000  # requests until every cache is full


def main() -> None:
    """Events on standard input, a line each, over and over."""
    from inference.handler import handler

    log, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  the API's log goes where Lambda's would
    requests = int(sys.argv[1])
    events = cycle([json.loads(line) for line in sys.stdin])
    for event in islice(events, WARM):
        handler(event)
    memory = [kilobytes(NOW) / 1024]
    for _ in range(2):
        for event in islice(events, requests // 2):
            handler(event)
        memory.append(kilobytes(NOW) / 1024)
    json.dump({"requests": requests, "rss": memory}, log)


if __name__ == "__main__":
    main()
