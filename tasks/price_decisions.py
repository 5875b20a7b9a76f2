"""What people decide about the prices of a plan, kept in the lake: one object per decision, written once.

`decisions/<release>/<time>-<nonce>.json` says who decided what about which prices, when and why; with a key it is
signed. A decision stands until what it was about changes: the proposed price, or of a rejected one what speaks for it.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from blocks.lake import Lake
from pricewright.core.errors import ApprovalError, LakeError, ParameterError
from pricewright.core.item import Item
from pricewright.core.manifest import need_id
from pricewright.core.what_if import MOST_PRICE

if TYPE_CHECKING:
    from blocks.approval_key import ApprovalKey

Verdict = Literal["accept", "reject", "set", "withdraw"]
FOLDER, ISSUER = "decisions", "pricewright/prices"
SAME = 0.005  # prices that differ by less are one on a label
LONGEST_NAME, LONGEST_REASON, MOST_MOVES = 100, 500, 5_000
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """One item of a decision: the price now, the one that the plan proposed, the one that shall be asked (None: it is
    rejected or withdrawn), and in how many weeks the proposed one had been asked."""

    stock_code: str
    store: str | None
    current_price: float
    proposed_price: float
    price: float | None
    asked_weeks: int

    @property
    def item(self) -> Item:
        """What it is about."""
        return Item(self.stock_code, self.store)


@dataclass(frozen=True)
class Decision:
    """What one person decided at once; `at`: UTC, ISO 8601; `token`: the signed form, empty without a key."""

    release: str
    decision: Verdict
    by: str
    at: str
    reason: str
    moves: tuple[Move, ...]
    nonce: str
    token: str = ""

    @property
    def key(self) -> str:
        """Where the lake keeps it; keys of one release are in order of time."""
        return f"{FOLDER}/{self.release}/{self.at.replace(':', '').replace('-', '')}-{self.nonce}.json"

    @property
    def claims(self) -> dict[str, str]:
        """What is signed: all of it, the moves by their hash."""
        body = json.dumps([asdict(move) for move in self.moves], sort_keys=True).encode()
        texts = {name: str(getattr(self, name)) for name in ("decision", "by", "at", "reason")}
        return texts | {
            "iss": ISSUER, "sub": self.release, "jti": self.nonce, "moves": hashlib.sha256(body).hexdigest(),
        }  # fmt: skip

    def to_json(self) -> bytes:
        """The object of the lake."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, body: bytes, key: str) -> "Decision":
        """The decision in an object. Raises LakeError for what is none."""
        try:
            content = json.loads(body)
            moves = tuple(Move(**move) for move in content.pop("moves"))
            return cls(moves=moves, **content)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise LakeError(
                f"{key} is not a decision: {type(error).__name__} {str(error)[:80]}.",
                hint="restore the object as it was written, or move it out of decisions/.",
            ) from None


