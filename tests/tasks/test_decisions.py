"""A signed decision is used once, is kept with its signature, and holds wherever the channel moves afterwards."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.approval_key import ApprovalKey
from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import ApprovalError, GateBlocked, ReleaseError
from pricewright.release import write_bundle
from pricewright.release.approval import Approval
from tasks import decisions
from tasks.audit import audit
from tasks.releases import (
    decided_promotion,
    decided_roll_back,
    now,
    promote_release,
    read_manifest,
    roll_back_release,
    write_release,
)
from testing.racing import GATES
from testing.synthetic_release import contents

SECRET = "a secret that is long enough for it"
KEY = ApprovalKey(secret=SecretStr(SECRET))
BLOCKED = GATES | {"drift": {"gate": "drift", "status": "block", "hint": "", "checks": []}}


class Site:
    """A lake with releases a, b and c of which production served a, and b after it."""

    def __init__(self, store: str, folder: Path) -> None:
        self.lake, self._folder = Lake(store), folder
        self.a, self.b, self.c = (self.write(level) for level in (0.0, 0.25, 0.5))
        for release in (self.a, self.b):
            promote_release(self.lake, release, "production", 1)

    def write(self, level: float, gates: dict[str, Any] = GATES) -> str:
        manifest = write_bundle(self._folder, **contents(level=level, skus=5) | {"gates": gates})
        write_release(self.lake, self._folder, manifest)
        return manifest.id

    def sign(self, release: str, channel: str = "production", **how: Any) -> str:
        subject = decisions.subject_of(read_manifest(self.lake, release), channel, how.pop("image", ""))
        given = {"decision": "approve", "reviewer": "ada", "expires": now() + timedelta(hours=1)} | how
        return KEY.sign(Approval(subject, **given))

    def served(self) -> str:
        pointer = Channel(self.lake).read()
        assert pointer is not None
        return pointer.release

    def edit(self, key: str, change: Any) -> None:
        """What somebody does who may write to the lake."""
        blob = self.lake.read(key)
        content = json.loads(blob.body)
        change(content)
        self.lake.swap(key, blob, json.dumps(content).encode())

    def flip(self, release: str, reseal: bool = False) -> None:
        """Make a gate of a release say something else; `reseal`: and the manifest's own seal agree with it."""

        def change(content: dict[str, Any]) -> None:
            content["gates"]["drift"]["status"] = "warn"
            if reseal:
                del content["sealed"]

        self.edit(f"releases/{release}/manifest.json", change)

    def found(self) -> list[str]:
        """What an audit finds."""
        return [finding.seen for checked in audit(self.lake, None, key=KEY) for finding in checked.findings]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("PRICEWRIGHT_APPROVAL_KEY", SECRET)
    return Site(str(tmp_path / "lake"), tmp_path / "bundles")


def test_a_roll_back_goes_to_what_was_served_before_and_nowhere_else(site: Site) -> None:
    with pytest.raises(ReleaseError, match="never served"):
        roll_back_release(site.lake, "production", site.c)
    with pytest.raises(ReleaseError, match="never served"):
        roll_back_release(site.lake, "staging", site.a)
    assert roll_back_release(site.lake, "production", site.a).release == site.a
    assert roll_back_release(site.lake, "production", site.b).release == site.b


def test_a_decision_rolls_back_to_a_release_that_was_never_served(site: Site) -> None:
    pointer = decided_roll_back(site.lake, "production", site.c, "ann", site.sign(site.c))
    assert pointer.release == site.c == site.served()
    assert site.found() == []


def test_no_decision_serves_a_release_that_a_gate_blocks(site: Site) -> None:
    blocked = site.write(0.7, BLOCKED)
    token = site.sign(blocked, override="I want it")
    for act in (decided_roll_back, lambda *given: decided_promotion(site.lake, blocked, "production", 1, token)):
        with pytest.raises(GateBlocked, match="drift blocks"):
            act(site.lake, "production", blocked, "", token)
    assert site.served() == site.b


def test_a_gate_that_came_to_block_stops_a_roll_back_too(site: Site) -> None:
    site.edit(
        f"releases/{site.a}/manifest.json",
        lambda content: content["gates"].update(BLOCKED) or content.pop("sealed"),
    )
    with pytest.raises(GateBlocked, match="drift blocks"):
        roll_back_release(site.lake, "production", site.a)


