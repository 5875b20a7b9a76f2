"""The panel as dense SKU x week tables, the shape in which the curves are fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ModelError
from pricewright.feature.prices import chance_of_none
from pricewright.items import parts
from pricewright.network.regular import part_prices

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
AROUND = 8  # weeks on either side that say how improbable a week without a sale is
SELDOM_NONE, IMPROBABLE = 0.25, 0.01  # share of these weeks that may lack a sale; a smaller chance counts as none
DIP = (0.5, 0.3, 0.2)  # weights of the promotions of the last weeks in the stockpiling dip


@dataclass(frozen=True)
class Grid:
    """n SKUs x T weeks, SKUs of a family side by side.

    units, log_price_ratio, depth, promotion, dip, seen, listed: (n, T). log_price_ratio is log(regular price /
    base_price), base_price: (n,), which the release keeps as anchor_price; depth >= 0 the log depth of a temporary cut;
    promotion the share of units on promotion; dip the promotions of the weeks before. listed is 1 from a SKU's first
    sale on, seen where it was in stock as well; unseen units are 0. attributes: (n, 4) standardised log units and log
    price of a SKU, and both over the mean of its family; family: (n,) numbers from 0 on, in order; product: (n,)
    numbers, the same for a SKU in all zones of a chain.
    """

    codes: tuple[str, ...]
    weeks: tuple[object, ...]
    units: Floats
    log_price_ratio: Floats
    depth: Floats
    promotion: Floats
    dip: Floats
    seen: Floats
    listed: Floats
    base_price: Floats
    attributes: Floats
    family: Whole
    product: Whole

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def index(self) -> dict[str, int]:
        """Where each SKU stands."""
        return {code: i for i, code in enumerate(self.codes)}


def grid_of(
    panel: pl.DataFrame,
    base_weeks: int,
    families: Mapping[str, str] | None = None,
    base_prices: Mapping[str, float] | None = None,
) -> Grid:
    """Pivot panel rows (stock_code, week, units, price); the base price is the median of the last regular prices.

    Where the panel has a list_price, the curves learn from that: it is what the shop asked for; promotion and in_stock
    are read where it has them. families: the family of each SKU, a SKU without one is its own; base_prices: known ones.
    Raises ModelError for an empty panel and for a price that is not positive.
    """
    if panel.is_empty():
        raise ModelError("the panel has 0 rows: at least one SKU with one week is needed.")
    rows = _rows(panel, families or {})
    lowest = float(rows["price"].fill_null(0.0).to_numpy().min())
    if not lowest > 0:
        raise ModelError(f"the panel's lowest price is {lowest}: every weekly price must be > 0.")
    codes = rows.select("stock_code", "family").unique(maintain_order=True)
    weeks = rows["week"].unique().sort()
    i = rows["stock_code"].rle_id().to_numpy().astype(np.int64)
    t = rows["week"].rank("dense").to_numpy().astype(np.int64) - 1
    names = ("units", "price", "promotion", "in_stock")
    tables = {name: np.zeros((len(codes), len(weeks))) for name in (*names, "listed")}
    for name in names:
        tables[name][i, t] = rows[name].to_numpy()
    tables["listed"][i, t] = 1.0
    seen, listed = tables["in_stock"], tables["listed"]
    log_price = np.log(np.where(listed > 0, tables["price"], 1.0))
    paths = part_prices(log_price, listed, tables["promotion"])
    base_price = _base_prices(paths.regular, listed, base_weeks)
    if base_prices:
        known = np.array([base_prices.get(code, np.nan) for code in codes["stock_code"]])
        base_price = np.where(np.isnan(known), base_price, known)
    log_units = np.log((tables["units"] * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1.0) + 0.1)
    family = codes["family"].rle_id().to_numpy().astype(np.int64)
    sizes = (log_units, np.log(base_price))
    return Grid(
        codes=tuple(codes["stock_code"]),
        weeks=tuple(weeks),
        units=tables["units"] * seen,
        log_price_ratio=np.where(listed > 0, paths.regular - np.log(base_price)[:, None], 0.0),
        depth=paths.depth,
        promotion=tables["promotion"],
        dip=dip_after(paths.depth + 0.1 * tables["promotion"]),
        seen=seen,
        listed=listed,
        base_price=base_price,
        attributes=np.column_stack([*map(_standardised, sizes), *(_in_family(size, family) for size in sizes)]),
        family=family,
        product=_products(rows),
    )


def _products(rows: pl.DataFrame) -> Whole:
    """The number of each item's product, (n,)."""
    keys = rows.select("stock_code", "store").unique("stock_code", maintain_order=True)
    codes = parts(keys["stock_code"], parted=keys["store"].count() > 0)["stock_code"]
    return codes.rank("dense").to_numpy().astype(np.int64) - 1


