"""Writes a release to a folder, all of it or nothing, and verifies one before it is served."""

import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pricewright.core.arrays import pack, split, unpack
from pricewright.core.blocks import digests
from pricewright.core.content import LISTED, check_form, check_history, check_listed, check_values, has_plan
from pricewright.core.errors import PricewrightError, ReleaseError
from pricewright.core.manifest import (
    BACKTEST,
    CATALOG,
    FILES,
    HISTORY,
    LATER,
    MANIFEST,
    PLAN,
    PRICE_CHANGES,
    PRICE_LIST,
    FileEntry,
    Manifest,
)
from pricewright.core.models import models_of
from pricewright.core.onnx_file import refuse_elsewhere
from pricewright.items import together
from pricewright.price_list import ADDED, COLUMNS, SCHEMA
from pricewright.profit import EARNED

Arrays = dict[str, NDArray[Any]]
NEEDED = (
    "feature_names",
    *(f"list_{column}" for column in COLUMNS),
)  # beyond what every answer needs, see content.py
MOST_BYTES, MOST_PER_ROW, MOST_MORE = 1 << 20, 10_000, 1000  # of a table, before it is unpacked
CHANGES_PER_SKU = 1000  # rows of price_changes.parquet
PLAN_NUMBERS = (
    "sales_now", "sales", "sales_low", "sales_high", "uplift", "uplift_low", "uplift_high", "probability", "moved",
    "skus",
)  # fmt: skip
TOLERANCE = 1e-9  # of prices, against the guardrail


def verify_bundle(read: Callable[[str], bytes], manifest: Manifest) -> None:
    """Raise ReleaseError for the first thing in a release that is missing, altered, or must not be served.

    read: the bytes of a file by its name in the release; raises FileNotFoundError or a PricewrightError.
    """
    _files(manifest, (CATALOG,), manifest.files)
    catalog = unpack(_read(read, CATALOG, manifest), CATALOG)
    models = models_of(catalog)
    names = (*FILES, *(f"{model}.onnx" for model in models[1:]))
    _files(manifest, [name for name in names if name not in LATER], names)
    bodies = {name: _read(read, name, manifest) for name in names if name in manifest.files}
    late = unpack(bodies[HISTORY], HISTORY)
    _arrays(catalog, late)
    for model in models:
        refuse_elsewhere(f"{model}.onnx", bodies[f"{model}.onnx"])
    count = len(catalog["stock_code"])
    earned = EARNED if f"{LISTED}{EARNED[0]}" in catalog else ()
    columns = (*COLUMNS, *(ADDED if has_plan(catalog) else ()), *earned)
    table = _table(PRICE_LIST, bodies[PRICE_LIST], columns, count, 2 * count + MOST_MORE)
    _price_list(table, catalog | late, columns)
    if PLAN in bodies:
        _plan(bodies[PLAN], catalog)
    if PRICE_CHANGES in bodies:
        _table(PRICE_CHANGES, bodies[PRICE_CHANGES], tuple(SCHEMA), count, CHANGES_PER_SKU * count + MOST_MORE)


def _files(manifest: Manifest, needed: Iterable[str], known: Iterable[str]) -> None:
    missing = sorted(set(needed) - set(manifest.files))
    unknown = sorted(set(manifest.files) - set(known))
    if missing or unknown:
        raise ReleaseError(
            f"release {manifest.id} lacks the files {missing} and has the unknown files {unknown}: a release holds "
            f"{', '.join(FILES)}, and an ONNX file of each backup in {CATALOG}.",
            hint="releases are written by the promote stage; nothing else is put there.",
        )


def _read(read: Callable[[str], bytes], name: str, manifest: Manifest) -> bytes:
    try:
        body = read(name)
    except (PricewrightError, OSError, KeyError) as error:
        raise ReleaseError(
            f"{name} of release {manifest.id} cannot be read: {error}", hint="promote the release again."
        ) from error
    manifest.check(name, body)
    if manifest.files[name].blocks != digests(body):
        raise ReleaseError(f"{name} of release {manifest.id} has other blocks than its manifest says.")
    return body


def _arrays(catalog: Arrays, late: Arrays) -> None:
    needed = (*NEEDED, *(f"residuals_{model}" for model in models_of(catalog)[1:]))
    missing = [name for name in needed if name not in catalog and name not in late]
    if missing:
        raise ReleaseError(f"{CATALOG} lacks the arrays {', '.join(missing)}.")
    check_form(catalog)
    count = len(catalog["stock_code"])
    check_listed(catalog, [name for name in catalog if name.startswith(LISTED)], CATALOG, count)
    check_history(late, count)
    if catalog["features"].shape[1:] != catalog["feature_names"].shape:
        raise ReleaseError(
            f"{CATALOG}: features has shape {catalog['features'].shape} for {len(catalog['feature_names'])} names."
        )
    check_values(catalog | late)


def _plan(body: bytes, catalog: Arrays) -> None:
    try:
        plan = {name: float(json.loads(body)[name]) for name in PLAN_NUMBERS}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReleaseError(f"{PLAN} is not a plan: {type(error).__name__} {str(error)[:80]}.") from None
    wrong = [name for name, value in plan.items() if not np.isfinite(value)]
    if wrong or plan["skus"] != len(catalog["stock_code"]):
        raise ReleaseError(
            f"{PLAN} has {plan['skus']:g} SKUs and numbers that are not finite in {wrong}: it is of the "
            f"{len(catalog['stock_code']):,} SKUs of {CATALOG}."
        )