def test_from_the_first_decision_on_a_channel_needs_one(site: Site) -> None:
    decided_promotion(site.lake, site.c, "production", 1, site.sign(site.c))
    with pytest.raises(ApprovalError, match="is moved by signed decisions") as caught:
        promote_release(site.lake, site.a, "production", 1)
    assert f"pricewright sign {site.a}" in caught.value.hint
    assert roll_back_release(site.lake, "production").release == site.b, "the way back needs none"
    with pytest.raises(ApprovalError, match="is moved by signed decisions"):
        promote_release(site.lake, site.c, "production", 1)
    assert promote_release(site.lake, site.a, "staging", 1).release == site.a


@pytest.mark.parametrize(
    "how",
    [{"decision": "reject"}, {"expires": now() - timedelta(seconds=1)}, {"channel": "staging"}, {"image": "sha256:1"}],
)
def test_a_decision_that_does_not_fit_moves_nothing(site: Site, how: dict[str, Any]) -> None:
    token = site.sign(site.c, **how)
    for act in (
        lambda: decided_promotion(site.lake, site.c, "production", 1, token),
        lambda: decided_roll_back(site.lake, "production", site.c, "", token),
    ):
        with pytest.raises(ApprovalError):
            act()
    assert site.served() == site.b and not site.lake.list("approvals")


def test_a_decision_about_gates_that_were_altered_since_moves_nothing(site: Site) -> None:
    token = site.sign(site.c, override="Advent")
    site.flip(site.c, reseal=True)
    with pytest.raises(ApprovalError, match="is about manifest"):
        decided_promotion(site.lake, site.c, "production", 1, token)
    assert site.served() == site.b


def test_a_decision_is_used_once(site: Site) -> None:
    token = site.sign(site.c)
    decided_promotion(site.lake, site.c, "production", 1, token)
    roll_back_release(site.lake, "production")
    for act in (
        lambda: decided_promotion(site.lake, site.c, "production", 1, token),
        lambda: decided_roll_back(site.lake, "production", site.c, "", token),
    ):
        with pytest.raises(ApprovalError, match="a decision is used once"):
            act()
    assert site.served() == site.b


def test_a_use_that_was_cut_off_goes_on_but_not_after_somebody_moved_the_channel(site: Site) -> None:
    first, second = (KEY.read(site.sign(site.c)) for _ in "ab")
    decisions.begin(site.lake, first, Channel(site.lake).see(), "ann", now())  # and killed
    promote_release(site.lake, site.c, "production", 1, approval=first)  # killed before its end
    promote_release(site.lake, site.c, "production", 1, approval=first)
    decisions.finish(site.lake, first, now())
    roll_back_release(site.lake, "production")
    decisions.begin(site.lake, second, Channel(site.lake).see(), "ann", now())  # and killed
    roll_back_release(site.lake, "production", site.a)
    with pytest.raises(ApprovalError, match="was moved since"):
        promote_release(site.lake, site.c, "production", 1, approval=second)
    assert site.served() == site.a


def test_another_decision_of_the_same_nonce_is_refused(site: Site) -> None:
    first = KEY.read(site.sign(site.c))
    second = KEY.read(KEY.sign(replace(first, note="another", token="")))
    seen = Channel(site.lake).see()
    decisions.begin(site.lake, first, seen, "ann", now())
    with pytest.raises(ApprovalError, match="a nonce is of one decision"):
        decisions.begin(site.lake, second, seen, "ann", now())


@pytest.mark.parametrize("nonce", ["../../channels/production", "", "A" * 32, "0" * 31])
def test_a_nonce_is_no_path_to_another_folder(site: Site, nonce: str) -> None:
    approval = KEY.read(KEY.sign(replace(KEY.read(site.sign(site.c)), nonce=nonce, token="")))
    with pytest.raises(ApprovalError, match="not the nonce of a decision"):
        promote_release(site.lake, site.c, "production", 1, approval=approval)
    assert site.served() == site.b


def test_an_audit_of_decisions_that_hold_finds_nothing(site: Site) -> None:
    decided_promotion(site.lake, site.c, "production", 1, site.sign(site.c))
    roll_back_release(site.lake, "production")
    assert site.found() == []


