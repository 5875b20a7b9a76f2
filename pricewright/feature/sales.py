"""What each SKU sold in a week: units, price, orders, and who bought. Each week is read by itself.

`units` are what stayed sold; `known_units` are what the shop believed to have sold when the week was over. Nobody
knew then of a cancellation that came weeks later, so everything that models look back on is made of the latter.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.feature.prices import asked_prices
from pricewright.items import OUT_SHARE
from pricewright.units import counted, rounded

MOST = 8_000_000  # pairs of SKU and buyer that are held at once, of a week each
PAIR = ("stock_code", "buyer")
WEEK = timedelta(weeks=1)
KEY = ("stock_code", "week")
WEEKEND = 5  # Friday and later
SUMMED = ("units", "known_units", "registered_units", "abroad_units", "late_units", "promoted_units")
COUNTED = ("orders", "guest_orders", "customers", "largest_order")
NO_BUYERS = pl.DataFrame(schema={"stock_code": pl.String, "buyer": pl.UInt64})
CANCELLED_IN_WEEK = "cancelled_in_week"
NAMED = {
    **dict.fromkeys(("description", "category", "brand"), pl.String),
    **dict.fromkeys(("unit_cost", "competitor_price", "tax_rate"), pl.Float64),
}
STATED = NAMED | {
    "promotion": pl.Float64,
    "channel": pl.String,
    "in_stock": pl.Boolean,
    "store": pl.String,
    "zone": pl.String,
}  # null where a shop says nothing


def repeat_customers(
    buyers: Sequence[pl.LazyFrame], since: int, codes: Sequence[str], pairs: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Per week from `since` on its number and stock_code, repeat_customers of SKUs that have any, in no order of weeks.

    buyers: stock_code and buyer, each pair once, of every week in order; codes: all SKUs, sorted; pairs: about how many
    there are in all weeks. A week may come several times, with other SKUs.
    """
    if since >= len(buyers):
        return
    history = pl.concat([frame.with_columns(t=pl.lit(t, pl.Int16)) for t, frame in enumerate(buyers)])
    ranges = max(1, -(-pairs // MOST))
    step = max(1, -(-len(codes) // ranges))
    for start in range(0, len(codes), step):
        inside = pl.col("stock_code").is_between(pl.lit(codes[start]), pl.lit(codes[min(start + step, len(codes)) - 1]))
        part = history.filter(inside)
        asked = part.filter(pl.col("t") >= since)
        if since:
            part = part.join(asked.select(PAIR).unique(), on=PAIR, how="semi")
        first = part.group_by(PAIR).agg(first=pl.col("t").min())
        again = asked.join(first, on=PAIR).filter(pl.col("first") < pl.col("t"))
        counted = again.group_by("t", "stock_code").agg(repeat_customers=pl.len().cast(pl.Float64))
        for (t,), rows in counted.collect(engine="streaming").partition_by("t", as_dict=True).items():
            yield int(t), rows.drop("t")


def monday(time: pl.Expr) -> pl.Expr:
    """The Monday of the week that a time lies in, as a date."""
    return time.dt.truncate("1w").dt.date()


def open_weeks(transactions: pl.DataFrame, last_week: date | None = None) -> pl.DataFrame:
    """One row per week with a sale, up to the last full one: week, t (0, 1, ...), selling_days; then the coming week.

    The coming week is the Monday after the last full one and has no selling_days. `last_week` names the last full
    week instead of looking for it. Closed weeks are left out. Raises SourceError when there is no transaction.
    """
    if transactions.is_empty():
        raise SourceError("there are 0 accepted transactions: a panel needs some.", "see the quarantine for reasons.")
    days = transactions.select(day=pl.col("invoice_time").dt.date()).unique()
    weeks = (
        days.group_by(week=monday(pl.col("day")))
        .agg(selling_days=pl.len().cast(pl.Int64), last_day=pl.col("day").dt.weekday().max())
        .sort("week")
    )
    last = last_week or last_full_week(weeks)
    full = weeks.filter(pl.col("week") <= last).select("week", "selling_days")
    coming = pl.DataFrame({"week": [last + WEEK], "selling_days": [None]}, schema=full.schema)
    return pl.concat([full, coming]).with_row_index("t").with_columns(pl.col("t").cast(pl.Int64))


def last_full_week(weeks: pl.DataFrame) -> date:
    """The last week that reached the usual last selling weekday (the median of the weeks before it).

    weeks: week, last_day (1 = Monday ... 7), in order. A file that ends on a Wednesday has cut its last week off when
    the shop usually sells until Sunday, and not when it never sells after Wednesday.
    """
    newest = weeks.row(-1, named=True)
    usual = weeks["last_day"].head(-1).median()
    cut_off = usual is not None and newest["last_day"] < usual
    last: date = newest["week"]
    return last - WEEK if cut_off else last


@dataclass(frozen=True)
class WeekSales:
    """One week of the shop, a Monday.

    sales: one row per SKU with a sale: stock_code, SUMMED, COUNTED; asked: the prices of their lines, see prices.py;
    names: what is NAMED of every SKU with a line, as last said; unstocked: SKUs that were out of stock, as a line of
    zero units says; says_stock: whether any line says anything of the stock; buyers: each registered customer of each
    SKU once, as a hash; days: on which there was a line; countries: lines by country; home: the country with most
    lines so far; units: of all lines.
    """

    week: date
    sales: pl.DataFrame
    asked: pl.DataFrame
    names: pl.DataFrame
    unstocked: tuple[str, ...]
    says_stock: bool
    buyers: pl.DataFrame
    days: tuple[date, ...]
    countries: Mapping[str, int]
    home: str | None
    units: float


def read_sales(transactions: pl.DataFrame, countries: Mapping[str, int] | None = None) -> list[WeekSales]:
    """The sales of every week, in order; `countries` has the lines of all weeks before them by country.

    A line that was cancelled as a whole in its own week is not a sale. The column `cancelled_in_week` says how many
    units were; without it, all cancellations count as made in the week of the sale.
    """
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in STATED.items() if name not in transactions.columns]
    week = monday(pl.col("invoice_time"))
    transactions = transactions.with_columns(_known_units(transactions), *missing, week=week)
    lines = transactions.filter(pl.col("known_units") > 0)
    totals = transactions.group_by("week").agg(
        days=pl.col("invoice_time").dt.date().unique(),
        units=pl.col("units").sum(),
        says_stock=pl.col("in_stock").is_not_null().any(),
    )
    totals = totals.join(_unstocked(transactions), on="week", how="left").sort("week")
    by_country = _by_country(lines)
    homes: list[str | None] = []
    so_far = Counter(countries or {})
    for week in totals["week"]:
        so_far.update(by_country.get(week, {}))
        homes.append(home_country(so_far))
    home = pl.Series("home", homes, dtype=pl.String)
    per_order = _orders(lines.join(totals.select("week", home), on="week"))
    sums = per_order.group_by(KEY).agg(_sums()).sort(KEY)
    prices = asked_prices(lines)
    frames = (sums, prices, _names(transactions), _buyers(per_order))
    sales, asked, names, buyers = (_by_week(frame) for frame in frames)
    return [
        WeekSales(
            week=week,
            sales=sales.get(week, sums.clear().drop("week")),
            asked=asked.get(week, prices.clear().drop("week")),
            names=names[week],
            unstocked=tuple(unstocked or ()),
            says_stock=says_stock,
            buyers=buyers.get(week, NO_BUYERS),
            days=tuple(sorted(days)),
            countries=by_country.get(week, {}),
            home=own,
            units=counted(units),
        )
        for (week, days, units, says_stock, unstocked), own in zip(totals.iter_rows(), homes, strict=True)
    ]


def home_country(lines: Mapping[str, int]) -> str | None:
    """The country with the most lines so far, of equals the first by name; at home is where the shop sells most."""
    return min(lines, key=lambda country: (-lines[country], country), default=None)


def _by_country(lines: pl.DataFrame) -> dict[date, dict[str, int]]:
    found: dict[date, dict[str, int]] = {}
    for week, country, count in lines.drop_nulls("country").group_by("week", "country").len().iter_rows():
        found.setdefault(week, {})[country] = count
    return found


def _unstocked(transactions: pl.DataFrame) -> pl.DataFrame:
    """week and `unstocked`: the SKUs of which most stores with a line have one that says that there is no stock."""
    out = pl.col("store").filter(~pl.col("in_stock") & (pl.col("quantity") == 0)).n_unique()
    shares = transactions.group_by(KEY).agg(share=out / pl.col("store").n_unique())
    found = shares.filter(pl.col("share") > OUT_SHARE).sort(KEY)
    return found.group_by("week", maintain_order=True).agg(unstocked="stock_code")


def _by_week(frame: pl.DataFrame) -> dict[date, pl.DataFrame]:
    parts = frame.partition_by("week", as_dict=True, include_key=False, maintain_order=True)
    return {key[0]: part for key, part in parts.items()}


def _orders(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU and invoice; a guest without a number counts as the invoice's own customer."""
    units = pl.col("known_units")
    late = pl.col("invoice_time").dt.weekday() >= WEEKEND
    return lines.group_by(*KEY, "invoice").agg(
        units=pl.col("units").sum(),
        known_units=units.sum(),
        late_units=(units * late).sum(),
        registered_units=(units * pl.col("customer_id").is_not_null()).sum(),
        promoted_units=(units * pl.col("promotion").fill_null(0)).sum(),
        abroad_units=(units * (pl.col("country") != pl.col("home")).fill_null(False)).sum(),
        guest=pl.col("customer_id").is_null().all(),
        customer_id=pl.col("customer_id").min(),
    )


def _sums() -> list[pl.Expr]:
    counted = {
        "orders": pl.len(),
        "guest_orders": pl.col("guest").sum(),
        "customers": pl.coalesce("customer_id", "invoice").n_unique(),
        "largest_order": rounded(pl.col("known_units").max()),
    }
    return [
        *(rounded(pl.col(name).sum().cast(pl.Float64)) for name in SUMMED),
        *(expression.cast(pl.Float64).alias(name) for name, expression in counted.items()),
    ]


def _names(transactions: pl.DataFrame) -> pl.DataFrame:
    in_time = transactions.select(*KEY, *NAMED, "invoice_time", "row")
    newest = [pl.col(name).drop_nulls().last() for name in NAMED]
    return in_time.sort("invoice_time", "row").group_by(KEY).agg(newest).sort(KEY)


def _buyers(per_order: pl.DataFrame) -> pl.DataFrame:
    """A hash of 64 bits: that two of a SKU's million customers share one happens once in 40 million SKUs."""
    registered = per_order.filter(pl.col("customer_id").is_not_null())
    return registered.select(*KEY, buyer=pl.col("customer_id").hash()).unique().sort(*KEY, "buyer")


def _known_units(transactions: pl.DataFrame) -> pl.Expr:
    if CANCELLED_IN_WEEK not in transactions.columns:
        return pl.col("units").alias("known_units")
    return rounded(pl.col("quantity") - pl.col(CANCELLED_IN_WEEK)).alias("known_units")
