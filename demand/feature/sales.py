"""What each SKU sold in each week it sold: units, price, orders, and who bought."""

import polars as pl

from demand.feature.week import monday

KEY = ("stock_code", "week")
WEEKEND = 5  # Friday and later
ZERO_WHEN_UNSOLD = (
    "units",
    "orders",
    "customers",
    "registered_units",
    "abroad_units",
    "late_units",
    "largest_order",
    "repeat_customers",
)


def weekly_sales(transactions: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU and week with a sale, in order: stock_code, week, price and the columns ZERO_WHEN_UNSOLD.

    Units are those not cancelled; the price is the median over the week's lines, whatever their quantity, so that
    quantity breaks and bulk orders do not move it. A line that was cancelled as a whole is no sale.
    """
    lines = transactions.filter(pl.col("units") > 0).with_columns(week=monday(pl.col("invoice_time")))
    lines = lines.join(home_countries(lines), on="week", how="left")
    prices = lines.group_by(KEY).agg(price=pl.col("unit_price").median())
    return orders(lines).group_by(KEY).agg(*_sums()).join(prices, on=KEY).sort(KEY)


def orders(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU, week and invoice; a guest without a number counts as the invoice's own customer."""
    units = pl.col("units")
    late = pl.col("invoice_time").dt.weekday() >= WEEKEND
    per_order = lines.group_by(*KEY, "invoice").agg(
        units=units.sum(),
        late_units=(units * late).sum(),
        registered_units=(units * pl.col("customer_id").is_not_null()).sum(),
        abroad_units=(units * (pl.col("country") != pl.col("home")).fill_null(False)).sum(),
        customer=pl.coalesce(pl.col("customer_id").min(), pl.col("invoice").first()),
    )
    first = per_order.group_by("stock_code", "customer").agg(first_week=pl.col("week").min())
    return per_order.join(first, on=["stock_code", "customer"])


def home_countries(lines: pl.DataFrame) -> pl.DataFrame:
    """week and home: the country with the most lines up to that week; at home is where the shop sells most."""
    counts = lines.drop_nulls("country").group_by("week", "country").len()
    weeks, countries = lines.select("week").unique(), counts.select("country").unique()
    counts = weeks.join(countries, how="cross").join(counts, on=["week", "country"], how="left").sort("week", "country")
    so_far = counts.with_columns(pl.col("len").fill_null(0).cum_sum().over("country"))
    most = so_far.sort(["week", "len", "country"], descending=[False, True, False])
    return most.group_by("week", maintain_order=True).agg(home=pl.col("country").first())


def _sums() -> list[pl.Expr]:
    again = pl.col("customer").filter(pl.col("first_week") < pl.col("week"))
    summed = ("units", "registered_units", "abroad_units", "late_units")
    return [
        *(pl.col(name).sum().cast(pl.Float64) for name in summed),
        pl.len().cast(pl.Float64).alias("orders"),
        pl.col("customer").n_unique().cast(pl.Float64).alias("customers"),
        pl.col("units").max().cast(pl.Float64).alias("largest_order"),
        again.n_unique().cast(pl.Float64).alias("repeat_customers"),
    ]
