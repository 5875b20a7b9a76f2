"""Who can write to the lake cannot make the price API read elsewhere, run code, or fall over: each try has a reason.

Every release here has the right hashes; the channel points to it, and the one before goes on serving.
"""

import io
import json
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricewright.backups import model_names
from pricewright.core.blocks import BLOCK
from pricewright.core.manifest import CATALOG, FILES, HISTORY
from tests.hostile_release import (
    bodies_of,
    elsewhere_onnx,
    huge_onnx,
    manifest_of,
    outer_onnx,
    write_unchecked,
)
from tests.synthetic_shop import Shop

ASKED = {"stock_code": "20007"}
ROOT = Path(__file__).parents[2]


def refused(shop: Shop, release: str) -> str:
    """Why a release that the channel points to is not served; the one before goes on."""
    api = shop.app()
    first = api(ASKED)["release"]
    shop.point(release)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert (answer["release"], answer["model"], answer["fallbacks"]) == (first, "network", [])
    cold = shop.app()
    for event in (ASKED, {"stock_codes": ["20007"]}, {"warmup": True}):
        assert cold(event)["status"] in (404, 503), "nothing else is there to answer from"
    return str(answer["release_trouble"])


def npz(**arrays: Any) -> bytes:
    """As numpy saves them: compressed or pickled, if that is asked for."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def overlapping(times: int) -> bytes:
    """A zip whose directory names the same megabyte many times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        content = io.BytesIO()
        np.lib.format.write_array(content, np.zeros(1 << 17))
        archive.writestr("stock_code.npy", content.getvalue())
        (entry,) = archive.filelist
        for number in range(times):
            again = zipfile.ZipInfo(f"{number}.npy")
            again.header_offset, again.CRC = 0, entry.CRC
            again.file_size, again.compress_size = entry.file_size, entry.compress_size
            archive.filelist.append(again)
    return buffer.getvalue()


def lying_shape(body: bytes) -> bytes:
    """The first array's header says that it has as many values as there are bytes in an exabyte."""
    offset = body.index(b"'shape': (40,")
    return body[:offset] + b"'shape': (-4," + body[offset + 13 :]


NPZ_BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb in its compression": (lambda: npz(stock_code=np.zeros(30_000_000)), "is compressed"),
    "pickled objects": (lambda: _stored(np.array([{"a": 1}], dtype=object)), "Python objects"),
    "a bomb of overlaps": (lambda: overlapping(2000), "the file has"),
    "a shape below zero": (lambda: lying_shape(bodies_of()[CATALOG]), "has the shape"),
    "no zip": (lambda: b"PK" + b"\0" * 5000, "cannot be read as plain arrays"),
}


def _stored(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, stock_code=array)
    return buffer.getvalue()


@pytest.mark.parametrize("fault", NPZ_BOMBS)
def test_an_npz_that_unfolds_or_runs_code_is_refused(shop: Shop, fault: str) -> None:
    make, why = NPZ_BOMBS[fault]
    release = write_unchecked(shop.folder / "releases", bodies_of() | {CATALOG: make()})
    assert why in refused(shop, release)


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".hidden", "a\\b", "a\0b", ""]
)
def test_a_manifest_that_names_a_file_elsewhere_is_refused(shop: Shop, name: str) -> None:
    files = {name: {"sha256": "0" * 64, "size": 5}}
    release, manifest = manifest_of(files)
    target = shop.folder / "releases" / release
    target.mkdir()
    (target / "manifest.json").write_bytes(manifest)
    assert "is not the name of a file in a release's own folder" in refused(shop, release)


@pytest.mark.parametrize("name", [CATALOG, "network.onnx", "manifest.json"])
def test_a_link_that_leads_out_of_the_lake_is_not_followed(shop: Shop, tmp_path: Path, name: str) -> None:
    release = write_unchecked(shop.folder / "releases", bodies_of(level=0.5))
    path = shop.folder / "releases" / release / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    api = shop.app()
    api(ASKED)
    shop.point(release)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release"] != release and "a link out of the lake is not followed" in answer["release_trouble"]


def test_a_lake_that_is_itself_a_link_is_a_lake(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shop.folder)
    assert shop.app(store=str(tmp_path / "link"))(ASKED)["model"] == "network"


def test_a_manifest_of_gigabytes_is_not_read(shop: Shop) -> None:
    release = write_unchecked(shop.folder / "releases", bodies_of(level=0.5))
    with (shop.folder / "releases" / release / "manifest.json").open("r+b") as file:
        file.truncate(20 << 30)  # a file with a hole: 20 GB that take no place
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "21,474,836,480 bytes, at most" in refused(shop, release)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(shop: Shop) -> None:
    entry = {"sha256": "0" * 64, "size": 1 << 40, "blocks": ""}
    release, manifest = manifest_of(dict.fromkeys(FILES, entry))
    target = shop.folder / "releases" / release
    target.mkdir()
    (target / "manifest.json").write_bytes(manifest)
    assert "1,099,511,627,776 bytes, at most 1,073,741,824 are read" in refused(shop, release)


MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "a size below zero": ({"size": -1, "sha256": "0" * 64}, "a whole number is needed"),
    "a size without end": ({"size": float("inf"), "sha256": "0" * 64}, "a whole number is needed"),
    "a size in words": ({"size": "much", "sha256": "0" * 64}, "a whole number is needed"),
    "a hash that is none": ({"size": 1, "sha256": "../../x"}, "is no SHA-256"),
    "half a surrogate": ({"size": 1, "sha256": "\ud800"}, "is no SHA-256"),
    "blocks that are none": ({"size": 1, "sha256": "0" * 64, "blocks": "zz"}, "is no SHA-256"),
}


@pytest.mark.parametrize("fault", MANIFESTS)
def test_a_manifest_with_a_lie_in_it_is_refused(shop: Shop, fault: str) -> None:
    entry, why = MANIFESTS[fault]
    stated = {name: {"sha256": "0" * 64, "size": 1} for name in FILES} | {CATALOG: entry}
    body = json.dumps({"id": "2011-W48-00000000", "week": "2011-W48", "files": stated}).encode()
    target = shop.folder / "releases" / "2011-W48-00000000"
    target.mkdir()
    (target / "manifest.json").write_bytes(body)
    assert why in refused(shop, "2011-W48-00000000")


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 100_000, b'{"files": 1e999}', b"\xff\xfe", b"NaN", b'"\\ud800"']
)
def test_a_manifest_that_is_none_is_refused(shop: Shop, body: bytes) -> None:
    target = shop.folder / "releases" / "2011-W48-00000000"
    target.mkdir()
    (target / "manifest.json").write_bytes(body)
    assert "manifest.json is not a valid manifest" in refused(shop, "2011-W48-00000000")


def set_to(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name] = np.asarray(value)

    return change


def spoil(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][1] = value

    return change


def lose(name: str) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        del arrays[name]

    return change


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no stock codes": (lose("stock_code"), "stock codes of shape"),
    "no features": (lose("features"), "lacks the arrays features"),
    "a table for a list": (set_to("stock_code", [["A"], ["B"]]), "stock codes of shape"),
    "fewer prices than SKUs": (set_to("current_price", [1.0]), "there are 40 SKUs"),
    "prices in words": (set_to("current_price", ["one"] * 40), "numbers are needed"),
    "a billion bins": (set_to("bins", 10**9), "a whole number from 2 to 10,000"),
    "no number of bins": (set_to("bins", np.nan), "a whole number from 2"),
    "a week 99": (set_to("last_week", "2011-W99"), "an ISO week"),
    "a week of no year": (set_to("last_week", "0000-W01"), "an ISO week"),
    "an objective of its own": (set_to("objective", "fame"), "one of sales, profit"),
    "a certainty of 7": (set_to("minimum_probability", 7.0), "from 0 to 1"),
    "endings without end": (set_to("endings", [np.inf]), "endings"),
    "a spread below zero": (set_to("spread", -1.0), "above 0"),
    "a backup that lies elsewhere": (set_to("smear_../../x", 1.0), "a backup named '../../x'"),
    "a backup without a name": (set_to("smear_", 1.0), "a backup named ''"),
    "a backup that calls itself the network": (set_to("smear_network", 1.0), "a backup named 'network'"),
    "a hundred backups": (
        lambda arrays: arrays.update({f"smear_b{number}": np.asarray(1.0) for number in range(100)}),
        "has 103 backups",
    ),
}
LATER_LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a price below zero": (spoil("current_price", -1.0), "current_price of SKU 20007 is -1"),
    "a price that is no number": (spoil("anchor_price", np.nan), "anchor_price has 1 values"),
    "features without end": (spoil("features", np.inf), "features has 3 values"),
    "codes out of order": (spoil("stock_code", "00000"), "sorted by stock_code"),
    "a list that is too short": (set_to("list_optimal_price", [1.0]), "list_optimal_price has shape"),
    "a list of another kind": (set_to("list_elasticity", [[1.0]] * 40), "list_elasticity has shape"),
}


@pytest.mark.parametrize("lie", LIES)
def test_content_that_lies_under_the_right_hash_is_refused(shop: Shop, lie: str) -> None:
    change, why = LIES[lie]
    assert why in refused(shop, write_unchecked(shop.folder / "releases", bodies_of(change)))


@pytest.mark.parametrize("lie", LATER_LIES)
def test_values_that_lie_do_not_take_over_from_a_release_that_works(shop: Shop, lie: str) -> None:
    change, why = LATER_LIES[lie]
    release = write_unchecked(shop.folder / "releases", bodies_of(change))
    api = shop.app()
    first = api(ASKED)["release"]
    shop.point(release)
    shop.clock.seconds += 31
    answer = api(ASKED)
    assert answer["release"] == first and why in answer["release_trouble"]


