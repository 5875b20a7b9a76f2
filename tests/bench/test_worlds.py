"""The bench of worlds plays a product, prints what it was worth, and its page says what the code says."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.world_tables import kinds_table
from bench.worlds import COMMAND, main, price_weeks, weeks_of
from pricewright.worlds import KINDS, Kind, World, simulate_world
from tasks.workspace import read_parameters
from testing.report import begin

PAGE = Path(__file__).parents[2] / "docs" / "worlds.md"
TINY = ["--seeds", "1", "--skus", "12", "--weeks", "30"]


def cuts_all_prices(world: World, params: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, float]]:
    """A product that lowers every price by a tenth and promises half as much again."""
    listed = {"stock_code": world.codes, "current_price": world.now, "optimal_price": 0.9 * world.now}
    sales = {"current_expected_sales": world.sales(world.now), "expected_sales": 1.5 * world.sales(world.now)}
    frame = pl.DataFrame({**listed, **sales, "uplift_probability": [0.85] * len(world.codes)})
    return frame, {"uplift": 0.5, "uplift_low": 0.4, "uplift_high": 0.6}


def marked(page: Path) -> None:
    commands = (COMMAND, f"{COMMAND} --held-out", f"{COMMAND} --yardsticks")
    page.write_text("\n".join(f"{command}:\n{begin(command)}\n<!-- to here -->" for command in commands))


def test_each_group_is_written_to_its_own_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "worlds.md"
    marked(page)
    main([*TINY, "--out", str(page)], cuts_all_prices)
    main([*TINY, "--out", str(page), "--held-out"], cuts_all_prices)
    developed, held_out = page.read_text().split(f"{COMMAND} --held-out:")
    assert "| stockouts" in developed and "| drift" not in developed
    assert "| drift" in held_out and "| stockouts" not in held_out
    assert "50.0%" in developed and "0.8 to 0.9" in developed


def test_single_kinds_are_printed_and_leave_the_page_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "worlds.md"
    main([*TINY, "--kinds", "plain,thin", "--out", str(page)], cuts_all_prices)
    printed = capsys.readouterr().out
    assert "plain 1: promised 50.0%, realised" in printed and "| thin " in printed
    assert not page.exists()


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--kinds", "flat"], cuts_all_prices)
    assert "'flat': it must be one of plain, " in capsys.readouterr().err


def test_the_page_lists_the_kinds_as_they_are() -> None:
    assert kinds_table(KINDS) in PAGE.read_text()


@pytest.mark.parametrize("field", [field.name for field in fields(Kind) if field.name not in ("about", "form")])
def test_the_page_tells_every_prior_with_its_value(field: str) -> None:
    value = getattr(Kind(""), field)
    assert f"| `{field}` | {value} |" in PAGE.read_text()


def test_curves_and_plan_alone_price_every_item_of_a_world() -> None:
    params = read_parameters(PAGE.parents[1] / "params.yaml")
    world = simulate_world({**params["market"], "kind": "substitutes_nested", "skus": 24, "weeks": 60})
    weeks = weeks_of(world)
    assert weeks["units"].sum() == world.units.sum()
    assert (
        weeks.filter(~pl.col("in_stock")).height == ((world.in_stock < 1) & (world.in_stock.cumsum(axis=1) > 0)).sum()
    )
    listed, plan = price_weeks(world, params)
    assert set(listed["stock_code"]) == {code.upper() for code in world.codes}
    assert plan is not None and plan["uplift_low"] <= plan["uplift"] <= plan["uplift_high"]
