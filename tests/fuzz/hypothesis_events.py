"""hypothesis over events of every kind: `python -m tests.fuzz.hypothesis_events EXAMPLES FOLDER`."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.events import EVENTS
from tests.fuzz.targets import check_reply, shop_app
from tests.fuzz.try_out import try_out


def main() -> None:
    """Ask so many times; every fault is noted, and it goes on."""
    examples, folder = int(sys.argv[1]), Path(sys.argv[2])
    app, started, tried, faults = shop_app(), time.monotonic(), 0, dict[str, int]()
    how = settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @how
    @given(EVENTS)
    def ask(event: Any) -> None:
        nonlocal tried
        tried += 1
        fault = try_out(lambda _: check_reply(event, app), b"")
        if fault is not None:
            key = f"{fault.kind} {fault.where}"
            if key not in faults:
                (folder / f"fault-{len(faults) + 1}.txt").write_text(f"{event!r}\n{fault.story}\n")
            faults[key] = faults.get(key, 0) + 1

    ask()
    count = {"inputs": tried, "seconds": round(time.monotonic() - started, 1), "faults": faults}
    (folder / "count.json").write_text(json.dumps(count))


if __name__ == "__main__":
    main()
