"""What must be true of a release before anything may serve it."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demand.errors import PricewrightError, ReleaseError
from demand.price_list import COLUMNS
from demand.release.arrays import unpack
from demand.release.blocks import digests
from demand.release.manifest import CATALOG, FILES, HISTORY, MODELS, PRICE_LIST, Manifest

Arrays = dict[str, NDArray[Any]]
PER_SKU = (
    "stock_code", "description", "current_price", "reference_price", "anchor_price", "last_price", "guardrail_low",
    "guardrail_high", "unit_cost", "dispersion", "features", "effects", "history_units", "history_price",
    *(f"list_{column}" for column in COLUMNS),
)  # fmt: skip
SHARED = (
    "feature_names", "spread", "bins", "objective", "minimum_probability", "endings", "last_week", "history_weeks",
    *(f"{kind}_{model}" for model in MODELS[1:] for kind in ("smear", "residuals")),
)  # fmt: skip
MAY_BE_UNKNOWN = frozenset({"unit_cost", "history_price", "history_units", "list_uplift_probability"})  # nan there
POSITIVE = ("current_price", "reference_price", "anchor_price", "last_price", "guardrail_low", "guardrail_high")
TOLERANCE = 1e-9  # of prices, against the guardrail


def verify_files(read: Callable[[str], bytes], manifest: Manifest) -> None:
    """See verify_bundle."""
    _files(manifest)
    bodies = {name: _read(read, name, manifest) for name in FILES}
    catalog = unpack(bodies[CATALOG], CATALOG) | unpack(bodies[HISTORY], HISTORY)
    _arrays(catalog)
    _numbers(catalog)
    _price_list(_table(bodies[PRICE_LIST]), catalog)


def _files(manifest: Manifest) -> None:
    missing, unknown = sorted(set(FILES) - set(manifest.files)), sorted(set(manifest.files) - set(FILES))
    if missing or unknown:
        raise ReleaseError(
            f"release {manifest.id} lacks the files {missing} and has the unknown files {unknown}: a release holds "
            f"{', '.join(FILES)}.",
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


def _arrays(catalog: Arrays) -> None:
    missing = [name for name in (*PER_SKU, *SHARED) if name not in catalog]
    if missing:
        raise ReleaseError(f"{CATALOG} lacks the arrays {', '.join(missing)}.")
    codes = catalog["stock_code"]
    if len(codes) == 0 or (codes[:-1] >= codes[1:]).any():
        raise ReleaseError(f"{CATALOG} has {len(codes)} SKUs: at least one is needed, sorted by stock_code, each once.")
    for name in PER_SKU:
        if catalog[name].shape[:1] != codes.shape:
            raise ReleaseError(f"{CATALOG}: {name} has shape {catalog[name].shape}, there are {len(codes)} SKUs.")
    if catalog["features"].shape[1:] != catalog["feature_names"].shape:
        raise ReleaseError(
            f"{CATALOG}: features has shape {catalog['features'].shape} for {len(catalog['feature_names'])} names."
        )


def _numbers(catalog: Arrays) -> None:
    codes = catalog["stock_code"]
    for name, array in catalog.items():
        if array.dtype.kind != "f" or name in MAY_BE_UNKNOWN:
            continue
        wrong = ~np.isfinite(array)
        if wrong.any():
            raise ReleaseError(
                f"{CATALOG}: {name} has {int(wrong.sum())} values that are no finite numbers "
                f"(first: {_where(name, codes, np.argwhere(wrong)[0])}): prices follow from it."
            )
    for name in POSITIVE:
        wrong = catalog[name] <= 0
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ReleaseError(f"{CATALOG}: {name} of SKU {codes[first]} is {catalog[name][first]:g}: a price is > 0.")


def _where(name: str, codes: NDArray[Any], position: NDArray[Any]) -> str:
    if not len(position):
        return "the only one"
    return f"SKU {codes[position[0]]}" if name in PER_SKU else f"position {position.tolist()}"


def _table(body: bytes) -> pl.DataFrame:
    try:
        table = pl.read_parquet(io.BytesIO(body))
    except pl.exceptions.PolarsError as error:
        raise ReleaseError(f"{PRICE_LIST} is no Parquet table: {error}") from None
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise ReleaseError(f"{PRICE_LIST} lacks the columns {', '.join(missing)}.")
    return table


def _price_list(table: pl.DataFrame, catalog: Arrays) -> None:
    listed, known = set(table["stock_code"].to_list()), set(catalog["stock_code"].tolist())
    if listed != known or table.height != len(known):
        raise ReleaseError(
            f"{PRICE_LIST} has {table.height} rows for {len(listed)} SKUs, {CATALOG} has {len(known)} SKUs; only "
            f"listed: {sorted(listed - known)[:3]}, not listed: {sorted(known - listed)[:3]}: both hold the same SKUs."
        )
    numbers = table.select("current_price", "optimal_price", "guardrail_low", "guardrail_high", "expected_sales")
    wrong = table.filter(~numbers.fill_null(np.nan).select(pl.all_horizontal(pl.all().is_finite())).to_series())
    if wrong.height:
        raise ReleaseError(
            f"{PRICE_LIST}: SKU {wrong['stock_code'][0]} has a price or sales that are no finite number."
        )
    low, price, high = pl.col("guardrail_low"), pl.col("optimal_price"), pl.col("guardrail_high")
    outside = table.filter((price < low - TOLERANCE) | (price > high + TOLERANCE))
    if outside.height:
        row = outside.row(0, named=True)
        raise ReleaseError(
            f"{PRICE_LIST}: SKU {row['stock_code']} has the optimal price {row['optimal_price']:g} outside its "
            f"guardrail {row['guardrail_low']:g} to {row['guardrail_high']:g} ({outside.height} such SKUs).",
            hint="train again; a price outside the guardrail must never be served.",
        )
