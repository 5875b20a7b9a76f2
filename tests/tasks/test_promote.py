"""Promotion: gates first, then a release that is whole and answers, then one swap of the pointer."""

import json
from pathlib import Path

import pytest

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import GateBlocked, ReleaseError
from tasks import promote
from tasks.releases import promote_release, read_releases, verify_release
from tasks.stage import report_nothing
from tasks.workspace import Workspace
from testing.synthetic_release import FILES, backup_onnx, fill, override


@pytest.fixture
def filled(tmp_path: Path, lake_url: str) -> Workspace:
    """On a lake in a folder, and on S3."""
    return fill(tmp_path, lake_url)


def run(workspace: Workspace) -> str:
    """Promote; the release that came of it."""
    metrics = promote.work(workspace, report_nothing)
    workspace.metrics("promote").write_text(json.dumps(metrics))
    return str(metrics["release"])


def test_a_release_in_the_lake_is_whole_and_the_channel_points_to_it(filled: Workspace) -> None:
    release = run(filled)
    lake = Lake(filled.store)
    assert set(lake.list(f"releases/{release}")) == {f"releases/{release}/{name}" for name in (*FILES, "manifest.json")}
    assert Channel(lake).read().release == release
    manifest = verify_release(lake, release)
    assert manifest.gates["drift"]["status"] == "ok"
    assert set(manifest.lineage) == {"data", "code", "params"}
    assert [one.gates for one in read_releases(lake)] == ["drift ok, proof ok, fairness ok"]


def test_promoting_the_same_again_changes_nothing(filled: Workspace) -> None:
    first = run(filled)
    pointer = Channel(Lake(filled.store)).read()
    assert run(filled) == first
    assert Channel(Lake(filled.store)).read() == pointer


def test_a_gate_that_blocks_leaves_the_channel_and_says_what_can_be_done(tmp_path: Path) -> None:
    store = str(tmp_path / "lake")
    old = run(fill(tmp_path, store))
    blocked = fill(tmp_path, store, level=0.5, drift=0.9)
    with pytest.raises(GateBlocked, match=r"drift blocks: drifted_columns is 0\.9, the limit is 0\.7") as caught:
        run(blocked)
    assert "look at the feed" in caught.value.hint
    assert "promote.override" in caught.value.hint
    assert Channel(Lake(store)).read().release == old
    assert len(read_releases(Lake(store))) == 1, "a blocked release is not even published"


def test_a_reason_overrides_a_gate_and_the_manifest_records_it(tmp_path: Path) -> None:
    at = override(fill(tmp_path, str(tmp_path / "lake"), drift=0.9), override="the shop moved house")
    release = run(at)
    manifest = verify_release(Lake(at.store), release)
    assert manifest.gates["override"] == "the shop moved house"
    assert manifest.gates["drift"]["status"] == "block"
    assert read_releases(Lake(at.store))[0].gates == "drift block, proof ok, fairness ok, overridden"


def test_a_gate_without_a_verdict_blocks() -> None:
    from tasks.gates import pass_gates

    with pytest.raises(GateBlocked, match="fairness has no verdict"):
        pass_gates({"drift": {"status": "ok"}, "proof": {"status": "ok"}}, "")
    with pytest.raises(GateBlocked, match="proof has no verdict") as caught:
        pass_gates({"drift": {"status": "ok"}, "fairness": {"status": "ok"}}, "")
    assert caught.value.hint == "pricewright stage train."


def test_a_release_that_was_altered_in_the_lake_is_not_promoted(tmp_path: Path) -> None:
    store = str(tmp_path / "lake")
    old = run(fill(tmp_path, store))
    new = run(fill(tmp_path, store, level=0.5))
    Channel(Lake(store)).point(old, "ann", promote.now())
    path = tmp_path / "lake" / "releases" / new / "svr.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ReleaseError, match=r"svr\.onnx"):
        promote_release(Lake(store), new, "production", 1)
    assert Channel(Lake(store)).read().release == old


def test_a_release_whose_network_does_not_answer_fails_its_smoke_test(tmp_path: Path) -> None:
    at = fill(tmp_path, str(tmp_path / "lake"))
    (at.work / "models" / "network.onnx").write_bytes(backup_onnx(0.0))
    with pytest.raises(ReleaseError, match="fails its smoke test"):
        run(at)
    assert Channel(Lake(at.store)).read() is None


def test_a_release_that_was_retired_is_not_promoted_again(filled: Workspace) -> None:
    lake = Lake(filled.store)
    old = run(filled)
    run(fill(filled.root, filled.store, level=0.5))
    lake.remove(f"releases/{old}/manifest.json")
    filled.metrics("promote").write_text(json.dumps({"release": old}))
    assert promote.why_invalid(filled, lake) == ""


def test_a_lake_that_was_emptied_gets_the_release_again(filled: Workspace, tmp_path: Path) -> None:
    assert promote.why_invalid(filled, Lake(filled.store)) == ""
    release = run(filled)
    assert promote.why_invalid(filled, Lake(filled.store)) == ""
    assert promote.why_invalid(filled, Lake(str(tmp_path / "other"))) == f"the lake has no release {release}"
