"""The pictures of the fairness report can be read: whole, no text over other text, pyplot untouched."""

import struct
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.fairness import Fairness, draw_fairness
from pricewright.fairness.pictures import PANELS, attribution_picture, parity_picture


@pytest.fixture(scope="module")
def unfair(shop: Any, guests: pl.Expr) -> Fairness:
    """Guests are mispredicted, a small segment is not judged, a third one never sold."""
    codes = shop.catalog["stock_code"]
    trade, silent = (pl.col("stock_code").is_in(part.implode()) for part in (codes.head(5), codes.tail(40)))
    catalog = shop.catalog.with_columns(
        customer_segment=pl.when(trade).then(pl.lit("trade")).otherwise("customer_segment"),
        price_tier=pl.when(silent).then(pl.lit("a tier with a longer name")).otherwise("price_tier"),
    )
    backtest = shop.backtest.with_columns(
        units=pl.when(silent).then(0.0).otherwise("units"),
        predicted_median=pl.when(guests).then(90.0).otherwise("predicted_median"),
    )
    fairness: Fairness = shop.assess(
        catalog=catalog, backtest=backtest, models=shop.models | {"svr": lambda rows: rows[:, 1]}
    )
    return fairness


def texts(figure: Any) -> list[Any]:
    """Everything that is written in a figure; a tick beyond its axis is not."""
    from matplotlib.text import Text

    ticks = [tick for axes in figure.axes for tick in axes.xaxis.get_major_ticks()]
    beyond = {id(tick.label1) for tick in ticks if not _within(tick.get_loc(), tick.axes.get_xlim())}
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and id(text) not in beyond]


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def test_two_pictures_are_written_of_readable_size(unfair: Fairness, tmp_path: Path) -> None:
    paths = draw_fairness(unfair, tmp_path / "report")
    assert [path.name for path in paths] == ["parity.png", "attributions.png"]
    for path in paths:
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert 1000 <= width <= 2400
        assert 500 <= height <= 1200


def test_pyplot_keeps_no_figure(unfair: Fairness, tmp_path: Path) -> None:
    draw_fairness(unfair, tmp_path)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_equal_numbers_make_equal_pictures(unfair: Fairness, tmp_path: Path) -> None:
    first, second = (draw_fairness(unfair, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("picture", ["parity", "attributions"])
def test_no_text_lies_over_other_text(picture: str, unfair: Fairness) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if picture == "parity":
        figure = parity_picture(unfair.segments, unfair.verdict)
    else:
        figure = attribution_picture(unfair.segments, unfair.attributions)
    FigureCanvasAgg(figure).draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    seen = [(words, box) for words, box in boxes if figure.bbox.overlaps(box)]
    over = [(a[0], b[0]) for a, b in combinations(seen, 2) if a[1].shrunk(0.9, 0.9).overlaps(b[1].shrunk(0.9, 0.9))]
    assert over == []
    outside = [words for words, box in seen if box.x0 < 0 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1]
    assert outside == []


def test_the_parity_picture_has_a_panel_for_every_measure_and_says_what_is_no_number(unfair: Fairness) -> None:
    figure = parity_picture(unfair.segments, unfair.verdict)
    words = {text.get_text() for text in texts(figure)}
    assert len(figure.axes) == len(PANELS)
    assert "no number" in words
    assert any(unfair.verdict.status in text for text in words)
