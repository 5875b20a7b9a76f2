"""Which Prefect server the command line speaks to: PREFECT_API_URL, else that of the stack on this machine."""

import os
from collections.abc import MutableMapping

from pricewright.core.errors import PricewrightError


def use_prefect(environment: MutableMapping[str, str] = os.environ) -> str:
    """The URL of the server's API; call it before anything imports Prefect. Raises PricewrightError without one."""
    from deployments.stack import running_stack
    from tasks.root import find_root

    stack = running_stack(find_root())
    if stack is not None:
        for name, value in stack.environment.items():
            environment.setdefault(name, value)
    url = environment.get("PREFECT_API_URL", "")
    if not url:
        raise PricewrightError(
            "no Prefect server: PREFECT_API_URL is not set, and no stack runs here.",
            hint="pricewright up --detach starts one.",
        )
    return url
