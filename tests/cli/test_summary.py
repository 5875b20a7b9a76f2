"""How a run ends: with the prices of the release that it made, whoever has moved the channel since."""

from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from cli.summary import show_summary
from tasks.run import Outcome
from tests.synthetic_shop import Shop


def shown(shop: Shop, release: str) -> str:
    out = Console(record=True, width=120, force_terminal=False)
    parameters = {"promote": {"channel": "production"}}
    workspace = SimpleNamespace(store=str(shop.folder), parameters=parameters, simulated=False)
    show_summary(out, workspace, Outcome(release, ()))
    return out.export_text()


def test_a_run_ends_well_although_somebody_else_moved_the_channel_meanwhile(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    own, other = shop.write(skus=5), shop.write(skus=2, level=0.5)
    shop.point(other)
    text = shown(shop, own)
    assert "20028" in text, "a SKU that the other release does not have"
    assert f"release {own}" in text and f"production serves another one by now: {other}" in text


def test_nothing_is_reported_of_others_where_the_channel_serves_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    own = shop.write(skus=2)
    shop.point(own)
    assert "another one by now" not in shown(shop, own)


def test_a_run_ends_with_what_the_plan_promises_and_how_sure_that_is(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    own = shop.write(skus=5)
    shop.point(own)
    text = " ".join(shown(shop, own).split())
    assert "the plan promises" in text and "90 %:" in text and "probability" in text
    assert "weekly profit on" in text and "SKUs whose unit cost is known" in text
    assert "in truth" not in text, "nobody knows the truth of a real shop"
