"""What is fuzzed: each target takes bytes, and raises for whatever a user of it must never see."""

import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from inference.handler import App
from pricewright.core.arrays import unpack, unpack_blocks
from pricewright.core.blocks import BLOCK, Blocks
from pricewright.core.content import check_form, check_history, check_values
from pricewright.core.errors import PricewrightError
from pricewright.core.graph import Graph
from pricewright.core.manifest import CATALOG, Manifest
from pricewright.core.onnx_file import UnknownGraph, refuse_elsewhere
from pricewright.ingest.in_memory import clean
from pricewright.ingest.source import READERS, read_tables
from pricewright.ingest.tables import Table, with_rows
from tests.fuzz.bytes import Bytes
from tests.fuzz.events import event_from

ROOT = Path(__file__).parents[2]
WORDS = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "Description", "CustomerID", "Country")
Target = Callable[[bytes], None]


class Wrong(AssertionError):
    """No crash, and wrong all the same: a 5xx, an answer that is no JSON, rows that are not accounted for."""


@cache
def shop_app() -> App:
    """The price API over a small release, in a folder of its own."""
    from tests.synthetic_shop import Shop

    shop = Shop(Path(tempfile.mkdtemp(prefix="fuzz-")) / "lake")
    shop.point(shop.write())
    shop.log = _Nothing()
    return shop.app(allowed_origins="https://desk.example")


class _Nothing(list[str]):
    def append(self, line: str) -> None:
        json.loads(line)


def check_reply(event: Any, app: App) -> None:
    """The API answers this event with what its sender takes."""
    reply = app(event)
    content = reply.get("body") if isinstance(reply, Mapping) and "statusCode" in reply else reply
    status = reply.get("statusCode", reply.get("status", 200)) if isinstance(reply, Mapping) else 200
    if isinstance(status, int) and status >= 500:
        raise Wrong(f"status {status}: {str(content)[:200]}")
    json.dumps(reply, allow_nan=False).encode()
    if isinstance(reply, Mapping) and "statusCode" in reply and "json" in reply["headers"]["content-type"] and content:
        json.loads(content)


def events(data: bytes) -> None:
    """Any event, through the whole handler."""
    check_reply(event_from(data), shop_app())


def manifest(data: bytes) -> None:
    """Any bytes as manifest.json: a manifest that can be written again, or a ReleaseError."""
    try:
        read = Manifest.from_json(data)
    except PricewrightError:
        return
    if Manifest.from_json(read.to_json()).id != read.id:
        raise Wrong("read again it is another one")
    for name in read.files:
        if "/" in name or ".." in Path(name).parts:
            raise Wrong(f"{name!r} leads elsewhere")


def onnx(data: bytes) -> None:
    """Any bytes as a model: a graph, or the errors that say that it is none."""
    with suppress(PricewrightError):
        refuse_elsewhere("network.onnx", data)
    try:
        graph = Graph(data)
        graph.refuse_huge(3, 12, 4, 10)
    except UnknownGraph:
        return


def arrays(data: bytes) -> None:
    """Any bytes as catalog.npz, read whole and block by block: arrays that can be a catalog, or a ReleaseError."""
    for read in (unpack, _by_blocks):
        try:
            found = read(data, CATALOG)
            check_form(found)
            check_values(found)
            check_history(found, len(found["stock_code"]))
        except PricewrightError:
            continue


def _by_blocks(data: bytes, name: str) -> Mapping[str, Any]:
    from pricewright.core.blocks import sha256

    digests = "".join(sha256(data[at : at + BLOCK]).hexdigest() for at in range(0, len(data), BLOCK))
    return unpack_blocks(Blocks(name, len(data), digests, lambda start, stop: data[start:stop]), name)


@cache
def ingest_params() -> dict[str, Any]:
    """The section `ingest` of params.yaml."""
    section: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())["ingest"]
    return section


