"""`pricewright audit`: exit code 1 when anything is wrong, and what to do about it."""

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from blocks.lake import Lake
from cli.main import app
from pricewright.release import write_bundle
from tasks.candidate import differing_prices
from tasks.releases import write_release
from testing.synthetic_release import contents


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "lake"))
    manifest = write_bundle(tmp_path / "bundles", **contents(skus=5))
    write_release(made, tmp_path / "bundles", manifest)
    made.swap(
        "channels/production.json",
        None,
        b'{"release": "%s", "previous": null, "promoted_at": "2011-12-05T03:00:00Z", "promoted_by": "ann"}'
        % manifest.id.encode(),
    )
    return made


def audit(lake: Lake) -> Result:
    return CliRunner().invoke(app, ["audit", "--store", lake.url])


def test_a_lake_that_is_whole_ends_with_0_and_says_what_was_looked_at(lake: Lake) -> None:
    done = audit(lake)
    assert done.exit_code == 0, done.output
    assert "1 releases, 10 files with their sha256" in done.output and "wrong" not in done.output


def test_a_broken_one_ends_with_1_and_says_value_rule_and_hint(lake: Lake) -> None:
    (path,) = Path(lake.url).glob("releases/*/history.npz")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = audit(lake)
    assert done.exit_code == 1
    assert "a channel needs it; the rule: a release has its files unaltered" in done.output
    assert "hint: the file was altered after it was written" in done.output and "1 things are wrong" in done.output


def test_two_releases_are_compared_by_what_they_promise_and_by_the_prices_that_differ(
    lake: Lake, tmp_path: Path
) -> None:
    (first,) = [path.name for path in Path(lake.url, "releases").iterdir()]
    manifest = write_bundle(tmp_path / "others", **contents(level=0.3, skus=5))
    write_release(lake, tmp_path / "others", manifest)
    done = CliRunner().invoke(app, ["compare", first, manifest.id, "--store", lake.url])
    assert done.exit_code == 0, done.output
    assert first in done.output and manifest.id in done.output
    assert "network: wape" in done.output and "gate drift" in done.output
    same = CliRunner().invoke(app, ["compare", first, first, "--store", lake.url])
    assert "0 recommended prices differ" in same.output
    missing = CliRunner().invoke(app, ["compare", first, "2011-W01-00000000", "--store", lake.url])
    assert missing.exit_code != 0


def test_prices_that_differ_are_those_of_the_lists() -> None:
    columns = {"stock_code": ["A", "B", "C"], "store": [None] * 3, "description": ["a", "b", "c"]}
    old = pl.DataFrame(columns | {"optimal_price": [1.0, 2.0, 3.0], "expected_sales": [9.0, 8.0, 7.0]})
    new = old.with_columns(optimal_price=pl.Series([1.0, 2.5, 3.0])).filter(pl.col("stock_code") != "C")
    assert differing_prices(old, new) == [
        {"stock_code": "B", "description": "b", "before": 2.0, "after": 2.5},
        {"stock_code": "C", "description": None, "before": 3.0, "after": None},
    ]
