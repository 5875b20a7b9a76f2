"""An approval: what a person decided about a release, signed, so that nobody else can have decided it.

A token is `<base64url of the decision's JSON>.<base64url of its MAC>`, as in JWS (RFC 7515) without its choice of
algorithms: the holder of the key decides how it signs.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from pricewright.core.errors import ApprovalError, ParameterError

Decision = Literal["approve", "reject"]
SHORTEST_SECRET = 32  # bytes, the size of the digest: RFC 2104 discourages shorter keys


class Seal(Protocol):
    """A key that makes and checks message authentication codes."""

    def sign(self, message: bytes) -> bytes:
        """The code of a message."""
        ...

    def verify(self, message: bytes, code: bytes) -> bool:
        """Whether a code was made from this message with this key."""
        ...


@dataclass(frozen=True)
class Approval:
    """`expires`: until when it may be used (UTC); `override`: why, in spite of a gate that warned."""

    release: str
    decision: Decision
    reviewer: str
    expires: datetime
    override: str = ""
    note: str = ""


class HmacSeal:
    """HMAC-SHA-256 with a secret: anyone who can check an approval could also have given it."""

    def __init__(self, secret: bytes) -> None:
        """Raises ParameterError for a secret that is too short."""
        if len(secret) < SHORTEST_SECRET:
            raise ParameterError(
                f"the approval key has {len(secret)} bytes, at least {SHORTEST_SECRET} are needed.",
                hint="python3 -c 'import secrets; print(secrets.token_hex(32))' makes one.",
            )
        self._secret = secret

    def sign(self, message: bytes) -> bytes:
        """See Seal."""
        return hmac.digest(self._secret, message, hashlib.sha256)

    def verify(self, message: bytes, code: bytes) -> bool:
        """See Seal; takes as long for a wrong code as for the right one."""
        return hmac.compare_digest(self.sign(message), code)


def sign(approval: Approval, seal: Seal) -> str:
    """The approval as a token."""
    content = asdict(approval) | {"expires": approval.expires.astimezone(UTC).isoformat(timespec="seconds")}
    message = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return f"{_text(message)}.{_text(seal.sign(message))}"


def verify(token: str, seal: Seal, release: str, now: datetime) -> Approval:
    """What was decided about this release. Raises ApprovalError for a token that is forged, expired, or of another."""
    message, code = _parts(token)
    if not seal.verify(message, code):
        raise ApprovalError(
            "the approval's signature is not that of this key.", hint="pricewright approve signs with the right key."
        )
    approval = _read(message)
    if approval.release != release:
        raise ApprovalError(f"the approval is about release {approval.release}, not {release}.")
    if now >= approval.expires:
        raise ApprovalError(
            f"the approval of {approval.reviewer} expired at {approval.expires:%Y-%m-%d %H:%M} UTC.",
            hint="look at the release once more, and decide again.",
        )
    return approval


def _parts(token: str) -> tuple[bytes, bytes]:
    message, dot, code = token.strip().partition(".")
    try:
        if dot and message and code:
            return _bytes(message), _bytes(code)
    except (binascii.Error, ValueError):
        pass
    raise ApprovalError(f"{token[:20]!r}... is not an approval: two parts with a dot between are needed.")


def _read(message: bytes) -> Approval:
    """Only what carries the right signature is read."""
    content = json.loads(message)
    return Approval(**content | {"expires": datetime.fromisoformat(content["expires"])})


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
