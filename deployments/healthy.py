"""`python -m deployments.healthy URL | services`: what compose.yaml asks to learn whether a container still works.

Prefect's services listen nowhere; but the queue that they work on (Docket, in Redis) is told by each worker every few
seconds that it lives.
"""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

PATIENCE = 4.0  # seconds
SILENCE = 60.0  # seconds without a sign of life; docket gives one every 2 s
WORKERS = "prefect-server:workers"


def answers(url: str) -> bool:
    """Whether there is an answer, and it is not an error."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:  # noqa: S310
            return int(reply.status) < 400
    except (urllib.error.URLError, OSError):
        return False


def services_live(environment: Mapping[str, str]) -> bool:
    """Whether a worker of the server's queue on this host gave a sign of life within the last minute."""
    from redis import Redis, RedisError

    try:
        with Redis.from_url(environment["PREFECT_SERVER_DOCKET_URL"], socket_timeout=PATIENCE) as redis:
            names = redis.zrangebyscore(WORKERS, time.time() - SILENCE, "+inf")
            return any(name.decode().startswith(f"{socket.gethostname()}#") for name in names)
    except (RedisError, KeyError):
        return False


def main() -> None:
    """Exit code 0 when it is well, 1 when not."""
    asked = sys.argv[1]
    sys.exit(0 if (services_live(os.environ) if asked == "services" else answers(asked)) else 1)


if __name__ == "__main__":
    main()
