"""Tries an input on a target: what went wrong with it, if anything did, or how long it took."""

import time
import traceback
from typing import NamedTuple

from tests.fuzz.targets import Target, Wrong

LONGEST = 5.0  # seconds of the processor: what takes longer hangs
PATIENCE = 20  # times as long on the clock, where other work takes the processor


class Fault(NamedTuple):
    """kind: crash, wrong (a 5xx above all) or hang; where: the last line of our code, by which they are told apart."""

    kind: str
    where: str
    story: str


def try_out(target: Target, data: bytes, longest: float = LONGEST) -> Fault | None:
    """What is wrong with this input."""
    began, started = time.process_time(), time.perf_counter()
    try:
        target(data)
    except Wrong as error:
        return Fault("wrong", str(error)[:60], str(error))
    except MemoryError:
        return Fault("crash", "MemoryError", "MemoryError")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  Polars' panics are no Exception
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "/site-packages/" not in frame.filename]
        return Fault("crash", f"{type(error).__name__} at {own[-1].filename}:{own[-1].lineno}", traceback.format_exc())
    seconds = max(time.process_time() - began, (time.perf_counter() - started) / PATIENCE)
    return Fault("hang", "slow", f"{seconds:.1f} s") if seconds > longest else None
