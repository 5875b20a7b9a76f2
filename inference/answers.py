"""Answers as JSON text: from memory, from Redis, or computed, and then once for all who ask at the same time."""

import threading
from typing import NamedTuple

from inference.cache import Memory, RedisCache
from inference.failover import answer
from inference.query import Query
from inference.release import Release
from inference.replies import to_json
from inference.settings import Settings


class Answer(NamedTuple):
    """A JSON object without its opening fields; `cache` is memory, redis or miss."""

    text: str
    cache: str
    model: str
    fallbacks: list[dict[str, str]]


class Answers:
    """Keeps what was computed, under keys with the release id, so that a promotion needs no flush."""

    def __init__(self, settings: Settings) -> None:
        self._memory = Memory(settings.memory_answers)
        self.redis = RedisCache(settings)
        self._going: dict[str, threading.Lock] = {}

    def find(self, release: Release, place: int, query: Query) -> Answer:
        """The answer for a SKU; only what the model asked for answered itself is kept."""
        key = f"{release.id}:{place}:{query.key()}"
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        with self._going.setdefault(key, threading.Lock()):
            try:
                return self._fetch(release, place, query, key)
            finally:
                self._going.pop(key, None)

    def _fetch(self, release: Release, place: int, query: Query, key: str) -> Answer:
        kept = self._memory.find(key)
        if kept is not None:
            return Answer(kept, "memory", query.model, [])
        item = release.catalog.item(place)
        shared = f"pricewright:2:{release.id}:{item.key}:{query.key()}"
        kept = self.redis.find(shared, release=release.id, stock_code=item.stock_code, model=query.model)
        if kept is not None:
            self._memory.keep(key, kept)
            return Answer(kept, "redis", query.model, [])
        found = answer(release, place, query)
        text = to_json(found)
        if not found["fallbacks"]:
            self._memory.keep(key, text)
            self.redis.keep(shared, text)
        return Answer(text, "miss", found["model"], found["fallbacks"])