@pytest.mark.parametrize("lie", LATER_LIES)
def test_after_a_cold_start_on_values_that_lie_there_is_an_answer_or_a_reason(shop: Shop, lie: str) -> None:
    """The first answer waits for no look at all values; the SKU that is asked for is looked at."""
    shop.point(write_unchecked(shop.folder / "releases", bodies_of(LATER_LIES[lie][0])))
    api = shop.app()
    paths = ["/v1/predict-price/20007", "/v1/skus", "/v1/price-list", "/v1/sales/20007", "/v1/health", "/v1/ready"]
    for path in paths:
        answer = api({"httpMethod": "GET", "path": path, "queryStringParameters": None})
        assert answer["statusCode"] in (200, 404, 503), (path, answer["body"])
    for model in (*model_names(), "price_list"):
        assert api(ASKED | {"model": model}).get("status", 200) in (200, 404, 503)


@pytest.mark.parametrize(
    "change", [lose("history_weeks"), set_to("history_units", np.zeros((3, 3))), lose("list_reason")]
)
def test_a_history_that_lies_is_a_503_and_prices_are_answered(shop: Shop, change: Any) -> None:
    shop.point(write_unchecked(shop.folder / "releases", bodies_of(change)))
    api = shop.app()
    assert api(ASKED)["model"] == "network"
    for path in ("/v1/sales/20007", "/v1/skus"):
        answer = api({"httpMethod": "GET", "path": path})
        assert answer["statusCode"] == 503 and HISTORY in answer["body"]


ELSEWHERE = {"beside": "secret.bin", "above": "../secret.bin", "absolute": "/etc/passwd"}


@pytest.mark.parametrize("inside", [False, True], ids=["graph", "branch"])
@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("name", ["network", "svr"])
def test_a_model_whose_numbers_lie_in_another_file_answers_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str, inside: bool
) -> None:
    (tmp_path / "deep").mkdir()
    for folder in (tmp_path, tmp_path / "deep"):
        (folder / "secret.bin").write_bytes(np.full(128, 7, np.float32).tobytes())
    monkeypatch.chdir(tmp_path / "deep")  # where ONNX Runtime would look
    model = {f"{name}.onnx": elsewhere_onnx(ELSEWHERE[where], inside=inside)}
    shop.point(write_unchecked(shop.folder / "releases", bodies_of() | model))
    answer = shop.app()(ASKED | {"model": name})
    assert answer["model"] != name
    assert "tensor 'elsewhere' in another file" in answer["fallbacks"][0]["why"]


HUGE = """
import json, sys
from bench.memory import PEAK, kilobytes  # getrusage would tell the peak of the process that started this
from inference.handler import make_app
from inference.settings import Settings
from tests import hostile_release
api = make_app(Settings(store=sys.argv[1], model_seconds=20.0), log=lambda _: None)
answer = api({"stock_code": "20007"})
print(json.dumps([answer["model"], answer["fallbacks"], kilobytes(PEAK)]))
"""


@pytest.mark.parametrize("body", [huge_onnx(4 << 30), outer_onnx(60_000)], ids=["one operator", "an outer product"])
def test_a_model_that_asks_for_a_huge_tensor_gives_way_and_takes_no_memory(shop: Shop, body: bytes) -> None:
    shop.point(write_unchecked(shop.folder / "releases", bodies_of() | {"network.onnx": body}))
    command = [sys.executable, "-c", HUGE, str(shop.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    model, ((fallback),), peak = json.loads(done.stdout)
    assert model == "lightgbm" and "vailable memory" in fallback["why"]
    assert peak < 900_000, "kilobytes"


def test_a_tensor_that_claims_more_than_it_has_gives_way(shop: Shop) -> None:
    body = bodies_of()["network.onnx"].replace(struct.pack("BBB", 0x08, 1, 0x08), b"\x08\xff\x08", 1)
    shop.point(write_unchecked(shop.folder / "releases", bodies_of() | {"network.onnx": body}))
    assert shop.app()(ASKED)["model"] == "lightgbm"


@pytest.mark.platform
def test_a_large_catalog_that_lies_about_its_blocks_is_refused(shop: Shop) -> None:
    """Block by block the digests are right; what they stand for is no zip, or one that points beyond itself."""
    for number, body in enumerate((b"\0" * (9 * BLOCK), bodies_of()[CATALOG] + b"\0" * (9 * BLOCK), _beyond())):
        release = write_unchecked(shop.folder / "releases", bodies_of(level=number / 7) | {CATALOG: body})
        assert "cannot be read as" in refused(shop, release)
        shop.point(shop.write())


def _beyond() -> bytes:
    body = bytearray(bodies_of(skus=9000)[CATALOG])
    struct.pack_into("<L", body, len(body) - 6, 0xFFFFFF00)
    return bytes(body)
