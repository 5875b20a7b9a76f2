"""For notebooks: from a file of sales to demand curves, prices, past releases and pictures.

Everything is in memory and on one core; a run (`pricewright run`) does the same week by week, tunes the models, trains
their backups and holds all of it against gates before a price is served.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pricewright.core.decision import SHARES
from pricewright.core.errors import ParameterError, ReleaseError
from pricewright.core.item import Item
from pricewright.core.manifest import BACKTEST, MANIFEST, PLAN, PRICE_CHANGES, PRICE_LIST, Manifest
from pricewright.core.plan import Plan, Product, own_units
from pricewright.core.substitution import Draws, Posterior
from pricewright.families import families_of, shared_families
from pricewright.feature import Panel, features_of
from pricewright.feature import build_panel as _build_panel
from pricewright.ingest import ingest
from pricewright.items import apart, chain_of
from pricewright.network.network import DemandNetwork, network_settings
from pricewright.price_list import plan_prices, plan_summary, price_list, with_prices
from pricewright.profit import amounts

Parameters = Mapping[str, Any]
POINTS = 50  # prices of a curve
INK, BLUE, ORANGE, FAINT = "#333333", "#2f6690", "#e08e0b", "#9a9a9a"


def parameters() -> dict[str, Any]:
    """params.yaml as it ships: the numbers of every stage, by section. A copy: change what you like."""
    content: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text())
    return content


def read_sales(
    source: str | Path, columns: Mapping[str, str] | None = None, params: Parameters | None = None
) -> pl.DataFrame:
    """The sales lines of a CSV, Parquet or xlsx file or a folder of them, one row per accepted line.

    columns: the file's own column names by word (stock_code, quantity, ...), where they are not known anyway. Raises
    SourceError when the file cannot be read, or its lines are not sales.
    """
    return ingest(Path(source), (params or parameters())["ingest"], columns).accepted


def build_panel(sales: pl.DataFrame, params: Parameters | None = None) -> Panel:
    """The weeks of `read_sales`: units and price per SKU and week, with what was known when the week began.

    `.rows` has the weeks, `.catalog` the SKUs that get a price. Raises SourceError when the history is too short.
    """
    params = params or parameters()
    return _build_panel(sales, params["feature"], chain=chain_of(str(params["price"]["level"]), sales))


@dataclass(frozen=True)
class Fit:
    """The demand network fitted to a panel.

    catalog: the SKUs that get a price, with their regular price now; posterior: what is known of their demand in the
    coming week, in the same order; informed: (n,) how much the data said about each answer to a price, 0 to 1.
    """

    panel: Panel
    network: DemandNetwork
    catalog: pl.DataFrame
    posterior: Posterior
    informed: NDArray[np.float64]
    families: tuple[str | None, ...]
    params: Parameters

    @cached_property
    def planned(self) -> tuple[Plan, list[Product]]:
        """The best prices of all SKUs together, and what may be asked for each."""
        own = self.params["train"]
        return plan_prices(
            self.posterior, self.catalog, self.informed, int(own["draws"]), int(own["seed"]), self.params["price"]
        )


def fit(panel: Panel, params: Parameters | None = None) -> Fit:
    """Fit the demand network with the default hyperparameters; the same panel gives the same fit.

    Takes about 10 seconds per 100 SKUs and two years. Raises ModelError when the panel cannot be learnt from.
    """
    params = params or parameters()
    settings = network_settings(params, params["tune"]["defaults"]["network"], params["train"]["network"])
    codes = panel.catalog["stock_code"].to_list()
    families = families_of(panel.rows, dict(panel.catalog.select("stock_code", "description").iter_rows()))
    network = DemandNetwork.fit(
        panel.rows, features_of(panel.rows), settings, int(params["train"]["seed"]), families=families
    )
    curves = network.curves.of(codes)
    catalog = with_prices(panel.catalog, panel.rows, curves.base_price)
    posterior = network.posterior(codes, network.levels(network.rows_ahead(panel.rows, panel.coming)))
    named = shared_families(codes, families, catalog["store"].to_list())
    return Fit(panel, network, catalog, posterior, curves.informed, tuple(named), params)


def curve(fitted: Fit, stock_code: Item | str) -> pl.DataFrame:
    """Weekly units and sales of a SKU at prices across its guardrail, the others at theirs.

    Columns price, units, units_low, units_high, sales, sales_low, sales_high (90 % intervals of the expectation);
    sales are without tax where its rate is known.
    Raises ParameterError for a SKU that gets no price.
    """
    index = _index_of(fitted, stock_code)
    _, products = fitted.planned
    members = np.flatnonzero(fitted.posterior.family == fitted.posterior.family[index])
    own = fitted.params["train"]
    draws = Draws(int(own["draws"]), fitted.posterior.shared.shape[2], int(own["seed"]) + 1)
    now = np.array([products[i].current for i in members])
    prices = np.linspace(products[index].low, products[index].high, POINTS)
    units = own_units(draws.of(fitted.posterior[members]), now, int(np.flatnonzero(members == index)[0]), prices)
    low, high = np.quantile(units, SHARES, axis=1)
    found = pl.DataFrame({"price": prices, "units": units.mean(axis=1), "units_low": low, "units_high": high})
    sales = {
        f"sales{end}": products[index].net * pl.col("price") * pl.col(f"units{end}") for end in ("", "_low", "_high")
    }
    return found.with_columns(**sales)


@dataclass(frozen=True)
class Recommended:
    """prices: one row per SKU as in price_list.parquet; promise: what plan.json says of a week, now and with them."""

    prices: pl.DataFrame
    promise: dict[str, Any]


def recommend(fitted: Fit) -> Recommended:
    """The prices at which all SKUs together are expected to sell most, and what they promise.

    A price that does not gain with `price.minimum_probability` stays, and its reason says so.
    """
    plan, products = fitted.planned
    prices = price_list(plan, products, fitted.catalog, fitted.families, fitted.params["price"])
    parted = fitted.catalog["store"].count() > 0
    summary = plan_summary(plan, unit_cost=amounts(fitted.catalog, "unit_cost"))
    return Recommended(apart(prices, parted=parted), summary)


@dataclass(frozen=True)
class Release:
    """A release as it lies in a lake; plan and price_changes are empty in one that is older than they are."""

    id: str
    manifest: Manifest
    prices: pl.DataFrame
    backtest: pl.DataFrame
    price_changes: pl.DataFrame
    plan: dict[str, Any]


def read_release(folder: str | Path, channel: str = "production") -> Release:
    """A release from its own folder, or the one that a channel of a lake's folder serves.

    Raises ReleaseError where there is none.
    """
    path = Path(folder)
    if not (path / MANIFEST).exists():
        pointer = path / "channels" / f"{channel}.json"
        if not pointer.exists():
            raise ReleaseError(
                f"{path} holds neither {MANIFEST} nor channels/{channel}.json.",
                hint="give the folder of a release, or of a lake in which one was promoted to this channel.",
            )
        path = path / "releases" / str(json.loads(pointer.read_text())["release"])
    manifest = Manifest.from_json((path / MANIFEST).read_bytes())
    prices, backtest = (pl.read_parquet(path / name) for name in (PRICE_LIST, BACKTEST))
    changes = pl.read_parquet(path / PRICE_CHANGES) if (path / PRICE_CHANGES).exists() else pl.DataFrame()
    plan = json.loads((path / PLAN).read_text()) if (path / PLAN).exists() else {}
    return Release(manifest.id, manifest, prices, backtest, changes, plan)


def _index_of(fitted: Fit, stock_code: Item | str) -> int:
    codes, code = fitted.catalog["stock_code"].to_list(), Item.of(stock_code).as_code
    if code not in codes:
        raise ParameterError(
            f"{code!r} gets no price: it is none of the {len(codes)} SKUs of the catalog.",
            hint="fit(...).catalog lists them; a SKU needs feature.min_selling_weeks weeks with sales.",
        )
    return codes.index(code)


def plot_curve(fitted: Fit, stock_code: Item | str) -> Figure:
    """Expected weekly units and sales of a SKU by its price, with 90 % intervals and the prices now and recommended."""
    plan, _ = fitted.planned
    drawn = curve(fitted, stock_code)
    index = fitted.catalog["stock_code"].to_list().index(Item.of(stock_code).as_code)
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    for axes, what in ((above, "units"), (below, "sales")):
        axes.fill_between(drawn["price"], drawn[f"{what}_low"], drawn[f"{what}_high"], color=BLUE, alpha=0.18, lw=0)
        axes.plot(drawn["price"], drawn[what], color=BLUE)
        axes.axvline(plan.current[index], color=FAINT, linestyle="--", label="now")
        if plan.prices[index] != plan.current[index]:
            axes.axvline(plan.prices[index], color=ORANGE, label="recommended")
        axes.set_ylabel(f"expected {what} a week", color=INK)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    below.set_xlabel("price", color=INK)
    above.legend(frameon=False)
    above.set_title(f"Demand for {stock_code}", color=INK)
    return figure


def plot_history(panel: Panel, stock_code: Item | str) -> Figure:
    """Weekly units of a SKU, and the prices at which they were sold."""
    rows = panel.rows.filter(pl.col("stock_code") == Item.of(stock_code).as_code).sort("week")
    figure = Figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    above.bar(rows["week"], rows["units"], width=6, color=BLUE)
    above.set_ylabel("units a week", color=INK)
    above.set_title(f"What {stock_code} sold", color=INK)
    below.step(rows["week"], rows["price"], where="mid", color=ORANGE)
    below.set_ylabel("price", color=INK)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
