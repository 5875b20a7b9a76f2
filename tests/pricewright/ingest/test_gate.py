"""The gate lets a sound shop pass, and names what it blocks for."""

import os
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest import Ingested, ingest, ingest_frame
from pricewright.ingest.gate import HINTS, MEASURES, REASON_HINTS, Observed, _agreed, assess, broken_promises, measure
from pricewright.ingest.gate import PROMISES as KEPT
from pricewright.verdict import Check, Verdict

Params = dict[str, Any]
Cleaned = Callable[..., Ingested]


def with_threshold(params: Params, name: str, **limits: float) -> Params:
    changed = deepcopy(params)
    changed["gate"]["thresholds"][name] |= limits
    return changed


def test_a_sound_shop_passes_and_its_verdict_is_counted(shop: pl.DataFrame, params: Params) -> None:
    verdict = ingest_frame(shop, params, source="shop").counts["gate"]
    assert verdict["gate"] == "ingest"
    assert {c["name"]: c["status"] for c in verdict["checks"] if c["status"] != "ok"} == {"weeks": "warn"}  # only 12
    assert set(MEASURES) == set(params["gate"]["thresholds"]) and set(HINTS) == set(MEASURES)


def judged(found: Ingested, params: Params) -> Verdict:
    halves = (found.accepted.head(100), found.accepted.tail(-100))
    return assess(found.counts, [broken_promises(half) for half in halves], params["gate"])


def services(shop: pl.DataFrame) -> pl.DataFrame:
    every_second = pl.int_range(pl.len()) % 2 == 0
    return shop.with_columns(StockCode=pl.when(every_second).then(pl.lit("POST")).otherwise("StockCode"))