@pytest.mark.parametrize("reseal", [False, True])
def test_a_flipped_gate_fails_the_audit_and_the_roll_back(site: Site, reseal: bool) -> None:
    site.flip(site.a, reseal)
    assert any("altered" in seen for seen in site.found()), site.found()
    with pytest.raises((ReleaseError, GateBlocked), match="altered"):
        roll_back_release(site.lake, "production", site.a)


def test_metrics_and_lineage_are_under_the_seal_too(site: Site) -> None:
    for name, value in (
        ("metrics", {"models": {}}),
        ("lineage", {"data": "other"}),
        ("created", "2012-01-01T00:00:00Z"),
    ):
        site.edit(
            f"releases/{site.a}/manifest.json", lambda content, name=name, value=value: content.update({name: value})
        )
        with pytest.raises(ReleaseError, match="altered"):
            read_manifest(site.lake, site.a)


def test_a_manifest_without_a_seal_from_before_there_was_one_is_served(site: Site) -> None:
    site.edit(f"releases/{site.c}/manifest.json", lambda content: content.pop("sealed"))
    assert promote_release(site.lake, site.c, "production", 1).release == site.c


@pytest.mark.parametrize(
    "what",
    ["gone", "forged", "of another nonce", "of another release", "of another channel", "a rejection", "used too late"],
)
def test_a_decision_that_is_not_what_let_the_release_in_fails_the_audit(site: Site, what: str) -> None:
    first = site.sign(site.c)
    decided_promotion(site.lake, site.c, "production", 1, first)
    (key,) = site.lake.list("approvals")
    nonce = KEY.read(first).nonce
    token = {
        "forged": ApprovalKey(secret=SecretStr("x" * 32)).sign(KEY.read(first)),
        "of another nonce": site.sign(site.c),
        "of another release": site.sign(site.a, nonce=nonce),
        "of another channel": site.sign(site.c, "staging", nonce=nonce),
        "a rejection": site.sign(site.c, nonce=nonce, decision="reject"),
    }
    if what == "gone":
        site.lake.remove(key)
    elif what == "used too late":
        site.edit(key, lambda use: use.update(begun_at="2100-01-01T00:00:00Z"))
    else:
        site.edit(key, lambda use: use.update(token=token[what]))
    assert len(site.found()) == 1
    roll_back_release(site.lake, "production")
    with pytest.raises(ApprovalError):
        roll_back_release(site.lake, "production", site.c)


def test_an_approval_in_a_manifest_that_nobody_signed_fails_the_audit(site: Site) -> None:
    decided_promotion(site.lake, site.c, "production", 1, site.sign(site.c, override="Advent"))
    (entry,) = read_manifest(site.lake, site.c).approvals
    assert (entry["reviewer"], entry["override"], entry["channel"]) == ("ada", "Advent", "production")
    site.edit(f"releases/{site.c}/manifest.json", lambda content: content["approvals"][0].update(reviewer="eve"))
    assert any("eve" in seen for seen in site.found()), site.found()


def test_an_approval_of_another_release_in_a_manifest_fails_the_audit(site: Site) -> None:
    for release in (site.c, site.a):
        decided_promotion(site.lake, release, "production", 1, site.sign(release, override="Advent"))
    (signed,) = read_manifest(site.lake, site.c).approvals
    assert site.found() == []
    site.edit(f"releases/{site.a}/manifest.json", lambda content: content.update(approvals=[signed]))
    assert any("another release" in seen or site.c in seen for seen in site.found()), site.found()


@pytest.mark.parametrize("sealed", [False, True])
def test_an_approval_without_a_token_stands_in_manifests_from_before_there_was_a_seal_alone(
    site: Site, sealed: bool
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["approvals"] = [{"reviewer": "ada", "decision": "approve", "override": "", "note": ""}]
        if not sealed:
            del content["sealed"]

    site.edit(f"releases/{site.b}/manifest.json", change)
    assert bool(site.found()) == sealed, site.found()


def test_without_a_key_the_way_back_is_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    decided_promotion(site.lake, site.c, "production", 1, site.sign(site.c))
    monkeypatch.delenv("PRICEWRIGHT_APPROVAL_KEY")
    assert roll_back_release(site.lake, "production").release == site.b
    assert roll_back_release(site.lake, "production", site.c).release == site.c
