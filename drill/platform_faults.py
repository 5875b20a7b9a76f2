"""What breaks of the platform, which has to come back by itself, and do what it was about."""

import subprocess
import sys
import time

from drill.deliveries import expect
from drill.faults import Fault, Stage, lake
from drill.machine import ROOT, kill, until, wait_for_port
from drill.weekly import LONGEST_RUN

PATIENCE = 600.0  # seconds until something has to be back, on a machine that has other work
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def api_killed(at: Stage) -> None:
    """kill -9 of the price API; supervisord starts it again."""
    at.mark()
    at.platform.kill("api")
    until(at.platform.api_answers, "the price API", PATIENCE)


def api_killed_while_the_lake_is_down(at: Stage) -> None:
    """It comes back with nothing but the release in its image."""
    with lake(at, "down"):
        at.platform.kill("api")
        until(at.platform.api_answers, "the price API", PATIENCE)
        time.sleep(1)


def redis_gone(at: Stage) -> None:
    """Nobody listens there any more."""
    with at.platform.stopped("redis"):
        time.sleep(at.lasts)
        at.mark()
    until(at.platform.redis_used, "Redis to be used again", PATIENCE)


def redis_empty(at: Stage) -> None:
    """kill -9: it comes back at once, and has forgotten everything."""
    at.mark()
    at.platform.kill("redis")
    until(at.platform.redis_used, "Redis to be used again", PATIENCE)


def redis_garbage(at: Stage) -> None:
    """Something else answers on its port."""
    port = at.platform.redis_port
    with at.platform.stopped("redis"):
        command = [sys.executable, "-m", "drill.garbage_redis", str(port)]
        with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: S603 - our own
            wait_for_port(port, process)
            time.sleep(at.lasts)
            kill(process.pid)
        at.mark()
    until(at.platform.redis_used, "Redis to be used again", PATIENCE)


def worker_killed(at: Stage) -> None:
    """kill -9 of Prefect's worker while a roll-back that it started is at work; supervisord starts it again."""
    run = at.platform.begin("roll-back/on-demand", store=at.scene.served, by="drill")
    until(lambda: at.platform.state(run) in ("RUNNING", *ENDED), "a roll-back to begin", PATIENCE)
    at.mark()
    at.platform.kill("worker")
    until(lambda: at.platform.running("worker"), "the worker", PATIENCE)
    until(lambda: at.platform.state(run) in ENDED, "the roll-back to end", PATIENCE)
    again = at.platform.begin("roll-back/on-demand", store=at.scene.served, by="drill")
    until(lambda: at.platform.state(again) in ENDED, "another roll-back by the new worker", PATIENCE)
    expect(at.platform.state(again) in ("COMPLETED", "FAILED"), f"it ended {at.platform.state(again)}")


def server_killed(at: Stage) -> None:
    """kill -9 of Prefect's server; supervisord starts it again."""
    at.mark()
    at.platform.kill("prefect")
    until(at.platform.server_answers, "Prefect's server", PATIENCE)


def flow_killed(at: Stage) -> None:
    """kill -9 of the process of a flow run."""
    at.weekly.kill(at.scene.random.uniform(1, 20))
    at.mark()
    ends = len(at.weekly.ends)
    until(lambda: 0 in at.weekly.ends[ends:], "a weekly run that comes to its end", 2 * LONGEST_RUN)


def database_locked(at: Stage) -> None:
    """Somebody holds Prefect's SQLite for himself."""
    with at.platform.database_locked():
        time.sleep(2 * at.lasts)
    at.mark()
    until(at.platform.server_answers, "Prefect's server", PATIENCE)


WITH_PLATFORM: dict[str, Fault] = {
    "kill -9 of the price API": api_killed,
    "kill -9 of the price API, lake down": api_killed_while_the_lake_is_down,
    "Redis gone": redis_gone,
    "Redis restarted empty": redis_empty,
    "Redis answers garbage": redis_garbage,
    "kill -9 of Prefect's worker": worker_killed,
    "kill -9 of Prefect's server": server_killed,
    "kill -9 of a flow": flow_killed,
    "Prefect's database locked": database_locked,
}
