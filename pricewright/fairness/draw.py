"""The pictures of the fairness report. They are drawn on their own canvas: pyplot's global state stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pricewright.fairness.attribution_picture import attribution_picture
from pricewright.fairness.parity_picture import parity_picture

if TYPE_CHECKING:
    from pricewright.fairness.gate import Fairness

DOTS_PER_INCH = 120


def draw_fairness(fairness: Fairness, folder: Path) -> list[Path]:
    """Write parity.png (each segment against all SKUs) and attributions.png (what drives the models) to `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "parity.png": parity_picture(fairness.segments, fairness.verdict),
        "attributions.png": attribution_picture(fairness.segments, fairness.attributions),
    }
    for name, figure in pictures.items():
        FigureCanvasAgg(figure).print_png(str(folder / name), metadata={"Software": None})
    return [folder / name for name in pictures]
