"""What bench.scale writes: files of the size that was asked for, figures between the marks, misses by name."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from bench.hand_written import write_panel
from bench.scale_page import COMMAND, targets, write_page
from bench.weekly_files import write_weeks
from testing.report import END, begin

MARKET: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["market"]
SMALL = {**MARKET, "skus": 200, "weeks": 60, "cut_off_days": 0}
STEPS = ("ingest", "feature", "query", "ingest, one week more", "feature, one week more")


def cost(processor: float, memory: float = 1.0, done: str = "") -> dict[str, Any]:
    return {"seconds": processor, "processor": processor, "memory": memory, "done": done}


def found(rows: int, *processor: float, **how: Any) -> dict[str, Any]:
    costs = {step: cost(seconds, **how) for step, seconds in zip(STEPS, processor, strict=True)}
    return {"rows": rows, "costs": costs, "date": "2026-01-01", "load": 1, "machine": "a machine"}


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "source"
    write_weeks(folder, SMALL, 50_000)
    return folder


def test_a_market_is_written_in_about_as_many_lines_as_asked_for_a_file_per_week(weeks: Path) -> None:
    lines = pl.read_parquet(weeks / "*.parquet")
    assert 40_000 < lines.height < 65_000
    assert len(list(weeks.iterdir())) == SMALL["weeks"]
    assert lines.group_by(pl.col("InvoiceDate").dt.strftime("%G-W%V")).len().height == SMALL["weeks"]


def test_customers_come_again_in_later_weeks_and_invoices_do_not(weeks: Path) -> None:
    first, second = (pl.read_parquet(path) for path in sorted(weeks.iterdir())[:2])
    assert len(set(first["CustomerID"].drop_nulls()) & set(second["CustomerID"].drop_nulls())) > 10
    sold = [set(lines.filter(pl.col("Quantity") > 0)["InvoiceNo"]) for lines in (first, second)]
    assert len(sold[0] & sold[1]) < 3  # the huge order that is taken back has one number


def test_the_query_by_hand_has_a_row_per_sku_and_week_as_the_panel_has(weeks: Path, tmp_path: Path) -> None:
    rows = write_panel(weeks, tmp_path / "by_hand", parts=2)
    panel = pl.read_parquet(tmp_path / "by_hand" / "*.parquet")
    assert rows == panel.height == panel.select("StockCode", "week").unique().height
    assert 150 * 40 < rows <= 200 * 60
    assert panel.width > 65


def test_every_target_that_is_missed_is_named() -> None:
    good, bad = found(5_000_000, 10, 10, 15, 0.1, 0.1), found(50_000_000, 900, 100, 10, 0.1, 0.1)
    verdicts = {target.what: target.reached for target in targets({"5": good, "50": bad})}
    assert [what for what, reached in verdicts.items() if not reached] == [
        "50 million rows: against the query, processor time", "50 million rows: against the query, on the clock",
        "processor time, 5 to 50 million rows",
    ]  # fmt: skip
    heavy = targets({"5": found(5_000_000, 1, 1, 1, 0.1, 0.1, memory=4.5)})
    assert not heavy[0].reached and heavy[0].value == "4.50 GB"


def test_a_query_that_was_given_up_reaches_nothing() -> None:
    one = found(5_000_000, 10, 10, 15, 0.1, 0.1)
    one["costs"]["query"] = cost(9.0, done="over 8 GB")
    assert [target.value for target in targets({"5": one}) if not target.reached] == 2 * ["query over 8 GB"]


def test_figures_stand_between_the_marks_and_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    page = tmp_path / "scaling.md"
    page.write_text(f"# By hand\n\n{begin(COMMAND)}\n\nold figures\n\n{END}\n\nmore by hand\n")
    skus = {"skus": 1000, "release": 3e6, "start": 0.1, "costs": {"fit": cost(30.0)}}
    known = {
        "rows": {"5": found(5_000_000, 10, 10, 15, 0.1, 0.1)},
        "skus": {"1000": skus | {"date": "d", "load": 1, "machine": "m"}},
    }
    write_page(page, known)
    write_page(page, known)
    text = page.read_text()
    assert text.startswith("# By hand") and text.endswith("more by hand\n")
    assert "old figures" not in text and text.count("| 5 million: ingest ") == 1
    assert (tmp_path / "scaling_rows.svg").exists() and (tmp_path / "scaling_skus.svg").exists()
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="lacks the marks"):
        write_page(page, known)
