"""Signed decisions in the lake: each is used once, kept with its signature, and checked wherever a channel moves.

`approvals/<nonce>.json` holds the token, what the channel pointed to when its use began, and when the use ended. A use
that was killed may go on while nobody else has moved the channel; one that ended is never repeated.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from blocks.channel import Channel, Seen, Step
from blocks.lake import Lake
from pricewright.core.errors import ApprovalError, GateBlocked
from pricewright.core.manifest import MANIFEST, Manifest, release_key
from pricewright.release.approval import AGAIN, Approval, Subject
from tasks.gates import refuse_blocked

if TYPE_CHECKING:
    from blocks.approval_key import ApprovalKey


@dataclass(frozen=True)
class Use:
    """What is known of the use of a decision; `found`: what the channel held when it began; times in ISO 8601."""

    token: str
    found: str
    begun_at: str
    begun_by: str
    done_at: str = ""


def decision_key(nonce: str) -> str:
    """The key of a decision in the lake. Raises ApprovalError for what could be a path to another folder."""
    if len(nonce) != 32 or not set(nonce) <= set("0123456789abcdef"):
        raise ApprovalError(f"{nonce[:40]!r} is not the nonce of a decision: 32 digits in hex are needed.")
    return f"approvals/{nonce}.json"


def subject_of(manifest: Manifest, channel: str, image: str = "") -> Subject:
    """What a decision about this release has to be about."""
    return Subject(manifest.id, channel, manifest.digest, image)


def need_reason(approval: Approval, gates: Sequence[str]) -> None:
    """Raise ApprovalError when a release of which these gates did not say ok is approved without a reason."""
    if approval.decision == "approve" and gates and not approval.override.strip():
        raise ApprovalError(
            f"gate {', '.join(gates)} of {approval.subject.release} did not say ok: approving needs a reason.",
            hint='give it as override, or --override "why".',
        )


def begin(lake: Lake, approval: Approval, seen: Seen, by: str, now: datetime) -> None:
    """Use a decision, or go on with a use that was cut off. Raises ApprovalError when it was used already.

    seen: the pointer of its channel, as whoever acts on the decision saw it.
    """
    if approval.decision != "approve":
        raise ApprovalError(
            f"{approval.reviewer} rejected release {approval.subject.release}: {approval.note or 'no reason given'}"
        )
    found = _tag(seen)
    ours = seen.pointer is not None and seen.pointer.approval == approval.nonce

    def use(body: bytes | None) -> bytes | None:
        if body is None:
            return _json(Use(approval.token, found, _iso(now), by))
        known = _use(body)
        if known.token != approval.token:
            raise ApprovalError(f"another decision was kept as {approval.nonce}: a nonce is of one decision.")
        if known.done_at:
            raise ApprovalError(
                f"the approval of {approval.reviewer} was used at {known.done_at}: a decision is used once.", hint=AGAIN
            )
        if not ours and known.found != found:
            raise ApprovalError(
                f"channel {approval.subject.channel} was moved since the approval of {approval.reviewer} was first "
                f"used, at {known.begun_at}: a decision is about what it found.",
                hint=AGAIN,
            )
        return None

    lake.update(decision_key(approval.nonce), use)


def finish(lake: Lake, approval: Approval, now: datetime) -> None:
    """Its use ends: it is never used again."""

    def end(body: bytes | None) -> bytes | None:
        known = _use(body or b"")
        return None if known.done_at else _json(replace(known, done_at=_iso(now)))

    lake.update(decision_key(approval.nonce), end)


def record(lake: Lake, approval: Approval) -> Manifest:
    """The manifest with the approval in it, once; its files and id stay. Of two writers one wins, the other retries."""
    key = release_key(approval.subject.release, MANIFEST)
    entry = _entry(approval)

    def approve(body: bytes | None) -> bytes | None:
        manifest = Manifest.from_json(body) if body is not None else None
        if manifest is None or entry in [dict(known) for known in manifest.approvals]:
            return None
        return replace(manifest, approvals=(*manifest.approvals, entry)).to_json()

    return Manifest.from_json(lake.update(key, approve) or lake.read(key).body)  # read says what is missing


def find(lake: Lake, nonce: str) -> Use:
    """A decision that the lake keeps. Raises ApprovalError when there is none."""
    blob = lake.find(decision_key(nonce))
    if blob is None:
        raise ApprovalError(f"the lake {lake.url} keeps no decision {nonce}.", hint="pricewright audit.")
    return _use(blob.body)


def check_kept(lake: Lake, nonce: str, manifest: Manifest, channel: str, key: "ApprovalKey | None") -> None:
    """Raise ApprovalError when the decision that let a release into a channel is not kept, or says something else.

    The image it was about is not looked at: that is the function's affair. Without a key no signature is checked.
    """
    use = find(lake, nonce)
    if key is None:
        return
    approval = key.read(use.token)
    approval.need(subject_of(manifest, channel, approval.subject.image))
    if approval.nonce != nonce or approval.decision != "approve" or use.begun_at >= _iso(approval.expires):
        raise ApprovalError(
            f"what is kept as {nonce} is {approval.decision} {approval.nonce}, used at {use.begun_at} and valid until "
            f"{_iso(approval.expires)}: it let nothing in."
        )


def check_entry(entry: Mapping[str, Any], manifest: Manifest, key: "ApprovalKey") -> None:
    """Raise ApprovalError when an approval in a manifest is not what its token says; older ones have no token."""
    token = entry.get("token")
    if token is None and not manifest.sealed:
        return
    approval = key.read(str(token or ""))
    approval.need(subject_of(manifest, approval.subject.channel, approval.subject.image))
    if dict(entry) != _entry(approval):
        raise ApprovalError(
            f"{MANIFEST} says that {entry.get('reviewer')} decided {entry.get('decision')}: {approval.reviewer} signed "
            f"{approval.decision}, and what else is said is signed too."
        )


def check_step(lake: Lake, step: Step, manifest: Manifest, channel: str, key: "ApprovalKey | None") -> None:
    """Whether a release may be served again as it was: unaltered, not blocked, its decision still what it was.

    Raises GateBlocked or ApprovalError.
    """
    refuse_blocked(manifest.gates, str(manifest.gates.get("override") or ""))
    if step.manifest and step.manifest != manifest.digest:
        raise GateBlocked(
            f"{step.release} was served with manifest {step.manifest[:12]}..., now it is {manifest.digest[:12]}...: "
            "gates, metrics or lineage were altered since.",
            hint="name another release: see pricewright releases.",
        )
    if step.approval:
        check_kept(lake, step.approval, manifest, channel, key)


def need_decision(channel: Channel, seen: Seen, release: str) -> None:
    """Raise ApprovalError where a channel that decisions move would be moved without one."""
    if seen.pointer and seen.pointer.guarded and seen.release != release:
        raise ApprovalError(
            f"channel {channel.name} is moved by signed decisions, and {release} comes without one.",
            hint=f"a reviewer gives one with pricewright sign {release} --channel {channel.name}; hand it over with "
            "--approval.",
        )


def _entry(approval: Approval) -> dict[str, str]:
    """An approval as a manifest keeps it: to be read without the key, and to be checked with it."""
    about = approval.subject._asdict() | asdict(approval) | {"expires": _iso(approval.expires)}
    return {name: value for name, value in about.items() if name != "subject"}


def _tag(seen: Seen) -> str:
    return hashlib.sha256(seen.blob.body).hexdigest() if seen.blob else ""


def _use(body: bytes) -> Use:
    try:
        return Use(**json.loads(body))
    except (ValueError, TypeError, RecursionError) as error:
        raise ApprovalError(f"what the lake keeps of a decision cannot be read: {error}") from None


def _json(use: Use) -> bytes:
    return json.dumps(asdict(use), indent=2).encode() + b"\n"


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
