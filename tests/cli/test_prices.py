"""`pricewright prices export`: the served prices as a file for the tills."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.main import app
from pricewright.core.errors import ParameterError, PricewrightError, ReleaseError
from tests.synthetic_shop import Shop

ZONES = {"1": "North", "2": "North", "3": "South"}
CODES = ["501@North", "501@South", "502@North", "502@South"]
COLUMNS = "columns: {Store: store, SKU: stock_code, Price: price, Tax: tax_rate}\nrows: all\n"


def export(shop: Shop, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["prices", "export", "--store", str(shop.folder), *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_every_store_of_the_chain_gets_the_served_prices(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "lake")
    release = shop.write(codes=CODES, zones=ZONES, tax_rate=0.2)
    shop.point(release)
    (tmp_path / "till.yaml").write_text(COLUMNS)
    out = tmp_path / "out" / "tills.csv"
    shown = export(shop, "--out", str(out), "--template", str(tmp_path / "till.yaml"))
    assert f"6 prices of {release}, from 2011-12-05 on" in " ".join(shown.split())
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode(), newline="")))
    prices = pl.read_parquet(tmp_path / "lake" / "releases" / release / "price_list.parquet")
    by_item = {
        (code, zone): price for code, zone, price in prices.select("stock_code", "store", "optimal_price").rows()
    }
    assert [(row["Store"], row["SKU"]) for row in rows] == [(s, c) for s in ZONES for c in ("501", "502")]
    for row in rows:
        assert float(row["Price"]) == pytest.approx(by_item[row["SKU"], ZONES[row["Store"]]], abs=0.005)
    assert {row["Tax"] for row in rows} == {"0.2000", ""}


def test_the_file_can_be_asked_about_as_a_list_of_prices(tmp_path: Path) -> None:
    """What goes to the tills is what --prices of what-if reads."""
    shop = Shop(tmp_path / "lake")
    shop.point(shop.write(codes=CODES, zones=ZONES))
    (tmp_path / "till.yaml").write_text(COLUMNS)
    out = tmp_path / "tills.csv"
    export(shop, "--out", str(out), "--template", str(tmp_path / "till.yaml"))
    result = CliRunner().invoke(app, ["what-if", "--store", str(shop.folder), "--prices", str(out)])
    assert "products" in result.output, result.output


def test_nothing_is_written_where_a_price_is_not_known(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "lake")
    shop.point(shop.write())
    out = tmp_path / "tills.csv"
    out.write_text("old")
    with pytest.raises(ReleaseError, match="price_with_tax is not known"):
        export(shop, "--out", str(out))
    assert out.read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        (["--template", "nowhere.yaml"], ParameterError, "cannot be read"),
        (["--channel", "staging"], ReleaseError, "serves nothing yet"),
        (["--release", "2011-W48-00000000"], ReleaseError, "has no release"),
    ],
)
def test_what_is_not_there_is_an_error(
    tmp_path: Path, arguments: list[str], error: type[PricewrightError], word: str
) -> None:
    shop = Shop(tmp_path / "lake")
    shop.point(shop.write(skus=2))
    with pytest.raises(error, match=word):
        export(shop, "--out", str(tmp_path / "tills.csv"), *arguments)


def test_a_day_that_is_none_ends_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "prices", "export", "--out", "x.csv", "--date", "30.11.2026"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 2 and "does not match" in done.stderr
