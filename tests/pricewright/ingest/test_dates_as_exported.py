"""A plain shop's dates in the forms that systems export, through a file: the same weeks, or words that say why not."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, ingest
from pricewright.ingest.source import find_documents
from pricewright.ingest.times import day_balance, decide_order
from pricewright.ingest.weekly import IncrementalIngest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
TIME = pl.col("invoice_time")
DAYS = (TIME - pl.datetime(1899, 12, 30)).dt.total_seconds() / 86400
FORMS: dict[str, pl.Expr] = {
    "Excel's days as text": pl.concat_str(pl.lit("'"), DAYS.round(6)).str.slice(1),
    "an offset": TIME.dt.strftime("%Y-%m-%d %H:%M:%S +0100"),
    "an offset with a colon": TIME.dt.strftime("%Y-%m-%dT%H:%M:%S+01:00"),
    "Zulu": TIME.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "UTC": TIME.dt.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "a zone in short": TIME.dt.strftime("%Y-%m-%d %H:%M CET"),
    "a zone in brackets": TIME.dt.strftime("%Y-%m-%dT%H:%M:%S+01:00[Europe/Berlin]"),
    "of a browser": TIME.dt.strftime("%a %b %d %Y %H:%M:%S GMT+0100 (Central European Standard Time)"),
    "twelve hours": TIME.dt.strftime("%m/%d/%Y %I:%M:%S %p"),
    "twelve hours and a zone": TIME.dt.strftime("%m/%d/%Y %I:%M %p EST"),
    "a month's name": TIME.dt.strftime("%B %d, %Y %H:%M"),
    "a month's short name": TIME.dt.strftime("%d-%b-%y %I:%M %p"),
    "points in the clock": TIME.dt.strftime("%d.%m.%Y %H.%M"),
    "points and seconds": TIME.dt.strftime("%Y-%m-%d %H.%M.%S"),
    "an h": TIME.dt.strftime("%d/%m/%Y %Hh%M"),
    "a word behind": TIME.dt.strftime("%d.%m.%Y, %H.%M Uhr"),
    "tenths of seconds": TIME.dt.strftime("%Y-%m-%d %H:%M:%S.5"),
    "tenths after a comma": TIME.dt.strftime("%Y-%m-%d %H:%M:%S,5"),
    "four digits": TIME.dt.strftime("%Y-%m-%d %H%M"),
    "ISO's short form": TIME.dt.strftime("%Y%m%dT%H%M%SZ"),
    "digits only": TIME.dt.strftime("%Y%m%d%H%M"),
    "a day's name": TIME.dt.strftime("%A, %d %B %Y %H:%M"),
}


def read(lines: pl.DataFrame, params: Params, folder: Path) -> Ingested:
    lines.write_csv(folder / "sales.csv")
    return ingest(folder / "sales.csv", params)


@pytest.mark.parametrize("form", FORMS)
def test_times_are_read_to_the_minute(form: str, params: Params, tmp_path: Path) -> None:
    found = read(plain_shop().with_columns(FORMS[form].alias("invoice_time")), params, tmp_path).accepted
    assert (found["invoice_time"].dt.round("1m") == plain_shop()["invoice_time"]).all()


CLOCKS = {
    "24 hours": "%H:%M:%S",
    "without seconds": "%H:%M",
    "12 hours": "%I:%M %p",
    "points": "%H.%M",
    "an h": "%Hh%M",
    "tenths": "%H:%M:%S.5",
    "four digits": "%H%M",
    "six digits": "%H%M%S",
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_date_and_time_may_stand_in_two_columns(suffix: str, clock: str, params: Params, tmp_path: Path) -> None:
    lines = (
        plain_shop()
        .drop("invoice_time")
        .with_columns(Date=plain_shop()["invoice_time"].dt.date(), Time=plain_shop()["invoice_time"].dt.strftime(clock))
    )
    path = tmp_path / f"sales.{suffix}"
    (lines.write_csv if suffix == "csv" else lines.write_excel)(path)
    assert (ingest(path, params).accepted["invoice_time"] == plain_shop()["invoice_time"]).all()


@pytest.mark.parametrize("digits", [pl.Int64, pl.Float64])
@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_a_clock_may_be_a_number(suffix: str, digits: Any, params: Params, tmp_path: Path) -> None:
    hour, minute = TIME.dt.hour().cast(pl.Int64), TIME.dt.minute()
    clock = hour * 100 + minute if digits == pl.Int64 else hour + minute / 100
    lines = plain_shop().with_columns(Date=TIME.dt.date(), Time=clock).drop("invoice_time")
    path = tmp_path / f"sales.{suffix}"
    getattr(lines, {"csv": "write_csv", "xlsx": "write_excel", "parquet": "write_parquet"}[suffix])(path)
    assert (ingest(path, params).accepted["invoice_time"] == plain_shop()["invoice_time"]).all()


def test_a_column_of_other_times_is_left_alone(params: Params, tmp_path: Path) -> None:
    lines = plain_shop().with_columns(Time=pl.lit("Eastern"))
    assert (read(lines, params, tmp_path).accepted["invoice_time"] == plain_shop()["invoice_time"]).all()


def totals(step: str) -> pl.DataFrame:
    """The shop's sales by SKU, price and week or month."""
    day = TIME.dt.truncate(step).dt.date()
    return (
        plain_shop(weeks=104).group_by("stock_code", "unit_price", Week=day).agg(pl.col("quantity").sum()).sort("Week")
    )


