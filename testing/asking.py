"""Price requests all the time, each answer held against the price list of the release that it names."""

import io
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import Any, Self

import polars as pl

from pricewright.backups import REGISTRY

Lists = Callable[[str], Mapping[str, Mapping[str, Any]] | None]
DECLARED = {400, 404, 405, 413, 422, 503}  # the statuses of inference/openapi.json besides 200; 500 is a defect
SAME = 1e-6  # relative: what the API computes and what the release wrote down
PATIENCE = 30.0  # seconds after which a request that nobody answers is lost
PAUSE = 0.05
UNKNOWN, TOO_FEW = "NO-SUCH-SKU", "num_price_bins=1"  # questions that deserve an error
Question = tuple[str, str, str | None, str]


def dice(seed: int) -> Random:
    """Of its own for anyone who throws them."""
    return Random(seed)  # nosec B311 # what breaks when is no secret


@dataclass
class Tally:
    """What became of the requests of a time."""

    answers: Counter[str] = field(default_factory=Counter)  # by what answered
    errors: Counter[int] = field(default_factory=Counter)  # declared ones, by status
    wrong: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    tried_again: int = 0
    longest: float = 0.0

    @property
    def asked(self) -> int:
        """All of them."""
        return sum(self.answers.values()) + sum(self.errors.values()) + len(self.wrong) + len(self.unanswered)

    @property
    def lost(self) -> list[str]:
        """Those with no answer, or a wrong one."""
        return self.wrong + self.unanswered


def by_sku(body: bytes) -> dict[str, dict[str, Any]]:
    """The rows of a price list."""
    return {row["stock_code"]: row for row in pl.read_parquet(io.BytesIO(body)).to_dicts()}


def judge(status: int, content: Any, asked: str, lists: Lists) -> str:
    """Why an answer is wrong; empty when it is right."""
    if status != 200:
        declared = status in DECLARED and isinstance(content, dict) and content.get("status") == status
        return "" if declared else f"{status} is no declared error: {str(content)[:200]}"
    listed = lists(str(content.get("release")))
    if listed is None:
        return f"it names {content.get('release')!r}, which is no release"
    rows = content.get("prices", [content])
    for row in rows:
        if row.get("release", content["release"]) != content["release"]:
            return f"it mixes {content['release']} and {row['release']}"
        known = listed.get(row["stock_code"])
        if known is None:
            return f"{row['stock_code']} is not in the price list of {content['release']}"
        if why := _differs(row | {"model": row.get("model", content.get("model"))}, known):
            return f"{row['stock_code']} of {content['release']}: {why}"
    return "" if asked in ("", *(row["stock_code"] for row in rows)) else f"{asked} was asked for"


def undeserved(status: int, path: str, asked: str, everywhere: Collection[str]) -> str:
    """Why this question deserved no such error; empty when it did. everywhere: the SKUs that every release has."""
    wrong = {
        404: asked in everywhere and UNKNOWN not in path,
        422: TOO_FEW not in path,
        400: True,
        405: True,
        413: True,
    }
    return f"{status} although nothing is wrong with it" if wrong.get(status) else ""


def _differs(row: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """A backup answers with prices of its own, inside the same guardrail."""
    if row["model"] not in (known["model"], "price_list"):
        low, high = known["guardrail_low"], known["guardrail_high"]
        inside = low * (1 - SAME) <= row["optimal_price"] <= high * (1 + SAME)
        return "" if inside else f"{row['model']} says {row['optimal_price']}, outside of {low} to {high}"
    for name in ("current_price", "optimal_price", "expected_sales"):
        if not math.isclose(row[name], known[name], rel_tol=SAME):
            return f"{name} is {row[name]}, its price list says {known[name]}"
    return ""


def request(codes: Sequence[str], throw: Random) -> Question:
    """Method, path, body and the SKU that is asked for; now and then a question that deserves an error.

    None asks for prices of its own: on another grid, another optimum than the price list's is right.
    """
    code = throw.choice(codes)
    path = f"/v1/predict-price/{code}"
    kind = throw.random()
    if kind < 0.15:
        return "POST", "/v1/prices", json.dumps({"stock_codes": throw.sample(codes, min(8, len(codes)))}), ""
    if kind < 0.2:
        return "GET", "/v1/price-list?format=json", None, ""
    if kind < 0.25:
        return "GET", f"/v1/predict-price/{UNKNOWN}", None, code
    if kind < 0.3:
        return "GET", f"{path}?{TOO_FEW}", None, code
    if kind < 0.4:
        return "GET", f"{path}?model={throw.choice(tuple(REGISTRY))}", None, code
    return "GET", path, None, code


class Asking:
    """Threads that ask one after the other; use it as a context. `tally` may be taken out at any time."""

    def __init__(self, port: int, codes: list[str], lists: Lists, seed: int, threads: int = 3, pause: float = PAUSE):
        self._port, self._codes, self._lists, self._pause = port, codes, lists, pause
        self._lock = threading.Lock()
        self._tally, self.whole = Tally(), Tally()
        self._over = threading.Event()
        thrown = [dice(seed + number) for number in range(threads)]
        self._threads = [threading.Thread(target=self._work, args=(throw,)) for throw in thrown]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask no more; those that were asked are answered."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.take()

    def take(self) -> Tally:
        """What happened since the last time."""
        with self._lock:
            taken, self._tally = self._tally, Tally()
        self.whole.answers += taken.answers
        self.whole.errors += taken.errors
        self.whole.wrong += taken.wrong
        self.whole.unanswered += taken.unanswered
        self.whole.tried_again += taken.tried_again
        self.whole.longest = max(self.whole.longest, taken.longest)
        return taken

    def _work(self, throw: Random) -> None:
        while not self._over.is_set():
            self._ask(throw)
            time.sleep(self._pause)

    def _ask(self, throw: Random) -> None:
        method, path, body, asked = request(self._codes, throw)
        began, tries = time.monotonic(), 0
        while True:
            try:
                status, content = _call(self._port, method, path, body)
                break
            except (OSError, HTTPException, ValueError) as error:
                tries += 1
                if time.monotonic() - began > PATIENCE:
                    with self._lock:
                        self._tally.unanswered.append(f"{method} {path}: {type(error).__name__} {error}")
                    return
                time.sleep(PAUSE)
        why = judge(status, content, asked, self._lists) or undeserved(status, path, asked, ())
        with self._lock:
            self._tally.tried_again += bool(tries)
            self._tally.longest = max(self._tally.longest, time.monotonic() - began)
            if why:
                self._tally.wrong.append(f"{method} {path}: {why}")
            elif status == 200:
                self._tally.answers[str(content.get("model", "list"))] += 1
            else:
                self._tally.errors[status] += 1


def _call(port: int, method: str, path: str, body: str | None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
