"""Approvals: only the holder of the key can give one, about one release, for a while."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.errors import ApprovalError, ParameterError
from pricewright.release.approval import Approval, HmacSeal, Subject, read, sign, verify

NOW = datetime(2011, 12, 5, 3, tzinfo=UTC)
ABOUT = Subject("2011-W48-0a1b2c3d", "production", "ab" * 32, f"sha256:{'c' * 64}")
SEAL = HmacSeal(b"k" * 32)
APPROVAL = Approval(ABOUT, "approve", "ada", NOW + timedelta(hours=1), override="Advent", note="looks right")


def test_what_was_signed_is_read_back() -> None:
    assert verify(sign(APPROVAL, SEAL), SEAL, ABOUT, NOW) == APPROVAL


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "reject"},
        {"reviewer": "eve"},
        {"nonce": "0" * 32},
        {"subject": ABOUT._replace(release="2011-W49-0")},
    ],
)
def test_nobody_can_change_what_was_decided(change: dict[str, Any]) -> None:
    *_, code = sign(APPROVAL, SEAL).split(".")
    head, forged, _ = sign(replace(APPROVAL, **change), HmacSeal(b"x" * 32)).split(".")
    with pytest.raises(ApprovalError, match="signature"):
        verify(f"{head}.{forged}.{code}", SEAL, change.get("subject", ABOUT), NOW)


def test_another_key_cannot_approve() -> None:
    with pytest.raises(ApprovalError, match="signature"):
        verify(sign(APPROVAL, HmacSeal(b"x" * 32)), SEAL, ABOUT, NOW)


@pytest.mark.parametrize(
    "other",
    [{"release": "2011-W49-00000000"}, {"channel": "staging"}, {"manifest": "cd" * 32}, {"image": f"sha256:{'d' * 64}"},
     {"image": ""}],
)  # fmt: skip
def test_an_approval_is_of_one_release_channel_manifest_and_image(other: dict[str, str]) -> None:
    (name,) = other
    with pytest.raises(ApprovalError, match=f"is about {name} {getattr(ABOUT, name)[:6]}.*, not"):
        verify(sign(APPROVAL, SEAL), SEAL, ABOUT._replace(**other), NOW)


def test_the_token_is_a_json_web_token_that_others_can_read() -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    token = jwt.decode(sign(APPROVAL, SEAL), OctKey.import_key(b"k" * 32), algorithms=["HS256"])
    known = {"sub": ABOUT.release, "aud": "production", "exp": int(APPROVAL.expires.timestamp()), "jti": APPROVAL.nonce}
    assert known.items() <= token.claims.items() and token.header == {"typ": "JWT", "alg": "HS256"}


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_a_token_does_not_choose_how_it_is_signed(algorithm: str) -> None:
    _, claims, code = sign(APPROVAL, SEAL).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=").decode()
    for signature in (code, ""):
        with pytest.raises(ApprovalError, match="not an approval"):
            verify(f"{head}.{claims}.{signature}", SEAL, ABOUT, NOW)


def test_two_decisions_are_never_the_same_one() -> None:
    again = Approval(ABOUT, "approve", "ada", APPROVAL.expires, override="Advent", note="looks right")
    assert again.nonce != APPROVAL.nonce and sign(again, SEAL) != sign(APPROVAL, SEAL)


def test_a_signed_token_that_is_no_approval_is_none() -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    for claims in ({}, {"sub": ABOUT.release}, {"sub": 1, "aud": [], "manifest": None, "exp": "soon"}):
        token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"k" * 32), algorithms=["HS256"])
        with pytest.raises(ApprovalError, match="no approval"):
            read(token, SEAL)


def test_an_approval_ends_when_it_says() -> None:
    token = sign(APPROVAL, SEAL)
    assert verify(token, SEAL, ABOUT, APPROVAL.expires - timedelta(seconds=1)) == APPROVAL
    with pytest.raises(ApprovalError, match="expired at 2011-12-05 04:00 UTC"):
        verify(token, SEAL, ABOUT, APPROVAL.expires)


@given(st.text(max_size=60))
def test_no_text_is_an_approval_by_chance(text: str) -> None:
    with pytest.raises(ApprovalError):
        verify(text, SEAL, ABOUT, NOW)


def test_the_token_hides_nothing() -> None:
    content = sign(APPROVAL, SEAL).split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(content + "=="))["reviewer"] == "ada"


def test_a_short_secret_is_no_key() -> None:
    with pytest.raises(ParameterError, match="has 5 bytes, at least 32"):
        HmacSeal(b"short")