def unreadable(shop: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("UnitPrice").cast(pl.String)
    return shop.with_columns(UnitPrice=pl.when(pl.int_range(pl.len()) % 6 == 0).then(pl.lit("?")).otherwise(text))


def all_cancelled(shop: pl.DataFrame) -> pl.DataFrame:
    return shop.with_columns(InvoiceNo=pl.concat_str(pl.lit("C"), "InvoiceNo"))


BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "half of the lines are services": (services, "quarantined_share: 0.5"),
    "a sixth of the prices is unreadable": (unreadable, "unreadable_share: 0.1667"),
    "everything stands three times": (lambda shop: pl.concat([shop] * 3), "duplicate_share: 0.6667"),
    "all invoices look cancelled": (all_cancelled, "skus: 0"),
    "nine weeks": (lambda shop: shop.head(9 * 25), "weeks: 9"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_shop_is_blocked_with_the_failing_expectation(broken: str, shop: pl.DataFrame, params: Params) -> None:
    spoil, message = BROKEN[broken]
    with pytest.raises(SourceError, match=f"shop does not pass the ingest gate: .*{message}") as error:
        ingest_frame(spoil(shop), params, source="shop")
    assert error.value.exit_code == 2
    assert error.value.hint


def test_the_message_says_where_the_most_frequent_reason_came_up(shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(SourceError, match=r"not a product 150 \(first not a product: row 1 of shop, POST\)"):
        ingest_frame(services(shop), params, source="shop")


def test_a_file_that_the_gate_blocks_ends_the_same_way(shop: pl.DataFrame, params: Params, tmp_path: Path) -> None:
    services(shop).write_csv(tmp_path / "shop.csv")
    with pytest.raises(SourceError, match=r"shop\.csv does not pass the ingest gate: quarantined_share"):
        ingest(tmp_path / "shop.csv", params)


@pytest.mark.parametrize("name", MEASURES)
def test_every_threshold_is_read(name: str, shop: pl.DataFrame, params: Params, cleaned: Cleaned) -> None:
    found = cleaned(shop)
    value, larger_is_worse = measure(found.counts)[name], MEASURES[name][1]
    tight = {"warn": value, "block": value} if larger_is_worse else {"warn": value + 1, "block": value}
    verdict = judged(found, with_threshold(params, name, **tight))
    assert verdict.status == "block"
    assert [check.name for check in verdict.worst] == [name]


def test_a_threshold_that_is_missing_is_an_error(shop: pl.DataFrame, params: Params, cleaned: Cleaned) -> None:
    changed = deepcopy(params)
    del changed["gate"]["thresholds"]["skus"]
    with pytest.raises(ParameterError, match="has no skus"):
        judged(cleaned(shop), changed)


PROMISES = {
    "unit_price is above zero": pl.lit(0.0).alias("unit_price"),
    "units are not negative": pl.lit(-1).alias("units"),
    "units are at most the quantity": (pl.col("quantity") + 1).alias("units"),
    "quantity is above zero, or zero with in_stock known": pl.lit(0).alias("quantity"),
    "stock_code is given": pl.lit(None, pl.String).alias("stock_code"),
    "unit_price is given": pl.lit(float("nan")).alias("unit_price"),
    "invoice_time is given": pl.lit(None, pl.Datetime("us")).alias("invoice_time"),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_transaction_that_breaks_a_promise_blocks(
    promise: str, shop: pl.DataFrame, params: Params, cleaned: Cleaned
) -> None:
    found = cleaned(shop)
    at = pl.int_range(pl.len()) == 5
    (column,) = (PROMISES[promise].meta.output_name(),)
    wrong = found.accepted.with_columns(pl.when(at).then(PROMISES[promise]).otherwise(column).alias(column))
    verdict = judged(replace(found, accepted=wrong), params)
    assert verdict.status == "block"
    assert {check.name: check.value for check in verdict.worst}[promise] == 1


def test_every_promise_is_seen_to_be_broken() -> None:
    assert set(KEPT) - set(PROMISES) <= {f"{name} is given" for name in ("invoice", "quantity", "units")}


def test_great_expectations_keeps_to_itself(
    shop: pl.DataFrame, params: Params, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest_frame(shop, params)
    assert capfd.readouterr() == ("", "")
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def test_where_great_expectations_sees_it_otherwise_the_check_blocks() -> None:
    check = Check("weeks", 104, 52, 9, larger_is_worse=False)
    assert _agreed(check, Observed(104, met=True)).status == "ok"
    assert _agreed(check, Observed(104, met=False)).status == "block"


def tills(shop: pl.DataFrame) -> pl.DataFrame:
    every_second = pl.int_range(pl.len()) % 2 == 0
    return shop.with_columns(InvoiceNo=pl.when(every_second).then(pl.format("C{}", "InvoiceNo")).otherwise("InvoiceNo"))


def every_second(shop: pl.DataFrame, column: str, value: float) -> pl.DataFrame:
    """The shop with a value in half of its rows, less one: what most rows have is what is usual."""
    chosen = (pl.int_range(pl.len()) % 2 == 0) & (pl.int_range(pl.len()) > 0)
    return shop.with_columns(pl.when(chosen).then(pl.lit(value)).otherwise(column).alias(column))


MOST_FREQUENT: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "services": (services, "ingest.not_products"),
    "invoices that begin with C": (tills, "ingest.cancellation_invoice"),
    "numbers of articles among the prices": (
        lambda shop: every_second(shop, "UnitPrice", 1e8),
        "--column unit_price=NAME; if it is, raise ingest.largest_price_ratio",
    ),
    "numbers of receipts among the quantities": (
        lambda shop: every_second(shop, "Quantity", 9_000_000),
        "--column quantity=NAME; if it is, raise ingest.largest_quantity_ratio",
    ),
    "no prices": (lambda shop: shop.with_columns(UnitPrice=0.0), "--column unit_price=NAME"),
    "holes": (
        lambda shop: shop.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then("StockCode").alias("StockCode")),
        "--column stock_code=NAME",
    ),
}


@pytest.mark.parametrize("spoilt", MOST_FREQUENT)
def test_the_hint_is_about_the_most_frequent_reason(spoilt: str, shop: pl.DataFrame, params: Params) -> None:
    spoil, hint = MOST_FREQUENT[spoilt]
    with pytest.raises(SourceError) as error:
        ingest_frame(spoil(shop), params, source="shop")
    assert hint in error.value.hint


@pytest.mark.parametrize(("known", "share"), [(0, 0.0), (10, 0.9667)])
def test_a_shop_that_knows_no_customer_at_all_lacks_none(
    known: int, share: float, shop: pl.DataFrame, params: Params
) -> None:
    named = pl.when(pl.int_range(pl.len()) < known).then(pl.lit("12001")).alias("CustomerID")
    checks = ingest_frame(shop.with_columns(named), params, source="shop").counts["gate"]["checks"]
    (found,) = (check["value"] for check in checks if check["name"] == "guest_share")
    assert found == pytest.approx(share, abs=1e-4)


def test_every_warning_says_what_to_do(shop: pl.DataFrame, params: Params) -> None:
    checks = ingest_frame(shop.head(11 * 25), params, source="shop").counts["gate"]["checks"]
    assert all(check["hint"] for check in checks if check["name"] in MEASURES)


def test_hints_name_parameters_that_there_are(params: Params) -> None:
    named = set(re.findall(r"ingest\.(\w+)", " ".join([*HINTS.values(), *REASON_HINTS.values()])))
    assert named and named <= set(params)
