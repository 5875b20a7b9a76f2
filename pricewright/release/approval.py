"""An approval: what a person decided about a release, signed, so that nobody else can have decided it.

A token is a JSON Web Token (RFC 7519), signed with HMAC-SHA-256 (`HS256`) and nothing else: whoever holds the key
decides how it signs, not the token.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

from pricewright.core.errors import ApprovalError, ParameterError

Decision = Literal["approve", "reject"]
ALGORITHM, ISSUER = "HS256", "pricewright"
SHORTEST_SECRET = 32  # bytes, the size of the digest: RFC 2104 discourages shorter keys
LONGEST = 4000  # characters of a token; KMS signs 4096 bytes at most
AGAIN = "look at the release once more, and decide again: pricewright sign."


class Seal(Protocol):
    """A key that makes and checks message authentication codes."""

    def sign(self, message: bytes) -> bytes:
        """The code of a message."""
        ...

    def verify(self, message: bytes, code: bytes) -> bool:
        """Whether a code was made from this message with this key."""
        ...


class Subject(NamedTuple):
    """What is decided about: a release, with the digest of its manifest, for a channel, with an image or none.

    The channel of a deployment is called as its stage. `image`: `sha256:...`, empty where the image stays.
    """

    release: str
    channel: str
    manifest: str
    image: str = ""


@dataclass(frozen=True)
class Approval:
    """One decision about one subject, to be used once, which `nonce` is for; `expires`: until when (UTC).

    `override`: why, in spite of a gate that warned; `token`: the signed form, of one that was verified.
    """

    subject: Subject
    decision: Decision
    reviewer: str
    expires: datetime
    override: str = ""
    note: str = ""
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    token: str = field(default="", compare=False, repr=False)

    def need(self, subject: Subject) -> None:
        """Raise ApprovalError when something else was decided about."""
        for name, decided, wanted in zip(Subject._fields, self.subject, subject, strict=True):
            if decided != wanted:
                raise ApprovalError(
                    f"the approval is about {name} {decided or 'none'}, not {wanted or 'none'}.", hint=AGAIN
                )


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
    subject = approval.subject
    claims = {
        "iss": ISSUER,
        "sub": subject.release,
        "aud": subject.channel,
        "manifest": subject.manifest,
        "image": subject.image,
        "exp": int(approval.expires.timestamp()),
        "jti": approval.nonce,
        "decision": approval.decision,
        "reviewer": approval.reviewer,
        "override": approval.override,
        "note": approval.note,
    }
    return sign_claims(claims, seal)


def sign_claims(claims: Mapping[str, Any], seal: Seal) -> str:
    """Claims as a token."""
    from joserfc import jwt

    return jwt.encode({"alg": ALGORITHM}, dict(claims), _no_key(), registry=_registry(seal))


def verify(token: str, seal: Seal, subject: Subject, now: datetime) -> Approval:
    """What was decided about this subject. Raises ApprovalError for a token that is forged, expired, or of another."""
    approval = read(token, seal)
    approval.need(subject)
    if now >= approval.expires:
        raise ApprovalError(
            f"the approval of {approval.reviewer} expired at {approval.expires:%Y-%m-%d %H:%M} UTC.", hint=AGAIN
        )
    return approval


def read(token: str, seal: Seal) -> Approval:
    """What a token with the right signature says, whenever. Raises ApprovalError for any other text."""
    return replace(_approval(read_claims(token, seal)), token=token.strip())


def read_claims(token: str, seal: Seal) -> dict[str, Any]:
    """The claims of a token with the right signature. Raises ApprovalError for any other text."""
    from joserfc import errors, jwt

    if len(token) > LONGEST:
        raise ApprovalError(f"{token[:20]!r}... has {len(token):,} characters: an approval has at most {LONGEST:,}.")
    try:
        return dict(jwt.decode(token.strip(), _no_key(), registry=_registry(seal)).claims)
    except errors.BadSignatureError:
        raise ApprovalError(
            "the approval's signature is not that of this key.", hint="pricewright approve signs with the right key."
        ) from None
    except (errors.JoseError, ValueError) as error:
        raise ApprovalError(f"{token[:20]!r}... is not an approval: {type(error).__name__} {error}".strip()) from None


def _approval(claims: dict[str, Any]) -> Approval:
    """Only what carries the right signature is read."""
    try:
        subject = Subject(*(str(claims[name]) for name in ("sub", "aud", "manifest", "image")))
        texts = {name: str(claims[name]) for name in ("decision", "reviewer", "override", "note")}
        expires = datetime.fromtimestamp(int(claims["exp"]), UTC)
        return Approval(subject, expires=expires, nonce=str(claims["jti"]), **texts)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ApprovalError(f"the token is signed, but no approval: {type(error).__name__} {error}") from None


def _registry(seal: Seal) -> Any:
    """The library's own, with the one algorithm that this seal makes codes of: the key may be out of reach, in KMS."""
    from joserfc.jws import JWSAlgModel, JWSRegistry  # type: ignore[attr-defined]

    class Sealed(JWSAlgModel):
        name, description = ALGORITHM, "HMAC using SHA-256"

        def check_key(self, key: Any) -> None:
            """The seal has its own."""

        def sign(self, msg: bytes, key: Any) -> bytes:
            return seal.sign(msg)

        def verify(self, msg: bytes, sig: bytes, key: Any) -> bool:
            return seal.verify(msg, sig)

    class Registry(JWSRegistry):
        algorithms = {ALGORITHM: Sealed()}  # noqa: RUF012

    return Registry(algorithms=[ALGORITHM])


def _no_key() -> Any:
    """What the library wants to be handed; the seal signs with its own."""
    from joserfc.jwk import OctKey

    return OctKey.generate_key(256)