def without_improbable_weeks(grid: Grid) -> Grid:
    """The grid, where weeks without a sale that chance all but excludes are not seen: for a fit, not for a proof."""
    return replace(grid, seen=grid.seen * ~_improbable(grid.units, grid.seen))


def regular_now(panel: pl.DataFrame, codes: Sequence[str]) -> Floats:
    """The regular price of each SKU after the last week of the panel, (n,): the one before a cut that will end."""
    chosen = panel.filter(pl.col("stock_code").is_in(list(codes)))
    grid = grid_of(chosen, 1)
    rows = np.array([grid.index[code] for code in codes])
    price = "list_price" if "list_price" in panel.columns else "price"
    last = chosen.sort("week").group_by("stock_code").agg(pl.col(price).last().cast(pl.Float64))
    asked = np.array([dict(last.iter_rows())[code] for code in codes])
    regular = np.exp(grid.log_price_ratio[rows, -1] + np.log(grid.base_price[rows])).round(2)
    return np.where(grid.depth[rows, -1] > 0, regular, asked)


def _rows(panel: pl.DataFrame, families: Mapping[str, str]) -> pl.DataFrame:
    """The columns that are used, in order of family, SKU and week."""

    def column(name: str, otherwise: pl.Expr) -> pl.Expr:
        return (pl.col(name) if name in panel.columns else otherwise).alias(name)

    own = pl.format("\x00{}", "stock_code")  # a family of one
    rows = panel.select(
        "stock_code",
        "week",
        pl.col("units").fill_null(0).cast(pl.Float64),
        column("list_price", pl.col("price")).alias("price").cast(pl.Float64),
        column("promotion", pl.lit(0.0)).fill_null(0.0).cast(pl.Float64),
        column("store", pl.lit(None)).cast(pl.String),
        column("in_stock", pl.lit(True)).fill_null(True).cast(pl.Float64),
        pl.col("stock_code").replace_strict(dict(families), default=None, return_dtype=pl.String).alias("family"),
    )
    return rows.with_columns(pl.coalesce("family", own)).sort("family", "stock_code", "week")


def _improbable(units: Floats, seen: Floats) -> NDArray[np.bool_]:
    """Weeks without a sale, (n, T), in the midst of a SKU's sales that chance all but excludes: without stock, it was.

    They are judged by the weeks before and after them, which nobody knew when the week began; not at the end, where
    nobody knows whether the SKU comes back, and not of a SKU that often sells nothing.
    """
    improbable = np.zeros(units.shape, dtype=bool)
    for i, t in zip(*np.nonzero((units == 0) & (seen > 0)), strict=True):
        around = slice(max(t - AROUND, 0), t + AROUND + 1)
        near = units[i, around][seen[i, around] > 0]
        sold = near[near > 0]
        comes_back = bool((units[i, t + 1 : t + AROUND + 1] > 0).any())
        if comes_back and len(sold) >= (1 - SELDOM_NONE) * len(near):
            improbable[i, t] = chance_of_none(sold[:, None])[0] < IMPROBABLE
    return improbable


def _base_prices(regular: Floats, listed: Floats, weeks: int) -> Floats:
    """Medians of the last regular prices of each SKU, (n,)."""
    medians = np.empty(len(regular))
    for i, (prices, there) in enumerate(zip(regular, listed > 0, strict=True)):
        medians[i] = np.exp(np.median(prices[there][-weeks:]))
    return medians


def dip_after(intensity: Floats) -> Floats:
    """How much was promoted in the weeks before, (n, T)."""
    dip = np.zeros_like(intensity)
    for back, weight in enumerate(DIP, start=1):
        dip[:, back:] += weight * intensity[:, :-back]
    return dip


def _in_family(values: Floats, family: Whole) -> Floats:
    """Values (n,) less the mean of their family."""
    inside: Floats = values - (np.bincount(family, values) / np.bincount(family))[family]
    return inside


def _standardised(values: Floats) -> Floats:
    standardised: Floats = (values - values.mean()) / max(float(values.std()), 1e-6)
    return standardised
