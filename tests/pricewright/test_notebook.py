"""The front door: what docs/notebook.md shows works as it stands there, and importing it costs nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import pricewright as pw
from pricewright.core.errors import ParameterError, ReleaseError
from testing.plain_shop import plain_shop
from testing.synthetic_release import write_release

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "notebook.md").read_text()
PUBLIC = {"build_panel", "curve", "fit", "parameters", "plot_curve", "plot_history", "read_release", "read_sales",
          "recommend"}  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the page's lines leave, run on the plain shop in a folder of its own."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    folder = tmp_path_factory.mktemp("notebook")
    plain_shop().write_csv(folder / "sales.csv")
    left: dict[str, object] = {"folder": folder, "lines": [line for line in code.splitlines() if line.strip()]}
    here = Path.cwd()
    os.chdir(folder)
    try:
        exec(code, left)
    finally:
        os.chdir(here)
    return left


def test_fifteen_lines_lead_from_a_file_to_a_price_and_pictures(shown: dict[str, object]) -> None:
    assert len(shown["lines"]) <= 15
    for name in ("curve.png", "history.png"):
        assert (shown["folder"] / name).read_bytes().startswith(b"\x89PNG")
    assert shown["best"]["optimal_price"] != shown["best"]["current_price"]


def test_every_sku_of_the_shop_has_a_price_and_falls_in_units_as_its_price_rises(shown: dict[str, object]) -> None:
    prices = shown["plan"].prices
    assert prices.height == 22
    for code in prices["stock_code"].head(3):
        drawn = pw.curve(shown["fitted"], code)
        assert (drawn["units"].diff().drop_nulls() < 0).all()
        assert ((drawn["units_low"] <= drawn["units"]) & (drawn["units"] <= drawn["units_high"])).all()


def test_an_elastic_shop_is_found_to_be_elastic(shown: dict[str, object]) -> None:
    assert -3.0 < shown["plan"].prices["elasticity"].mean() < -1.4, "the truth is -2.2"


def test_a_curve_holds_the_units_of_the_price_list(shown: dict[str, object]) -> None:
    row = shown["plan"].prices.filter(pl.col("optimal_price") == pl.col("current_price")).head(1)
    row = row if row.height else shown["plan"].prices.head(1)
    code, now = row["stock_code"][0], row["current_price"][0]
    drawn = pw.curve(shown["fitted"], code)
    nearest = drawn.sort((pl.col("price") - now).abs()).row(0, named=True)
    assert nearest["units_low"] < row["current_expected_sales"][0] / now < nearest["units_high"]


def test_a_sku_without_a_price_is_named(shown: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="'999' gets no price: it is none of the 22"):
        pw.curve(shown["fitted"], "999")


def test_a_folder_without_a_release_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"holds neither manifest\.json nor channels/production\.json"):
        pw.read_release(tmp_path)


def test_a_release_is_read_from_its_folder_and_from_its_lake(tmp_path: Path) -> None:
    release = write_release(tmp_path / "releases")
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels/production.json").write_text(json.dumps({"release": release.id}))
    from_lake, alone = pw.read_release(tmp_path), pw.read_release(tmp_path / "releases" / release.id)
    assert from_lake.id == alone.id == release.id
    assert from_lake.prices.equals(alone.prices) and from_lake.prices.height > 0


def test_the_public_names_are_these_and_the_page_has_them_all() -> None:
    assert set(pw.__all__) == PUBLIC <= set(dir(pw))
    assert all(f"`{name}" in PAGE for name in PUBLIC)
    assert all(getattr(pw, name).__doc__ for name in PUBLIC)


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = "import sys, pricewright; print(sorted({'numpy', 'polars', 'torch', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