WEEKLY = {
    "ISO weeks": "%G-W%V",
    "ISO weeks without a sign": "%GW%V",
    "weeks as a number": "%G%V",
    "Mondays": "%Y-%m-%d",
    "American Mondays": "%m/%d/%Y",
}


@pytest.mark.parametrize("layout", WEEKLY.values(), ids=WEEKLY.keys())
def test_weeks_are_read(layout: str, params: Params, tmp_path: Path) -> None:
    weekly = totals("1w")
    found = read(weekly.with_columns(pl.col("Week").dt.strftime(layout)), params, tmp_path)
    assert found.counts["weeks"] == 104 and found.counts["units"] == weekly["quantity"].sum()
    assert (found.accepted["invoice_time"].dt.date() == weekly["Week"]).all()


def test_the_ends_of_weeks_are_dates(params: Params, tmp_path: Path) -> None:
    weekly = totals("1w").with_columns(pl.col("Week") + pl.duration(days=6)).rename({"Week": "Week Ending"})
    assert read(weekly, params, tmp_path).counts["weeks"] == 104


MONTHLY = {
    "American": "%-m/%-d/%Y",
    "British": "%d/%m/%Y",
    "ISO": "%Y-%m-%d",
    "months": "%Y-%m",
    "names": "%b %Y",
    "short": "%b-%y",
    "as a number": "%Y%m",
}


@pytest.mark.parametrize("layout", MONTHLY.values(), ids=MONTHLY.keys())
def test_monthly_totals_are_too_coarse(layout: str, params: Params, tmp_path: Path) -> None:
    monthly = totals("1mo").with_columns(pl.col("Week").dt.strftime(layout)).rename({"Week": "Month"})
    with pytest.raises(SourceError, match="has a row a month: its 24 dates, 2024-01-01 to 2025-12-01") as error:
        read(monthly, params, tmp_path)
    assert "by week" in error.value.hint


def test_months_in_files_of_their_own_are_too_coarse_as_well(params: Params, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    for (month,), part in totals("1mo").partition_by("Week", as_dict=True).items():
        part.write_csv(tmp_path / "exports" / f"{month}.csv")
    with pytest.raises(SourceError, match="has a row a month: its 24 dates"):
        ingest(tmp_path / "exports", params)
    documents = find_documents(tmp_path / "exports", tmp_path / "known.json")
    with pytest.raises(SourceError, match="has a row a month: its 24 dates"):
        IncrementalIngest(tmp_path / "shelf", params).make(documents)


@pytest.fixture
def early_days() -> pl.DataFrame:
    """The shop on the first twelve days of its months only: no date says whether the day or the month comes first."""
    return plain_shop().filter(TIME.dt.day() <= 12)


@pytest.mark.parametrize(("day_first", "other"), [(True, "false"), (False, "true")])
def test_a_guessed_order_of_day_and_month_is_reported(
    day_first: bool, other: str, early_days: pl.DataFrame, params: Params, tmp_path: Path
) -> None:
    layout = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    lines = early_days.with_columns(TIME.dt.strftime(layout))
    found = read(lines, params | {"day_first": day_first}, tmp_path)
    dates = f"{layout} (assumed: no date says whether day or month comes first; --param ingest.day_first={other})"
    assert found.counts["read_as"]["sales.csv"]["dates"] == dates
    documents = find_documents(tmp_path / "sales.csv", tmp_path / "known.json")
    whole = IncrementalIngest(tmp_path / "shelf", params | {"day_first": day_first}).make(documents)
    assert whole.counts["read_as"] == found.counts["read_as"]


def test_an_order_that_a_date_shows_is_no_guess(params: Params, tmp_path: Path) -> None:
    lines = plain_shop().with_columns(TIME.dt.strftime("%m/%d/%Y"))
    assert read(lines, params, tmp_path).counts["read_as"]["sales.csv"]["dates"] == "%m/%d/%Y"


def test_the_step_of_totals_shows_the_order_where_no_date_does() -> None:
    firsts = [(month, year) for year in (2024, 2025) for month in range(1, 13)]
    assert not decide_order(day_balance(pl.Series([f"{month}/1/{year}" for month, year in firsts])), otherwise=True)
    assert decide_order(day_balance(pl.Series([f"1/{month}/{year}" for month, year in firsts])), otherwise=False)
    daily = pl.Series([f"{day}/{month}/2024" for month in range(1, 13) for day in range(1, 13)])
    assert decide_order(day_balance(daily), otherwise=True) and not decide_order(day_balance(daily), otherwise=False)


def test_totals_of_two_stores_are_not_copies(params: Params, tmp_path: Path) -> None:
    weekly = totals("1w").filter(pl.col("Week") >= pl.date(2025, 1, 1))
    for name in ("Store", "Store ID", "Branch", "Outlet", "Location"):
        both = pl.concat([weekly.with_columns(pl.lit(store).alias(name)) for store in ("North", "South")])
        found = read(both, params, tmp_path)
        assert found.counts["duplicates"] == 0 and found.counts["units"] == 2 * weekly["quantity"].sum()