def _table(name: str, body: bytes, columns: Sequence[str], count: int, most_rows: int) -> pl.DataFrame:
    try:
        _sizes(name, body, count, most_rows)
        table = pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise ReleaseError(f"{name} is no Parquet table: {error}") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ReleaseError(f"{name} lacks the columns {', '.join(missing)}.")
    return table


def _sizes(name: str, body: bytes, count: int, most_rows: int) -> None:
    """Look at what the table says of itself before it is unpacked: a few kilobytes can hold a billion rows."""
    about = pq.ParquetFile(io.BytesIO(body)).metadata
    size = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    if about.num_rows > most_rows or size > MOST_BYTES + count * MOST_PER_ROW:
        raise ReleaseError(
            f"{name} has {about.num_rows:,} rows and {size:,} bytes when unpacked, {CATALOG} has {count:,} SKUs: "
            f"at most {most_rows:,} rows, and {MOST_PER_ROW:,} bytes per SKU, are read."
        )


def _price_list(table: pl.DataFrame, catalog: Arrays, columns: Sequence[str]) -> None:
    if "store" in table.columns:
        table = together(table)
    listed, known = set(table["stock_code"].to_list()), set(catalog["stock_code"].tolist())
    if listed != known or table.height != len(known):
        raise ReleaseError(
            f"{PRICE_LIST} has {table.height} rows for {len(listed)} SKUs, {CATALOG} has {len(known)} SKUs; only "
            f"listed: {sorted(listed - known)[:3]}, not listed: {sorted(known - listed)[:3]}: both hold the same SKUs."
        )
    numbers = table.select("current_price", "optimal_price", "guardrail_low", "guardrail_high", "expected_sales")
    wrong = table.filter(~numbers.fill_null(np.nan).select(pl.all_horizontal(pl.all().is_finite())).to_series())
    if wrong.height:
        raise ReleaseError(f"{PRICE_LIST}: SKU {wrong['stock_code'][0]} has a price or sales that are not finite.")
    low, price, high = pl.col("guardrail_low"), pl.col("optimal_price"), pl.col("guardrail_high")
    outside = table.filter((price < low - TOLERANCE) | (price > high + TOLERANCE))
    if outside.height:
        row = outside.row(0, named=True)
        raise ReleaseError(
            f"{PRICE_LIST}: SKU {row['stock_code']} has the optimal price {row['optimal_price']:g} outside its "
            f"guardrail {row['guardrail_low']:g} to {row['guardrail_high']:g} ({outside.height} such SKUs).",
            hint="train again; a price outside the guardrail must never be served.",
        )
    _same_list(table.sort("stock_code"), catalog, columns)


def _same_list(table: pl.DataFrame, catalog: Arrays, columns: Sequence[str]) -> None:
    """The table that people download and the list that the API falls back on say the same."""
    for name in columns:
        held = catalog[f"list_{name}"]
        column = table[name]
        if held.dtype.kind == "U":
            same = column.fill_null("").to_numpy().astype(str) == held
        else:
            same = np.isclose(
                column.cast(pl.Float64).fill_null(np.nan).to_numpy(), held, rtol=TOLERANCE, equal_nan=True
            )
        if not same.all():
            first = int(np.argmin(same))
            raise ReleaseError(
                f"{PRICE_LIST}: {name} of SKU {table['stock_code'][first]} is {column[first]!r}, the catalog says "
                f"{held[first].item()!r}: both are the same list."
            )


def write_bundle(
    folder: Path,
    models: Mapping[str, bytes],
    catalog_arrays: Mapping[str, NDArray[Any]],
    price_list: pl.DataFrame,
    backtest: pl.DataFrame,
    plan: Mapping[str, Any],
    price_changes: pl.DataFrame,
    metrics: Mapping[str, Any],
    gates: Mapping[str, Any],
    lineage: Mapping[str, Any],
    week: str,
    created: str,
) -> Manifest:
    """Write the files of a release to `<folder>/<id>/` and return its manifest.

    catalog_arrays say which models there are, and in which order they answer, see core/models.py. The same content
    gives the same bytes and the same id; metrics, gates, lineage and `created` (UTC, ISO 8601)
    are in the manifest only. Raises ReleaseError when the content does not pass verify_bundle; nothing is left then.
    """
    catalog, late = split(catalog_arrays)
    tables = {PRICE_LIST: price_list, BACKTEST: backtest, PRICE_CHANGES: price_changes}
    bodies = _models(models, models_of(catalog)) | {
        CATALOG: pack(catalog),
        HISTORY: pack(late),
        PLAN: plan_json(plan),
        **{name: _parquet(table) for name, table in tables.items()},
    }
    files = {name: FileEntry.of(body) for name, body in bodies.items()}
    manifest = Manifest(files, week, created, metrics, gates, lineage).with_seal()
    verify_bundle(bodies.__getitem__, manifest)
    _write(folder, manifest.id, bodies | {MANIFEST: manifest.to_json()})
    return manifest


def _models(models: Mapping[str, bytes], order: Sequence[str]) -> dict[str, bytes]:
    if set(models) != set(order):
        raise ReleaseError(f"models {sorted(models)}: a release holds {', '.join(order)}, neither more nor fewer.")
    return {f"{name}.onnx": bytes(models[name]) for name in order}


def plan_json(plan: Mapping[str, Any]) -> bytes:
    """The content of plan.json."""
    return json.dumps(dict(plan), indent=2).encode() + b"\n"


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _write(folder: Path, release: str, bodies: Mapping[str, bytes]) -> None:
    """Into a folder beside, then one rename: a reader sees a whole release or none."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".release-"))
    beside.chmod(0o755)
    try:
        for name, body in bodies.items():
            (beside / name).write_bytes(body)
        shutil.rmtree(folder / release, ignore_errors=True)
        beside.rename(folder / release)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
