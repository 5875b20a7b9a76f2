"""A grown release is served like the one it was grown from."""

from pathlib import Path

from bench.grown import FIRST, grow
from inference.handler import make_app
from inference.settings import Settings
from testing.synthetic_release import write_release


def test_every_sku_of_a_grown_release_has_the_price_of_the_one_it_copies(tmp_path: Path) -> None:
    release = tmp_path / "small" / write_release(tmp_path / "small").id
    lake = grow(release, 100, tmp_path / "large")
    api = make_app(Settings(store=str(lake)), log=lambda _: None)
    first, copy = api({"stock_code": FIRST}), api({"stock_code": str(int(FIRST) + 40)})
    assert first["model"] == copy["model"] == "network" and not first["fallbacks"]
    assert first["curve"] == copy["curve"] and first["optimal_price"] == copy["optimal_price"]
    assert api({"httpMethod": "GET", "path": f"/v1/sales/{int(FIRST) + 99}"})["statusCode"] == 200
