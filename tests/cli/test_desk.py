"""`pricewright accepted` and `decisions`: what was decided at the desk, and the list to act on."""

import csv
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from blocks.lake import Lake
from cli.main import app
from pricewright.core.errors import ParameterError
from tasks.desk import Desk
from tasks.smoke import PriceApi
from tests.synthetic_shop import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("PRICEWRIGHT_APPROVAL_KEY", raising=False)
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


def run(shop: Shop, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--store", str(shop.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def decide(shop: Shop, verdict: str, reason: str = "") -> dict:
    desk = Desk(Lake(str(shop.folder)), PriceApi(str(shop.folder)))
    release, rows = desk.plan()
    best = max(rows, key=lambda row: row["gain"])
    desk.decide({"release": release, "decision": verdict, "by": "Ada", "reason": reason, "moves": [best]})
    return best


def test_what_was_accepted_is_listed_and_written(shop: Shop, tmp_path: Path) -> None:
    assert "was accepted yet" in run(shop, "accepted")
    best = decide(shop, "accept")
    shown = run(shop, "accepted")
    assert best["stock_code"] in shown and f"{best['optimal_price']:.2f}" in shown and "Ada" in shown
    out = tmp_path / "list.csv"
    assert "1 prices of release" in run(shop, "accepted", "--out", str(out), "--locale", "de-DE").replace("\n", " ")
    (row,) = csv.DictReader(out.read_text("utf-8-sig").splitlines(), delimiter=";")
    assert row["New price"] == f"{best['optimal_price']:.2f}".replace(".", ",")
    run(shop, "accepted", "--out", str(tmp_path / "list.xlsx"))
    assert pl.read_excel(tmp_path / "list.xlsx")["New price"].to_list() == [pytest.approx(best["optimal_price"])]


def test_decisions_say_who_what_and_why(shop: Shop) -> None:
    assert "nothing was decided yet" in run(shop, "decisions")
    decide(shop, "reject", "a price point")
    shown = run(shop, "decisions")
    assert "reject" in shown and "Ada" in shown and "yes" in shown
    (shop.folder / "decisions" / "broken.json").write_text("{")
    assert "counts for nothing" in run(shop, "decisions")


@pytest.mark.parametrize("out", ["list.pdf", "nowhere/list.csv"])
def test_a_file_that_cannot_be_written_is_refused(shop: Shop, tmp_path: Path, out: str) -> None:
    decide(shop, "accept")
    with pytest.raises(ParameterError, match=r"format is|is no folder"):
        CliRunner().invoke(
            app, ["accepted", "--out", str(tmp_path / out), "--store", str(shop.folder)], catch_exceptions=False
        )