@dataclass(frozen=True)
class Standing:
    """The latest decision about an item, and whether it still stands."""

    decision: Decision
    move: Move
    stands: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON for the page."""
        about = {name: getattr(self.decision, name) for name in ("release", "decision", "by", "at", "reason")}
        return asdict(self.move) | about | {"stands": self.stands, "signed": bool(self.decision.token)}


def decide(
    plan: Sequence[Row], release: str, verdict: str, by: str, reason: str, asked: Iterable[Row], now: datetime
) -> Decision:
    """A decision about rows of the release's plan; asked: stock_code and store of each, and `price` where it is set.

    Raises ParameterError with the rule that is broken.
    """
    need_id(release)
    known = get_args(Verdict)
    _need(verdict in known, f"decision is {verdict[:40]!r}: one of {', '.join(known)} is needed.")
    by, reason, wanted = by.strip(), reason.strip(), list(asked)
    _need(
        0 < len(by) <= LONGEST_NAME, f"by has {len(by)} characters: who decides is needed, in {LONGEST_NAME} at most."
    )
    _need(len(reason) <= LONGEST_REASON, f"reason has {len(reason)} characters, at most {LONGEST_REASON} are kept.")
    _need(verdict != "reject" or bool(reason), "a rejection needs a reason.", "such as: a price point of the brand.")
    _need(0 < len(wanted) <= MOST_MOVES, f"{len(wanted)} prices in one decision: 1 to {MOST_MOVES} are possible.")
    rows = {_item(row): row for row in plan}
    moves = tuple(_move(rows, verdict, row) for row in wanted)
    twice = len(moves) - len({move.item for move in moves})
    _need(not twice, f"{twice} products are in the decision twice.")
    at = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    return Decision(release, verdict, by, at, reason, moves, uuid.uuid4().hex)  # type: ignore[arg-type]


def _move(rows: Mapping[Item, Row], verdict: str, asked: Row) -> Move:
    item = _item(asked)
    _need(item in rows, f"{item} is not in the plan.", "load the page again.")
    row, price = rows[item], asked.get("price")
    current, proposed = float(row["current_price"]), float(row["optimal_price"])
    if verdict == "accept":
        _need(abs(proposed - current) >= SAME, f"{item} keeps its price: there is nothing to accept.")
        price = proposed
    elif verdict == "set":
        number = isinstance(price, int | float) and not isinstance(price, bool) and 0 < price <= MOST_PRICE
        _need(number, f"price of {item} is {price!r}: a number above 0 and at most {MOST_PRICE:g} is needed.")
        price = round(float(price or 0), 4)
    else:
        price = None
    return Move(item.stock_code, item.store, current, proposed, price, int(row["asked_weeks"]))


def keep(lake: Lake, decision: Decision, key: "ApprovalKey | None") -> Decision:
    """Write it to the lake, signed where there is a key: when this returns, it is there for good."""
    signed = replace(decision, token=key.sign_claims(decision.claims)) if key else decision
    lake.swap(signed.key, None, signed.to_json())
    return signed


def check(decision: Decision, key: "ApprovalKey | None") -> None:
    """Raise ApprovalError for a decision that says something else than was signed. Without a key nothing is checked."""
    if key is None or not decision.token:
        return
    if key.read_claims(decision.token) != decision.claims:
        raise ApprovalError(f"{decision.key} says something else than {decision.by} decided: it was altered.")


class Decisions:
    """All decisions of a lake; objects never change, so each is read once.

    An object that is no decision, or was altered, counts for nothing and is named in `trouble`, by its key.
    """

    def __init__(self, lake: Lake, key: "ApprovalKey | None" = None) -> None:
        self._lake, self._key = lake, key
        self._known: dict[str, Decision] = {}
        self.trouble: dict[str, str] = {}

    def all(self) -> list[Decision]:
        """In order of time."""
        for key in sorted(set(self._lake.list(FOLDER)) - self._known.keys()):
            try:
                decision = Decision.from_json(self._lake.read(key).body, key)
                check(decision, self._key)
            except (LakeError, ApprovalError) as error:
                self.trouble[key] = error.message
            else:
                self._known[key] = decision
                self.trouble.pop(key, None)
        return sorted(self._known.values(), key=lambda decision: (decision.at, decision.nonce))

    def standing(self, plan: Iterable[Row]) -> list[Standing]:
        """The latest decision about each item of the plan that has one, withdrawn ones left out."""
        rows = {_item(row): row for row in plan}
        latest: dict[Item, tuple[Decision, Move]] = {}
        for decision in self.all():
            latest |= {move.item: (decision, move) for move in decision.moves if move.item in rows}
        return [
            Standing(decision, move, stands(decision.decision, move, rows[item]))
            for item, (decision, move) in sorted(latest.items(), key=lambda entry: str(entry[0]))
            if decision.decision != "withdraw"
        ]


def stands(verdict: str, move: Move, row: Row) -> bool:
    """Whether a decision still is about what the plan says: the same proposal, and beside it the same price now, or of
    a rejected one the same evidence."""
    if abs(float(row["optimal_price"]) - move.proposed_price) >= SAME:
        return False
    if verdict == "reject":
        return int(row["asked_weeks"]) == move.asked_weeks
    return abs(float(row["current_price"]) - move.current_price) < SAME


def _item(row: Row) -> Item:
    store = row.get("store")
    return Item(str(row.get("stock_code", "")), str(store) if store else None)


def _need(holds: bool, rule: str, hint: str = "") -> None:
    if not holds:
        raise ParameterError(rule, hint=hint)
