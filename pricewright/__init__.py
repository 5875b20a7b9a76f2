"""Pricewright as a library: from a file of sales to demand curves, prices and pictures.

    import pricewright as pw

    panel = pw.build_panel(pw.read_sales("sales.csv"))
    fitted = pw.fit(panel)
    pw.recommend(fitted).prices

docs/notebook.md shows all of it. Names are imported when they are first used: the price API shares `pricewright.core`
with them and has numpy alone, and `import pricewright` takes 1 ms instead of 2 s.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pricewright.analysis import (
        build_panel,
        curve,
        fit,
        parameters,
        plot_curve,
        plot_history,
        read_release,
        read_sales,
        recommend,
    )

__all__ = ["build_panel", "curve", "fit", "parameters", "plot_curve", "plot_history", "read_release", "read_sales",
           "recommend"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("pricewright.analysis"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
