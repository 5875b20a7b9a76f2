"""Customers who come again: those who bought a SKU in an earlier week, however long ago.

That is the one question that no window answers. The buyers of every SKU in every week lie on disk; they are looked at a
range of SKUs at a time, and only those who buy in the weeks that are asked for.
"""

from collections.abc import Iterator, Sequence

import polars as pl

MOST = 8_000_000  # pairs of SKU and buyer that are held at once, of a week each
PAIR = ("stock_code", "buyer")


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
