"""A release that somebody else wrote into the lake is not promoted before all of it was looked at, and says why."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import LakeError, ParameterError, PricewrightError, ReleaseError
from pricewright.core.manifest import PRICE_LIST
from tasks.releases import promote_release, read_manifest, roll_back_release
from tests.hostile_release import bodies_of, elsewhere_onnx, write_unchecked

Bodies = dict[str, bytes]


def listed(bodies: Bodies, **columns: Any) -> bytes:
    buffer = io.BytesIO()
    pl.read_parquet(bodies[PRICE_LIST]).with_columns(**columns).write_parquet(buffer)
    return buffer.getvalue()


def bomb() -> bytes:
    """A table of 300 million rows in a few kilobytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    table = pa.table({"stock_code": pa.array(np.zeros(3_000_000, dtype=np.int8))})
    with pq.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        for _ in range(20):
            writer.write_table(table)
    return buffer.getvalue()


def prices_of_its_own(arrays: dict[str, Any]) -> None:
    arrays["list_optimal_price"] = arrays["list_optimal_price"] * 1.01


def without_a_price(arrays: dict[str, Any]) -> None:
    arrays["current_price"] = np.zeros(len(arrays["stock_code"]))


HOSTILE: dict[str, tuple[Callable[[], Bodies], str]] = {
    "a model with numbers elsewhere": (
        lambda: bodies_of() | {"svr.onnx": elsewhere_onnx("../secret")},
        r"svr.onnx has the tensor 'elsewhere' in another file",
    ),
    "a model that is none": (lambda: bodies_of() | {"lightgbm.onnx": b"MZ" * 99}, "lightgbm.onnx is no ONNX file"),
    "a table that unfolds": (lambda: bodies_of() | {PRICE_LIST: bomb()}, "60,000,000 rows"),
    "a table that is none": (lambda: bodies_of() | {PRICE_LIST: b"PAR1" * 9}, "is no Parquet table"),
    "a list for people, another for machines": (lambda: bodies_of(prices_of_its_own), "both are the same list"),
    "a price of nothing": (lambda: bodies_of(without_a_price), "a price is > 0"),
    "a file beside": (lambda: bodies_of() | {"run.sh": b"rm"}, r"unknown files \['run.sh'\]"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_release_is_not_promoted(tmp_path: Path, fault: str) -> None:
    make, why = HOSTILE[fault]
    lake = Lake(str(tmp_path / "lake"))
    release = write_unchecked(tmp_path / "lake" / "releases", make())
    with pytest.raises(ReleaseError, match=why):
        promote_release(lake, release, "production", 1)
    assert Channel(lake).read() is None


def test_a_table_of_other_content_than_the_catalogs_list_is_not_promoted(tmp_path: Path) -> None:
    bodies = bodies_of()
    bodies[PRICE_LIST] = listed(bodies, reason=pl.lit("=cmd"))
    release = write_unchecked(tmp_path / "lake" / "releases", bodies)
    with pytest.raises(ReleaseError, match="reason of SKU 20000A is '=cmd'"):
        promote_release(Lake(str(tmp_path / "lake")), release, "production", 1)


@pytest.mark.parametrize("name", ["manifest.json", PRICE_LIST])
def test_a_link_out_of_the_lake_is_not_promoted(tmp_path: Path, name: str) -> None:
    release = write_unchecked(tmp_path / "lake" / "releases", bodies_of())
    path = tmp_path / "lake" / "releases" / release / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(PricewrightError, match="out of the lake: such a link is not followed"):
        promote_release(Lake(str(tmp_path / "lake")), release, "production", 1)


@pytest.mark.parametrize("name", ["manifest.json", PRICE_LIST])
def test_a_file_of_gigabytes_is_not_read(tmp_path: Path, name: str) -> None:
    release = write_unchecked(tmp_path / "lake" / "releases", bodies_of())
    with (tmp_path / "lake" / "releases" / release / name).open("r+b") as file:
        file.truncate(20 << 30)
    with pytest.raises(PricewrightError, match=r"has 21,?474,?836,?480 bytes"):
        promote_release(Lake(str(tmp_path / "lake")), release, "production", 1)


@pytest.mark.parametrize("release", ["../../etc", "/etc/passwd", "2011-W48-0a1b2c3d/../x", "2011-W48-XXXXXXXX", ""])
def test_an_id_that_is_none_leads_nowhere(tmp_path: Path, release: str) -> None:
    (tmp_path / "lake" / "releases").mkdir(parents=True)
    for act in (read_manifest, lambda lake, release: promote_release(lake, release, "production", 1)):
        with pytest.raises(PricewrightError, match=r"is not the id of a release"):
            act(Lake(str(tmp_path / "lake")), release)


def test_a_pointer_to_an_id_that_is_none_is_not_rolled_back_to(tmp_path: Path) -> None:
    (tmp_path / "lake" / "channels").mkdir(parents=True)
    body = '{"release": "2011-W48-0a1b2c3d", "previous": "../../x", "promoted_at": "", "promoted_by": ""}'
    (tmp_path / "lake" / "channels" / "production.json").write_text(body)
    with pytest.raises(PricewrightError, match=r"is not the id of a release"):
        roll_back_release(Lake(str(tmp_path / "lake")), "production")


@pytest.mark.parametrize("name", ["../production", "a/b", "", ".hidden", "a\0b", "x" * 100])
def test_a_channel_is_a_word_and_no_path_to_another_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="letters, digits"):
        Channel(Lake(str(tmp_path)), name)


def test_nothing_is_written_through_a_link_out_of_the_lake(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "lake" / "channels").symlink_to(tmp_path / "outside")
    with pytest.raises(LakeError, match="out of the lake"):
        Lake(str(tmp_path / "lake")).swap("channels/production.json", None, b"{}")
    assert not list((tmp_path / "outside").iterdir())
