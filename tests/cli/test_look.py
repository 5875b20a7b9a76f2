"""A file is looked at before it is run, and what was found is written down for the run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from testing.plain_shop import plain_shop

ROOT = Path(__file__).parents[2]
SHOP = plain_shop()
GERMAN = {"invoice": "Beleg", "stock_code": "Artikel", "description": "Bezeichnung", "quantity": "Menge",
          "invoice_time": "Datum", "unit_price": "Einzelpreis"}  # fmt: skip
NAMED = [part for word, column in GERMAN.items() for part in ("--column", f"{word}={column}")]


def look(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["look", *arguments], catch_exceptions=True)


def report(*arguments: str) -> dict[str, Any]:
    done = look(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kinds(found: dict[str, Any], words: str) -> list[str]:
    return [finding["kind"] for finding in found["findings"] if words in finding["words"]]


def write_german(path: Path, shop: pl.DataFrame = SHOP) -> Path:
    """Titles above, semicolons, a decimal comma, dd.mm.yyyy, a column that nobody asked for."""
    prices = pl.Series([f"{price:.2f} €".replace(".", ",") for price in shop["unit_price"]])
    days = pl.col("invoice_time").dt.strftime("%d.%m.%Y %H:%M")
    lines = shop.with_columns(days, unit_price=prices, Kasse=pl.lit("K1")).drop("customer_id").rename(GERMAN)
    path.write_text("Umsätze Köln;;\n;;\n" + lines.write_csv(separator=";"), encoding="cp1252")
    return path


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_german(tmp_path_factory.mktemp("german") / "umsatz.csv")


def test_a_look_says_how_a_file_is_written_and_what_it_covers(german: Path) -> None:
    done = look(str(german), *NAMED)
    assert done.exit_code == 0, done.output
    for words in ("in row 3", "cp1252", "1.234,50", "%d.%m.%Y", "EUR", "not used: Kasse", f"{SHOP.height:,} rows",
                  "56 with sales, 2024-01-01", "22, 22 of them can be learnt from", "no cost"):  # fmt: skip
        assert words in done.output, words


def test_a_look_counts_the_rows_as_the_run_does(german: Path) -> None:
    found = report(str(german), *NAMED)
    assert found["whole"] and found["counts"]["accepted"] == SHOP.height and found["counts"]["quarantined"] == 0
    assert found["prices_moved"] == 22
    assert found["lines_per_week"] == pytest.approx(SHOP.height / 56, abs=0.1)


def test_the_mapping_that_a_look_writes_reads_the_file_in_the_same_way(german: Path, tmp_path: Path) -> None:
    written = tmp_path / "mapping.yaml"
    assert look(str(german), *NAMED, "--out", str(written)).exit_code == 0
    assert yaml.safe_load(written.read_text()) == {
        "columns": GERMAN,
        "ingest": {"decimal_sign": ",", "day_first": True},
    }
    assert report(str(german), "--mapping", str(written)) == report(str(german), *NAMED)


def configured(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """run.yaml of a checkout with these options, which `run` writes too."""
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    code = "from cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}", "configure", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written: dict[str, Any] = yaml.safe_load((tmp_path / "run.yaml").read_text())
    return written


def test_a_run_takes_the_mapping_and_what_is_asked_for_goes_before_it(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(yaml.safe_dump({"columns": GERMAN, "ingest": {"decimal_sign": ",", "day_first": False}}))
    asked = configured(tmp_path, "--mapping", str(mapping), "--param", "ingest.decimal_sign=.", "--param",
                       "train.seed=7", "--column", "line_total=Summe", "--column", "description=Artikel")  # fmt: skip
    kept = {word: column for word, column in GERMAN.items() if word not in ("unit_price", "stock_code")}
    assert asked["columns"] == kept | {"line_total": "Summe", "description": "Artikel"}
    assert asked["overrides"]["ingest"] == {"decimal_sign": ".", "day_first": False}
    assert asked["overrides"]["train"] == {"seed": 7}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("columns: [a", "is not YAML"),
        ("- 1", "holds list"),
        ("colums: {}", "holds colums"),
        ("columns: [Beleg]", "columns of the mapping"),
        ("columns: {invoice: 7}", "columns.invoice"),
    ],
)
def test_a_mapping_that_is_none_is_refused_with_2(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "mapping.yaml").write_text(content)
    error = look("anything.csv", "--mapping", str(tmp_path / "mapping.yaml")).exception
    assert message in str(error) and getattr(error, "exit_code", None) == 2


def test_a_file_that_cannot_be_used_ends_with_2_and_says_which_column_it_lacks(german: Path) -> None:
    code = "from cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "look", str(german)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "umsatz.csv has no column for stock_code" in done.stderr and "--column stock_code=NAME" in done.stderr


def test_prices_that_never_moved_and_a_short_history_are_reported_before_a_run(tmp_path: Path) -> None:
    still = plain_shop(skus=5, weeks=12).with_columns(pl.col("unit_price").first().over("stock_code"))
    found = report(str(write_german(tmp_path / "short.csv", still)), *NAMED)
    assert kinds(found, "no price ever moved") == ["warns"]
    assert kinds(found, "12 weeks with sales: at least") == ["stops"]
    assert kinds(found, "skus: 5 SKUs") == ["warns"]
    assert found["prices_moved"] == 0


def test_what_a_shop_tells_is_not_reported_missing(tmp_path: Path) -> None:
    more = SHOP.with_columns(unit_cost=pl.col("unit_price") / 2, category=pl.lit("HOME"), promotion=pl.lit(0))
    more.write_csv(tmp_path / "shop.csv")
    found = report(str(tmp_path / "shop.csv"))
    assert not any(finding["words"].startswith("no ") for finding in found["findings"])


def test_a_list_of_products_beside_the_sales_stays_left_out_with_the_mapping(tmp_path: Path) -> None:
    SHOP.write_csv(tmp_path / "sales.csv")
    SHOP.select("stock_code", "unit_price").unique().write_csv(tmp_path / "products.csv")
    written = tmp_path / "mapping.yaml"
    first = report(str(tmp_path))
    assert look(str(tmp_path), "--out", str(written)).exit_code == 0
    assert "left out" in first["tables"]["products.csv"]
    assert report(str(tmp_path), "--mapping", str(written)) == first
