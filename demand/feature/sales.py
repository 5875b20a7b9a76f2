"""What each SKU sold in each week it sold: units, price, orders, and who bought.

`units` are what stayed sold; `known_units` are what the shop believed to have sold when the week was over. Nobody
knew then of a cancellation that came weeks later, so everything that models look back on is made of the latter.
"""

import polars as pl

from demand.feature.week import monday
from demand.price_features import SAME_PRICE

KEY = ("stock_code", "week")
WEEKEND = 5  # Friday and later
SUMMED = ("units", "known_units", "registered_units", "abroad_units", "late_units")
ZERO_WHEN_UNSOLD = (*SUMMED, "orders", "guest_orders", "customers", "largest_order", "repeat_customers")
CANCELLED_IN_WEEK = "cancelled_in_week"


def weekly_sales(transactions: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU and week with a sale, in order: stock_code, week, prices and the columns ZERO_WHEN_UNSOLD.

    Prices do not look at quantities, so that quantity breaks and bulk orders move them little. A line that was
    cancelled as a whole in its own week is no sale. The column `cancelled_in_week` says how many units were; without
    it, all cancellations count as made in the week of the sale.
    """
    lines = transactions.with_columns(_known_units(transactions), week=monday(pl.col("invoice_time")))
    lines = lines.filter(pl.col("known_units") > 0)
    lines = lines.join(home_countries(lines), on="week", how="left")
    return orders(lines).group_by(KEY).agg(*_sums()).join(weekly_prices(lines), on=KEY).sort(KEY)


def weekly_prices(lines: pl.DataFrame) -> pl.DataFrame:
    """stock_code, week, price and list_price: the price that the week's lines were sold at, and what the label said.

    `price` is the median over the week's lines. The list price is that too, but for a week with few lines: of two, the
    one that the line before confirms; a single line at another price than the two weeks before, which agree, is no new
    list price until a second one confirms it, but a bulk order or another channel. Weeks of a single line sold little,
    and a curve would take that for what the odd price did.
    """
    unit_price, count = pl.col("unit_price"), pl.len()
    in_time = lines.sort("stock_code", "invoice_time", "unit_price").with_columns(
        of_three=unit_price.rolling_median(3, min_samples=1).over("stock_code")
    )
    confirmed = pl.when(count == 2).then(pl.col("of_three").last()).otherwise(unit_price.median())
    groups = in_time.group_by(KEY, maintain_order=True)
    weeks = groups.agg(price=unit_price.median(), confirmed=confirmed, lines=count).sort(KEY)
    before, earlier = (pl.col("confirmed").shift(k).over("stock_code") for k in (1, 2))
    steady = ((before / earlier).log().abs() < SAME_PRICE).fill_null(False)
    alone = steady & (pl.col("lines") == 1)
    return weeks.select(*KEY, "price", list_price=pl.when(alone).then(before).otherwise("confirmed"))


def orders(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU, week and invoice; a guest without a number counts as the invoice's own customer."""
    units = pl.col("known_units")
    late = pl.col("invoice_time").dt.weekday() >= WEEKEND
    per_order = lines.group_by(*KEY, "invoice").agg(
        units=pl.col("units").sum(),
        known_units=units.sum(),
        late_units=(units * late).sum(),
        registered_units=(units * pl.col("customer_id").is_not_null()).sum(),
        abroad_units=(units * (pl.col("country") != pl.col("home")).fill_null(False)).sum(),
        guest=pl.col("customer_id").is_null().all(),
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


def _known_units(transactions: pl.DataFrame) -> pl.Expr:
    if CANCELLED_IN_WEEK not in transactions.columns:
        return pl.col("units").alias("known_units")
    return (pl.col("quantity") - pl.col(CANCELLED_IN_WEEK)).alias("known_units")


def _sums() -> list[pl.Expr]:
    again = pl.col("customer").filter(pl.col("first_week") < pl.col("week"))
    counted = {
        "orders": pl.len(),
        "guest_orders": pl.col("guest").sum(),
        "customers": pl.col("customer").n_unique(),
        "largest_order": pl.col("known_units").max(),
        "repeat_customers": again.n_unique(),
    }
    return [
        *(pl.col(name).sum().cast(pl.Float64) for name in SUMMED),
        *(expression.cast(pl.Float64).alias(name) for name, expression in counted.items()),
    ]
