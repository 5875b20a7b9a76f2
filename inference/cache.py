"""Caches answers in this process and in Redis; a circuit breaker rests what failed."""

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from inference.settings import Settings

REDIS = "redis"


class Breaker:
    """Remembers by name what failed, why, and until when it rests. `clock` gives seconds that only rise."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._resting: dict[str, tuple[float, str]] = {}

    def why_resting(self, name: str) -> str:
        """Why a name rests now; empty when it may be tried."""
        entry = self._resting.get(name)
        if entry is None or self._clock() >= entry[0]:
            return ""
        return f"resting for {entry[0] - self._clock():.0f} s after: {entry[1]}"

    def failed(self, name: str, why: str) -> None:
        """Let a name rest."""
        self._resting[name] = (self._clock() + self._seconds, why)

    def worked(self, name: str) -> None:
        """Forget that a name failed."""
        self._resting.pop(name, None)


class Memory:
    """The answers given last, by key; the one not asked for the longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str) -> str | None:
        """An answer, or None."""
        with self._lock:
            text = self._answers.get(key)
            if text is not None:
                self._answers.move_to_end(key)
            return text

    def keep(self, key: str, text: str) -> None:
        """Remember an answer."""
        with self._lock:
            self._answers[key] = text
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)


class RedisCache:
    """Answers shared by all processes. The client's import takes longer than a price: a thread of its own does it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._breaker = Breaker(settings.retry_seconds)
        self._client: Any = None
        self._opening = threading.Lock()

    @property
    def state(self) -> str:
        """For the health report: off, opening, ok, or why it rests."""
        if not self._settings.redis_url:
            return "off"
        return self._breaker.why_resting(REDIS) or ("opening" if self._client is None else "ok")

    def find(self, key: str, sound: Callable[[dict[str, Any]], bool]) -> str | None:
        """An answer that is a JSON object and sound; None when there is none or Redis does not answer."""
        if not self._usable():
            return None
        found = self._do(lambda client: client.get(key))
        return _checked(found, sound) if isinstance(found, bytes) else None

    def keep(self, key: str, text: str) -> None:
        """Remember an answer, if Redis takes it."""
        if self._usable():
            self._do(lambda client: client.set(key, text, ex=self._settings.redis_keep_seconds))
        elif self._settings.redis_url and self._client is None and self._opening.acquire(blocking=False):
            threading.Thread(target=self._open, daemon=True, name=REDIS).start()

    def _usable(self) -> bool:
        return self._client is not None and not self._breaker.why_resting(REDIS)

    def _do(self, work: Any) -> Any:
        try:
            result = work(self._client)
        except Exception as error:  # noqa: BLE001  whatever Redis or its client does, the price is computed
            self._breaker.failed(REDIS, f"{type(error).__name__}: {error}")
            return None
        self._breaker.worked(REDIS)
        return result

    def _open(self) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._client = redis.Redis.from_url(
                self._settings.redis_url,
                socket_connect_timeout=self._settings.redis_connect_seconds,
                socket_timeout=self._settings.redis_read_seconds,
                retry=Retry(NoBackoff(), 0),
            )
        except Exception as error:  # noqa: BLE001  a missing package, an invalid URL: the price is computed
            why = "" if isinstance(error, ValueError) else f": {error}"  # of a URL it repeats parts of the password
            self._breaker.failed(REDIS, f"{type(error).__name__}{why or ' in PRICEWRIGHT_REDIS_URL'}")
            self._opening.release()


def _checked(body: bytes, sound: Callable[[dict[str, Any]], bool]) -> str | None:
    """The text of an answer in which every number is finite; anyone may have written it."""
    try:
        text = body.decode()
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    good = isinstance(found, dict) and text.startswith("{") and _finite(found) and sound(found)
    return text if good else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _finite(value: Any) -> bool:
    """Whether no number in it is infinite: JSON can write 1e999."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
