"""A walk forward sees nothing of the weeks to come, and scores what a model of the weeks before said."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.backups import REGISTRY
from pricewright.core.errors import ModelError, SourceError
from pricewright.ingest.documents import Document
from pricewright.ingest.hindsight import known_before
from pricewright.ingest.table import Table
from pricewright.ingest.weekly import Intake
from pricewright.market import simulate
from pricewright.walk_forward import score_week, walk_week
from tests.pricewright.test_train import quick

WEEK = date(2024, 7, 22)  # the 30th of the market
END = WEEK + timedelta(weeks=1)


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    params = quick()
    params["market"] |= {"skus": 30, "weeks": 40}
    params["train"]["network"] |= {"members": 1, "epochs": 2}
    return params


@pytest.fixture(scope="module")
def lines(params: dict[str, Any]) -> pl.DataFrame:
    return simulate(params["market"]).transactions(params["market"])


def known_then(lines: pl.DataFrame, params: dict[str, Any], folder: Path) -> pl.DataFrame:
    """The transactions of an ingest of all lines, as they were known when the week ended."""
    intake = Intake(folder / "shelf", params["ingest"])
    document = Document("market", str(lines.hash_rows().sum()), lambda: iter([Table("market", lines)]))
    whole = intake.make([document])
    whole.write(folder / "raw", folder / "quarantine")
    parts = [pl.read_parquet(path, hive_partitioning=False) for path in sorted((folder / "raw").rglob("*.parquet"))]
    return known_before(pl.concat(parts), intake.cancelled_by(whole.found, END), END)


def another_future(lines: pl.DataFrame) -> pl.DataFrame:
    """Other sales and prices from the next week on, and early sales of many SKUs cancelled only then."""
    then = pl.col("InvoiceDate") < pl.lit(END).cast(pl.Datetime)
    early = lines.filter(then & (pl.col("Quantity") > 0) & pl.col("CustomerID").is_not_null())
    returned = early.gather_every(7).with_columns(
        pl.format("C{}", "InvoiceNo").alias("InvoiceNo"),
        -pl.col("Quantity"),
        pl.col("InvoiceDate") + pl.duration(weeks=40),
    )
    later = lines.filter(~then).with_columns(pl.col("Quantity") * 3, pl.col("UnitPrice") * 2).gather_every(2)
    return pl.concat([lines.filter(then), later, returned])


@pytest.fixture(scope="module")
def forecasts(lines: pl.DataFrame, params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    then = known_then(lines, params, tmp_path_factory.mktemp("today"))
    return walk_week(then, WEEK, params["tune"]["defaults"], params)


def test_other_sales_prices_and_cancellations_in_later_weeks_change_no_forecast(
    lines: pl.DataFrame, params: dict[str, Any], forecasts: pl.DataFrame, tmp_path: Path
) -> None:
    then = known_then(another_future(lines), params, tmp_path)
    assert walk_week(then, WEEK, params["tune"]["defaults"], params).equals(forecasts)


def test_other_sales_in_the_week_itself_change_what_it_is_judged_by_alone(
    lines: pl.DataFrame, params: dict[str, Any], forecasts: pl.DataFrame, tmp_path: Path
) -> None:
    inside = pl.col("InvoiceDate").is_between(pl.lit(WEEK).cast(pl.Datetime), pl.lit(END).cast(pl.Datetime), "left")
    more = pl.when(inside & (pl.col("Quantity") > 0)).then(pl.col("Quantity") * 2).otherwise("Quantity")
    then = known_then(lines.with_columns(Quantity=more), params, tmp_path)
    again = walk_week(then, WEEK, params["tune"]["defaults"], params)
    said = [name for name in forecasts.columns if name.startswith("predicted")]
    assert again.select("stock_code", "model", *said).equals(forecasts.select("stock_code", "model", *said))
    assert again["units"].sum() > 1.5 * forecasts["units"].sum()


def test_a_week_has_a_row_per_model_with_all_measures(forecasts: pl.DataFrame) -> None:
    scores = score_week(forecasts)
    assert scores["model"].to_list() == ["network", *REGISTRY]
    assert scores["week"].unique().to_list() == [WEEK]
    assert {"rmsle", "wape", "bias", "coverage", "rows"} <= set(scores.columns)
    assert scores["rows"].to_list() == [forecasts.height // 4] * 4


def test_a_week_without_enough_history_or_without_sales_says_so(
    lines: pl.DataFrame, params: dict[str, Any], tmp_path: Path
) -> None:
    then = known_then(lines, params, tmp_path)
    early = WEEK - timedelta(weeks=22)
    with pytest.raises((ModelError, SourceError), match="weeks"):
        walk_week(
            then.filter(pl.col("invoice_time").dt.date() < early + timedelta(weeks=1)),
            early,
            params["tune"]["defaults"],
            params,
        )
    closed = then.filter(~pl.col("invoice_time").dt.date().is_between(WEEK, END, "left"))
    with pytest.raises(ModelError, match="was the shop closed"):
        walk_week(closed, WEEK, params["tune"]["defaults"], params)
