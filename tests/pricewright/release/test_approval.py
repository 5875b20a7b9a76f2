"""Approvals: only the holder of the key can give one, about one release, for a while."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.errors import ApprovalError, ParameterError
from pricewright.release.approval import Approval, HmacSeal, sign, verify

NOW = datetime(2011, 12, 5, 3, tzinfo=UTC)
RELEASE = "2011-W48-0a1b2c3d"
SEAL = HmacSeal(b"k" * 32)
APPROVAL = Approval(RELEASE, "approve", "ada", NOW + timedelta(hours=1), override="Advent", note="looks right")


def test_what_was_signed_is_read_back() -> None:
    assert verify(sign(APPROVAL, SEAL), SEAL, RELEASE, NOW) == APPROVAL


@pytest.mark.parametrize("change", [{"decision": "reject"}, {"reviewer": "eve"}, {"release": "2011-W48-ffffffff"}])
def test_nobody_can_change_what_was_decided(change: dict[str, str]) -> None:
    _, code = sign(APPROVAL, SEAL).split(".")
    forged, _ = sign(replace(APPROVAL, **change), HmacSeal(b"x" * 32)).split(".")
    with pytest.raises(ApprovalError, match="signature"):
        verify(f"{forged}.{code}", SEAL, change.get("release", RELEASE), NOW)


def test_another_key_cannot_approve() -> None:
    with pytest.raises(ApprovalError, match="signature"):
        verify(sign(APPROVAL, HmacSeal(b"x" * 32)), SEAL, RELEASE, NOW)


def test_an_approval_is_of_one_release() -> None:
    with pytest.raises(ApprovalError, match="about release 2011-W48-0a1b2c3d, not 2011-W49-00000000"):
        verify(sign(APPROVAL, SEAL), SEAL, "2011-W49-00000000", NOW)


def test_an_approval_ends_when_it_says() -> None:
    token = sign(APPROVAL, SEAL)
    assert verify(token, SEAL, RELEASE, APPROVAL.expires - timedelta(seconds=1)) == APPROVAL
    with pytest.raises(ApprovalError, match="expired at 2011-12-05 04:00 UTC"):
        verify(token, SEAL, RELEASE, APPROVAL.expires)


@given(st.text(max_size=60))
def test_no_text_is_an_approval_by_chance(text: str) -> None:
    with pytest.raises(ApprovalError):
        verify(text, SEAL, RELEASE, NOW)


def test_the_token_hides_nothing() -> None:
    content = sign(APPROVAL, SEAL).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(content + "=="))["reviewer"] == "ada"


def test_a_short_secret_is_no_key() -> None:
    with pytest.raises(ParameterError, match="has 5 bytes, at least 32"):
        HmacSeal(b"short")
