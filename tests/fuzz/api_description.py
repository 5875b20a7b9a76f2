"""schemathesis: requests out of inference/openapi.json, good and bad, through the real gateway and handler.

Run in a process of its own: `python -m tests.fuzz.api_description EXAMPLES FOLDER`. What is checked: no 5xx, a
declared status, the declared content type, and content that is as the schema says.
"""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from inference.dev_server import make_gateway
from tests.fuzz.targets import shop_app

DESCRIPTION = Path(__file__).parents[2] / "inference" / "openapi.json"
LONGEST = 5.0


def main() -> None:
    """Ask so many times for every operation."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    logging.disable(logging.CRITICAL)
    examples, folder = int(sys.argv[1]), Path(sys.argv[2])
    checks = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", make_gateway(shop_app()))
    tried, faults, started = 0, dict[str, int](), time.monotonic()
    how = settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip

    def ask(case: Any) -> None:
        nonlocal tried
        tried += 1
        before = time.process_time()
        try:
            case.call_and_validate(checks=checks)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001
            key = f"wrong {type(error).__name__} {case.method} {case.path}"
            if key not in faults:
                (folder / f"fault-{len(faults) + 1}.txt").write_text(f"{key}\n{error}\n{case.as_curl_command()}\n")
            faults[key] = faults.get(key, 0) + 1
        if time.process_time() - before > LONGEST:
            faults["hang"] = faults.get("hang", 0) + 1

    for operation in schema.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                how(given(operation.ok().as_strategy(generation_mode=mode))(ask))()
            except Exception as error:  # noqa: BLE001  an operation without parameters cannot be asked wrongly
                sys.stdout.write(f"{operation.ok().label} {mode}: {type(error).__name__}\n")
    count = {"inputs": tried, "seconds": round(time.monotonic() - started, 1), "faults": faults}
    (folder / "count.json").write_text(json.dumps(count))


if __name__ == "__main__":
    main()