def files(data: bytes) -> None:
    """Any bytes as a file of sales lines of any kind."""
    at = Bytes(data)
    suffix = at.pick(sorted(READERS))
    handle, name = tempfile.mkstemp(suffix=suffix, dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(at.rest())
        _accounted(lambda: list(read_tables(Path(name))))
    finally:
        os.unlink(name)


def tables(data: bytes) -> None:
    """Columns of sales lines in which any value may be anything."""
    at = Bytes(data)
    rows = 1 + at.byte() % 6
    frame = pl.DataFrame({word: _column(at, word, rows) for word in WORDS})
    _accounted(lambda: [with_rows(Table("fuzz", frame))])


def _accounted(read: Callable[[], list[Table]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read()
            done = clean(found, ingest_params())
        except PricewrightError:
            return
    counts = done.counts
    if counts["accepted"] + counts["quarantined"] + counts["duplicates"] != counts["rows"]:
        raise Wrong(f"rows that are not accounted for: {counts}")
    if done.accepted["unit_price"].is_nan().any() or (done.accepted["unit_price"] <= 0).any():
        raise Wrong("a price that is none was accepted")


GOOD: dict[str, tuple[str, ...]] = {
    "InvoiceNo": ("536365", "C536365", "1"), "StockCode": ("85123A", "POST", "22423"),
    "Quantity": ("6", "-6", "1,000", "0"), "InvoiceDate": ("2011-12-09 12:50", "12/1/2010 8:26", "13/1/2010", "40000"),
    "UnitPrice": ("2.55", "2,55", "£3", "(4)"), "Description": ("MUG", "=1+1"), "CustomerID": ("17850", ""),
    "Country": ("France", "EIRE"),
}  # fmt: skip


def _column(at: Bytes, word: str, rows: int) -> pl.Series:
    kind = at.byte() % 8
    if kind < 6:
        texts = [at.pick(GOOD[word]) if at.byte() % 3 else _printable(at.text()) for _ in range(rows)]
        return pl.Series(word, [None if at.byte() > 250 else text for text in texts], dtype=pl.String)
    numbers = [at.number() for _ in range(rows)]
    if kind == 6:
        return pl.Series(word, [_float(number) for number in numbers], dtype=pl.Float64)
    whole = [int(number) if isinstance(number, int) and abs(number) < 2**63 else None for number in numbers]
    return pl.Series(word, whole, dtype=pl.Int64).cast(at.pick((pl.Int64, pl.Datetime("us"), pl.Boolean)), strict=False)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _printable(text: str) -> str:
    """Files hold no halves of surrogates."""
    return text.encode("utf-8", errors="replace").decode()


TARGETS: dict[str, Target] = {
    "events": events, "manifest": manifest, "onnx": onnx, "arrays": arrays, "files": files, "tables": tables,
}  # fmt: skip


@cache
def seeds() -> dict[str, list[bytes]]:
    """Inputs to begin with: whole and good ones, of which a change is nearly good."""
    from testing.synthetic_release import backup_onnx
    from tests.hostile_release import bodies_of, elsewhere_onnx

    bodies = bodies_of(skus=3)
    table = pl.DataFrame({word: [good[0]] * 2 for word, good in GOOD.items()})
    parquet, text = io.BytesIO(), table.write_csv().encode()
    table.write_parquet(parquet)
    return {
        "events": [bytes([kind, *range(40)]) for kind in range(6)],
        "manifest": [_manifest()],
        "onnx": [bodies["network.onnx"], backup_onnx(0.1), elsewhere_onnx("x"), elsewhere_onnx("x", inside=True)],
        "arrays": [_small_arrays()],
        "files": [bytes([n]) + body for n, body in enumerate((text, parquet.getvalue(), text, text, _workbook(table)))],
        "tables": [bytes(range(60)), bytes(100)],
    }


def _manifest() -> bytes:
    from pricewright.core.manifest import FILES, FileEntry

    files = {name: FileEntry.of(name.encode()) for name in FILES}
    return Manifest(files, "2011-W48", "2011-12-05T03:00:00Z", {"a": {"wape": 0.5}}, {}, {}).to_json()


def _small_arrays() -> bytes:
    from pricewright.core.arrays import pack
    from testing.synthetic_release import contents

    return pack(
        {name: array[:1] if array.ndim else array for name, array in contents(skus=2)["catalog_arrays"].items()}
    )


def _workbook(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_excel(buffer)
    return buffer.getvalue()
