"""The weekly panel as one query in Polars, as somebody would write it by hand: the yardstick of `make bench-scale`.

It reads the same files and gives a row per SKU and week with as many features of the same kinds and windows. It matches
no cancellation, keeps no quarantine, counts nothing, says nothing of the coming week. All SKUs at once take 7 GB at a
million lines already (50,000 SKUs, three years), so it is run on a part of the SKUs after the other.
"""

from pathlib import Path

import polars as pl

SKU = "StockCode"
NO_PRODUCTS = ["POST", "D", "M", "BANK CHARGES"]
MEASURES = ("log_units", "log_orders", "log_customers", "log_guests", "log_price", "repeat")
MEANS, LAGS, SPREADS, MEDIANS = (2, 4, 8, 13, 26), (1, 2, 3, 4), (8, 13), (13, 26)


def panel_query(source: Path, part: int = 0, parts: int = 1) -> pl.LazyFrame:
    """The query for one of several parts of the SKUs; its rows are in order of SKU and week."""
    lines = (
        pl.scan_parquet(source / "*.parquet")
        .with_columns(pl.col(SKU).str.strip_chars().str.to_uppercase())
        .filter(~pl.col(SKU).is_in(NO_PRODUCTS), pl.col("Quantity") > 0, pl.col("UnitPrice") > 0)
        .filter(pl.col(SKU).hash() % parts == part)
        .select("InvoiceNo", SKU, "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
        .unique()
        .with_columns(week=pl.col("InvoiceDate").dt.truncate("1w").dt.date())
    )
    customer = pl.col("CustomerID").is_not_null()
    first = lines.filter(customer).group_by(SKU, "CustomerID").agg(first=pl.col("week").min())
    sales = (
        lines.join(first, on=[SKU, "CustomerID"], how="left")
        .group_by(SKU, "week")
        .agg(
            units=pl.col("Quantity").sum().cast(pl.Float64),
            price=pl.col("UnitPrice").median(),
            orders=pl.col("InvoiceNo").n_unique().cast(pl.Float64),
            guests=pl.col("InvoiceNo").filter(~customer).n_unique().cast(pl.Float64),
            customers=pl.col("CustomerID").n_unique().cast(pl.Float64),
            registered=pl.col("Quantity").filter(customer).sum().cast(pl.Float64),
            abroad=pl.col("Quantity").filter(pl.col("Country") != "United Kingdom").sum().cast(pl.Float64),
            repeat=pl.col("CustomerID").filter(pl.col("first") < pl.col("week")).n_unique().cast(pl.Float64),
        )
    )
    weeks = sales.select(pl.col("week").unique())
    starts = sales.group_by(SKU).agg(start=pl.col("week").min())
    grid = starts.join(weeks, how="cross").filter(pl.col("week") >= pl.col("start")).drop("start")
    zeros = ("units", "orders", "guests", "customers", "registered", "abroad", "repeat")
    filled = grid.join(sales, on=[SKU, "week"], how="left").sort(SKU, "week")
    filled = filled.with_columns(pl.col(zeros).fill_null(0.0), pl.col("price").forward_fill().over(SKU))
    logs = {f"log_{name}": pl.col(name).log1p() for name in ("units", "orders", "customers", "guests")}
    filled = filled.with_columns(**logs, log_price=pl.col("price").log())
    return filled.with_columns(
        expression.over(SKU).cast(pl.Float32).alias(name) for name, expression in _features().items()
    )


def write_panel(source: Path, folder: Path, parts: int = 1) -> int:
    """Run the query part by part, write a file per week of each, and return the rows."""
    total = 0
    folder.mkdir(parents=True)
    for part in range(parts):
        panel = panel_query(source, part, parts).collect(engine="streaming")
        total += panel.height
        for (week,), rows in panel.partition_by("week", as_dict=True).items():
            rows.write_parquet(folder / f"{week}-{part}.parquet", compression="zstd")
    return total


def _features() -> dict[str, pl.Expr]:
    found: dict[str, pl.Expr] = {}
    for name in MEASURES:
        past = pl.col(name).shift(1)
        found |= {f"{name}_mean_{k}": past.rolling_mean(k, min_samples=1) for k in MEANS}
    past = pl.col("log_units").shift(1)
    found |= {f"lag_{k}": pl.col("log_units").shift(k) for k in LAGS}
    found |= {f"half_life_{k}": past.ewm_mean(half_life=k) for k in (1, 3, 10)}
    for name in ("log_units", "log_price"):
        past = pl.col(name).shift(1)
        found |= {f"{name}_spread_{k}": past.rolling_std(k, min_samples=2) for k in SPREADS}
        found |= {f"{name}_median_{k}": past.rolling_median(k, min_samples=1) for k in MEDIANS}
        found |= {f"{name}_max_{k}": past.rolling_max(k, min_samples=1) for k in (4, 26)}
        found |= {f"{name}_min_{k}": past.rolling_min(k, min_samples=1) for k in (4, 8)}
    for name in ("registered", "abroad"):
        for k in (4, 26):
            part, whole = (pl.col(c).shift(1).rolling_sum(k, min_samples=1) for c in (name, "units"))
            found[f"{name}_share_{k}"] = part / whole
    around = pl.mean_horizontal(pl.col("log_units").shift(k) for k in (51, 52, 53))
    found |= {"year_ago": around, "year_uplift": around - pl.col("log_units").shift(53).rolling_mean(8, min_samples=1)}
    found |= {"reference": pl.col("price").shift(1).rolling_median(26, min_samples=1), "age": pl.int_range(pl.len())}
    return found
