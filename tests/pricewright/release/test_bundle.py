"""A release is what was written, says so itself, and nothing else may be served."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.core.arrays import pack, unpack
from pricewright.core.content import PLANNED
from pricewright.core.errors import ReleaseError
from pricewright.core.manifest import LATER, FileEntry
from pricewright.price_list import SCHEMA
from pricewright.release import Manifest, release_id, verify_bundle, write_bundle
from testing.synthetic_release import FILES, before_plans, contents, write_release
from tests.hostile_release import bodies_of, files_of, write_unchecked


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return contents()


def reader(folder: Path, manifest: Manifest) -> Callable[[str], bytes]:
    return lambda name: (folder / manifest.id / name).read_bytes()


def test_a_release_on_disk_passes_its_own_check(tmp_path: Path, content: dict[str, Any]) -> None:
    manifest = write_bundle(tmp_path, **content)
    verify_bundle(
        reader(tmp_path, manifest), Manifest.from_json((tmp_path / manifest.id / "manifest.json").read_bytes())
    )
    assert {path.name for path in (tmp_path / manifest.id).iterdir()} == {*FILES, "manifest.json"}
    assert [path.name for path in tmp_path.iterdir()] == [manifest.id]


def test_plan_and_price_changes_are_written_as_they_are(tmp_path: Path, content: dict[str, Any]) -> None:
    release = tmp_path / write_bundle(tmp_path, **content).id
    assert json.loads((release / "plan.json").read_bytes()) == content["plan"]
    assert pl.read_parquet(release / "price_changes.parquet").schema == SCHEMA


def test_a_release_from_before_there_were_plans_is_still_whole(tmp_path: Path) -> None:
    bodies = {name: body for name, body in files_of(before_plans()).items() if name not in LATER}
    release = write_unchecked(tmp_path, bodies)
    manifest = Manifest.from_json((tmp_path / release / "manifest.json").read_bytes())
    verify_bundle(reader(tmp_path, manifest), manifest)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("plan.json", b"{}", "plan.json is not a plan: KeyError 'sales_now'"),
        ("plan.json", b"[" * 100_000, "plan.json is not a plan: RecursionError"),
        ("plan.json", b"\xff", "plan.json is not a plan"),
        ("price_changes.parquet", b"no table", "price_changes.parquet is no Parquet table"),
    ],
)
def test_a_plan_or_a_table_that_is_none_is_refused(tmp_path: Path, name: str, body: bytes, message: str) -> None:
    release = write_unchecked(tmp_path, bodies_of() | {name: body})
    manifest = Manifest.from_json((tmp_path / release / "manifest.json").read_bytes())
    with pytest.raises(ReleaseError, match=message):
        verify_bundle(reader(tmp_path, manifest), manifest)


def test_a_plan_of_other_skus_or_without_numbers_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match=r"plan.json has 39 SKUs .* of the 40 SKUs"):
        write_bundle(tmp_path, **content | {"plan": content["plan"] | {"skus": 39}})
    with pytest.raises(ReleaseError, match=r"not finite in \['sales'\]"):
        write_bundle(tmp_path, **content | {"plan": content["plan"] | {"sales": float("nan")}})


@pytest.mark.parametrize("name", PLANNED)
def test_a_release_knows_all_of_its_families_demand_or_nothing(
    tmp_path: Path, content: dict[str, Any], name: str
) -> None:
    arrays = {key: array for key, array in content["catalog_arrays"].items() if key != name}
    with pytest.raises(ReleaseError, match=f"lacks the arrays {name}"):
        write_bundle(tmp_path, **content | {"catalog_arrays": arrays})


def test_a_promise_that_nobody_made_may_be_unknown(tmp_path: Path, content: dict[str, Any]) -> None:
    nothing = {f"list_{name}": np.full(40, np.nan) for name in ("promised_low", "promised_high")}
    listed = content["price_list"].with_columns(promised_low=np.nan, promised_high=np.nan)
    write_bundle(tmp_path, **content | {"catalog_arrays": content["catalog_arrays"] | nothing, "price_list": listed})


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, content: dict[str, Any]) -> None:
    first = write_bundle(tmp_path / "a", **content)
    second = write_bundle(tmp_path / "b", **content)
    assert first == second
    for name in (*FILES, "manifest.json"):
        assert (tmp_path / "a" / first.id / name).read_bytes() == (tmp_path / "b" / first.id / name).read_bytes()


def test_the_id_follows_from_the_content_and_not_from_when_or_how_well(tmp_path: Path, content: dict[str, Any]) -> None:
    first = write_bundle(tmp_path, **content)
    later = write_bundle(tmp_path, **content | {"created": "2012-01-01T00:00:00Z", "metrics": {}})
    other = write_bundle(tmp_path, **contents(level=0.5))
    assert first.id == later.id and first.id.startswith("2011-W48-")
    assert other.id != first.id


def test_a_week_that_is_none_is_refused() -> None:
    with pytest.raises(ReleaseError, match="2011-W48"):
        release_id("last week", {"network.onnx": FileEntry.of(b"x")})


def test_a_missing_and_an_unknown_file_are_named(tmp_path: Path, content: dict[str, Any]) -> None:
    manifest = write_bundle(tmp_path, **content)
    files = {name: entry for name, entry in manifest.files.items() if name != "svr.onnx"} | {"x": FileEntry.of(b"")}
    with pytest.raises(ReleaseError, match=r"lacks the files \['svr.onnx'\] and has the unknown files \['x'\]"):
        verify_bundle(reader(tmp_path, manifest), replace(manifest, files=files))


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_in_any_file_is_found(tmp_path: Path, content: dict[str, Any], name: str) -> None:
    manifest = write_bundle(tmp_path, **content)
    path = tmp_path / manifest.id / name
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(ReleaseError, match=f"{name} of release .* has sha256"):
        verify_bundle(reader(tmp_path, manifest), manifest)


def test_a_truncated_and_a_removed_file_are_found(tmp_path: Path, content: dict[str, Any]) -> None:
    manifest = write_bundle(tmp_path, **content)
    path = tmp_path / manifest.id / "network.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReleaseError, match=r"network.onnx of release .* has \d+ bytes"):
        verify_bundle(reader(tmp_path, manifest), manifest)
    path.unlink()
    with pytest.raises(ReleaseError, match=r"network.onnx of release .* cannot be read"):
        verify_bundle(reader(tmp_path, manifest), manifest)


def test_an_altered_manifest_betrays_itself(tmp_path: Path, content: dict[str, Any]) -> None:
    body = json.loads(write_bundle(tmp_path, **content).to_json())
    body["files"]["network.onnx"]["sha256"] = "0" * 64
    with pytest.raises(ReleaseError, match="it was altered"):
        Manifest.from_json(json.dumps(body).encode())
    for broken in (b"", b"[]", b"{}", b'{"files": {"a": 1}}'):
        with pytest.raises(ReleaseError, match="is not a valid manifest"):
            Manifest.from_json(broken)


def test_pickled_objects_are_neither_written_nor_read() -> None:
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ReleaseError, match="never Python objects"):
        pack({"description": objects})
    buffer = io.BytesIO()
    np.savez(buffer, description=objects)
    with pytest.raises(ReleaseError, match="Python objects"):
        unpack(buffer.getvalue(), "catalog.npz")


def test_what_is_packed_is_unpacked_and_numpy_reads_it_too() -> None:
    arrays = {
        "text": np.array(["85123A", "Ä"]), "none": np.empty((0, 3)), "scalar": np.asarray(2.5),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "strided": np.arange(10)[::2],
    }  # fmt: skip
    body = pack(arrays)
    saved = io.BytesIO()
    np.savez(saved, **arrays)
    noted = io.BytesIO(saved.getvalue())
    with zipfile.ZipFile(noted, "a") as archive:
        archive.comment = b"a zip of another kind"
    for read in (
        unpack(body, "a"),
        unpack(saved.getvalue(), "a"),
        unpack(noted.getvalue(), "a"),
        dict(np.load(io.BytesIO(body))),
    ):
        assert read.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype and read[name].shape == array.shape


@pytest.mark.parametrize("broken", [b"", b"no zip", pack({"a": np.arange(99)})[:-30]])
def test_what_is_no_npz_is_one_clear_error(broken: bytes) -> None:
    with pytest.raises(ReleaseError, match=r"catalog.npz cannot be read as plain arrays"):
        unpack(broken, "catalog.npz")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("features", np.nan, r"features has 3 values that are not finites \(first: SKU 20021\)"),
        ("dispersion", np.inf, "dispersion has 1 values"),
        ("anchor_price", 0.0, r"anchor_price of SKU 20021 is 0: a price is > 0"),
        ("stock_code", "00000", "sorted by stock_code"),
        ("demand_family", 40, "demand_family of SKU 20021 is 40: a number from 0 to 39"),
        ("demand_level", -1.0, "demand_level of SKU 20021 is -1: units are >= 0"),
        ("demand_keeps", np.nan, "demand_keeps has 3 values"),
    ],
)
def test_a_value_that_prices_cannot_follow_from_is_refused(
    tmp_path: Path, content: dict[str, Any], name: str, value: Any, message: str
) -> None:
    array = content["catalog_arrays"][name].copy()
    array[3] = value
    with pytest.raises(ReleaseError, match=message):
        write_bundle(tmp_path, **content | {"catalog_arrays": content["catalog_arrays"] | {name: array}})
    assert not tmp_path.exists() or not list(tmp_path.iterdir())


def test_a_missing_array_is_named(tmp_path: Path, content: dict[str, Any]) -> None:
    arrays = {name: array for name, array in content["catalog_arrays"].items() if name != "effects"}
    with pytest.raises(ReleaseError, match="lacks the arrays effects"):
        write_bundle(tmp_path, **content | {"catalog_arrays": arrays})


def test_demand_of_another_shape_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    arrays = content["catalog_arrays"] | {"demand_curve": np.zeros((40, 3))}
    with pytest.raises(ReleaseError, match=r"demand_curve has shape \(40, 3\): 2 values per SKU are needed"):
        write_bundle(tmp_path, **content | {"catalog_arrays": arrays})


def test_an_optimal_price_outside_the_guardrail_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    listed = content["price_list"].with_columns(optimal_price=pl.col("guardrail_high") * 1.01)
    with pytest.raises(ReleaseError, match=r"optimal price .* outside its guardrail"):
        write_bundle(tmp_path, **content | {"price_list": listed})


def test_price_list_and_catalog_hold_the_same_skus(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match=r"not listed: \['20000A'\]"):
        write_bundle(tmp_path, **content | {"price_list": content["price_list"][1:]})


def test_a_price_that_is_no_number_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    listed = content["price_list"].with_columns(optimal_price=pl.lit(None, pl.Float64))
    with pytest.raises(ReleaseError, match="not finite"):
        write_bundle(tmp_path, **content | {"price_list": listed})


def test_a_release_needs_all_four_models(tmp_path: Path, content: dict[str, Any]) -> None:
    fewer = {name: body for name, body in content["models"].items() if name != "svr"}
    with pytest.raises(ReleaseError, match="a release holds network, lightgbm, svr, elastic_net"):
        write_bundle(tmp_path, **content | {"models": fewer})


def test_a_backup_of_the_catalog_without_a_file_and_a_file_without_the_catalog_are_named(tmp_path: Path) -> None:
    bodies = bodies_of(lambda arrays: arrays.update(smear_fifth=np.asarray(1.0))) | {"sixth.onnx": b"x"}
    release = write_unchecked(tmp_path, bodies)
    manifest = Manifest.from_json((tmp_path / release / "manifest.json").read_bytes())
    with pytest.raises(
        ReleaseError, match=r"lacks the files \['fifth.onnx'\] and has the unknown files \['sixth.onnx'\]"
    ):
        verify_bundle(reader(tmp_path, manifest), manifest)


def test_a_metric_that_is_no_number_becomes_null(tmp_path: Path) -> None:
    manifest = write_release(tmp_path)
    assert json.loads((tmp_path / manifest.id / "manifest.json").read_bytes())["metrics"]["network"]["bias"] is None
