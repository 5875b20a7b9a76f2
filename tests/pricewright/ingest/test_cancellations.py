"""Cancellations take their units from the latest earlier sales of the same customer and SKU, never twice."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pricewright.ingest import Ingested
from pricewright.ingest.cancellations import match_cancellations

Cleaned = Callable[..., Ingested]
Line = Callable[..., dict[str, Any]]
START = datetime(2011, 1, 3, 9, 30)


def after(**time: float) -> datetime:
    return START + timedelta(**time)


def test_a_huge_order_taken_back_minutes_later_sold_nothing(line: Line, cleaned: Cleaned) -> None:
    found = cleaned([line(quantity=80_995), line(invoice="C2", quantity=-80_995, invoice_time=after(minutes=12))])
    assert found.accepted.select("quantity", "cancelled", "units").rows() == [(80_995, 80_995, 0)]
    assert found.quarantined.select("row", "reason", "detail").rows() == [(2, "cancellation", "cancels 80995 of row 1")]


def test_the_latest_sale_before_is_cancelled_first(line: Line, cleaned: Cleaned) -> None:
    days = [line(invoice=str(day), invoice_time=after(days=day), quantity=5) for day in (1, 2, 3, 5)]
    found = cleaned([*days, line(invoice="C9", invoice_time=after(days=4), quantity=-7)])
    assert found.accepted["units"].to_list() == [5, 3, 0, 5]
    assert found.quarantined["detail"].to_list() == ["cancels 2 of row 2, 5 of row 3"]


def test_a_sale_at_the_same_price_goes_before_a_later_one(line: Line, cleaned: Cleaned) -> None:
    found = cleaned([
        line(invoice="1", unit_price=2.55),
        line(invoice="2", unit_price=2.10, invoice_time=after(days=1)),
        line(invoice="C3", unit_price=2.55, quantity=-6, invoice_time=after(days=2)),
        line(invoice="C4", unit_price=1.95, quantity=-1, invoice_time=after(days=3)),
    ])  # fmt: skip
    assert found.accepted["units"].to_list() == [0, 5]


def test_more_than_was_sold_is_not_cancelled(line: Line, cleaned: Cleaned) -> None:
    found = cleaned([line(quantity=6), line(invoice="C2", quantity=-10, invoice_time=after(hours=1))])
    assert found.accepted["units"].to_list() == [0]
    assert found.quarantined["detail"].to_list() == ["cancels 6 of row 1; no sale for 4"]
    assert (found.counts["cancelled_units"], found.counts["cancelled_units_without_sale"]) == (6, 4)


def test_others_and_later_sales_are_left_alone(line: Line, cleaned: Cleaned) -> None:
    sales = [
        line(customer_id="1"),
        line(stock_code="22423"),
        line(customer_id=None),
        line(invoice_time=after(days=2)),
    ]
    found = cleaned([*sales, line(invoice="C2", quantity=-6, invoice_time=after(days=1))])
    assert found.accepted["cancelled"].sum() == 0
    assert found.quarantined["reason"].to_list() == ["cancellation without sale"]
    assert found.quarantined["detail"].to_list() == ["no sale for 6"]


def test_a_cancelling_invoice_may_have_quantities_above_zero(line: Line, cleaned: Cleaned) -> None:
    lines = [line(), line(invoice="C2", quantity=2, invoice_time=after(hours=1))]
    found = cleaned(lines, cancellation_invoice="^C")
    assert found.accepted["units"].to_list() == [4]


def test_a_negative_quantity_cancels_whatever_its_invoice(line: Line, cleaned: Cleaned) -> None:
    assert cleaned([line(), line(quantity=-2)]).accepted["units"].to_list() == [4]


def test_a_guest_cancels_one_recent_sale_at_that_price_or_none(line: Line, cleaned: Cleaned) -> None:
    guest: dict[str, Any] = {"customer_id": None}
    sales = [
        line(**guest, quantity=6),
        line(**guest, quantity=2, invoice_time=after(hours=1)),
        line(**guest, quantity=9, unit_price=3.0, invoice_time=after(hours=2)),
    ]

    def cancelled(units: int, **later: float) -> list[int]:
        return (
            cleaned([*sales, line(**guest, invoice="C2", quantity=-units, invoice_time=after(**later))])
            .accepted["cancelled"]
            .to_list()
        )

    assert cancelled(4, hours=3) == [4, 0, 0]  # the latest one has not so many
    assert cancelled(2, hours=3) == [0, 2, 0]
    assert cancelled(7, hours=3) == [0, 0, 0]  # no single one at this price
    assert cancelled(4, days=31) == [0, 0, 0]  # too long ago


def test_a_cancelled_sale_in_another_file_is_named_with_it(line: Line, params: dict[str, Any]) -> None:
    from pricewright.ingest import clean
    from pricewright.ingest.tables import Table

    tables = [
        Table("january.csv", pl.DataFrame([line()]), 2),
        Table("february.csv", pl.DataFrame([line(invoice="C2", quantity=-6, invoice_time=after(days=40))]), 2),
    ]
    found = clean(tables, params)
    assert found.quarantined["detail"].to_list() == ["cancels 6 of row 2 in january.csv"]


events = st.lists(
    st.fixed_dictionaries({
        "stock_code": st.sampled_from("ab"),
        "customer_id": st.sampled_from(["x", "y", None]),
        "country": st.just("France"),
        "store": st.sampled_from(["1", None]),
        "unit_price": st.sampled_from([1.0, 2.0]),
        "invoice_time": st.integers(0, 50).map(lambda day: after(days=day)),
        "quantity": st.integers(1, 20),
        "takes": st.booleans(),
    }),
    max_size=30,
)  # fmt: skip
SCHEMA = {
    "stock_code": pl.String, "customer_id": pl.String, "country": pl.String, "store": pl.String,
    "unit_price": pl.Float64, "invoice_time": pl.Datetime("us"), "quantity": pl.Int64, "takes": pl.Boolean,
}  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(events)
def test_no_unit_is_cancelled_twice_and_none_before_it_was_sold(lines: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(lines, schema=SCHEMA).with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    sales, cancellation_lines = frame.filter(~pl.col("takes")), frame.filter("takes")
    pairs = match_cancellations(sales, cancellation_lines, {"guest_days": 30})
    joined = pairs.join(sales, left_on="sale", right_on="line").join(
        cancellation_lines, left_on="cancellation", right_on="line", suffix="_t"
    )
    assert joined.height == pairs.height
    same = ("stock_code", "customer_id", "country")
    assert all(joined[column].eq_missing(joined[f"{column}_t"]).all() for column in same)
    assert (joined["invoice_time"] <= joined["invoice_time_t"]).all()
    assert (pairs["units"] > 0).all()
    for side in ("sale", "cancellation"):
        used = joined.group_by(side).agg(
            pl.col("units").sum(), pl.col("quantity" if side == "sale" else "quantity_t").first()
        )
        assert (used["units"] <= used[used.columns[-1]]).all()


def test_a_guest_brings_back_where_it_was_bought_a_known_customer_anywhere(line: Line, cleaned: Cleaned) -> None:
    guest: dict[str, Any] = {"customer_id": None}
    for who, elsewhere in ((guest, 0), ({}, 2)):
        sales = [line(**who, quantity=6, store="1"), line(**who, quantity=6, store="2", invoice_time=after(hours=1))]
        here = cleaned([*sales, line(**who, invoice="C2", quantity=-2, store="1", invoice_time=after(hours=2))])
        assert here.accepted["cancelled"].to_list() == ([2, 0] if who else [0, 2])
        there = cleaned([*sales, line(**who, invoice="C2", quantity=-2, store="3", invoice_time=after(hours=2))])
        assert there.accepted["cancelled"].sum() == elsewhere


def test_what_was_taken_back_within_the_week_is_kept_apart_from_what_came_back_later(
    line: Line, cleaned: Cleaned
) -> None:
    found = cleaned(
        [
            line(quantity=10),
            line(invoice="C2", quantity=-3, invoice_time=after(days=6)),
            line(invoice="C3", quantity=-4, invoice_time=after(days=7)),
        ]
    )
    assert found.accepted.select("cancelled", "cancelled_in_week", "units").rows() == [(7, 3, 3)]
