"""Every row is accepted, quarantined with a reason, or a duplicate, whatever a file holds."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pricewright.ingest import Ingested, clean
from pricewright.ingest.rules import TRANSACTION
from pricewright.ingest.tables import Table

Cleaned = Callable[..., Ingested]


def accounted(found: Ingested) -> bool:
    counts = found.counts
    return (
        counts["rows"] == counts["accepted"] + counts["quarantined"] + counts["duplicates"]
        and (found.accepted.height, found.quarantined.height) == (counts["accepted"], counts["quarantined"])
        and sum(counts["reasons"].values()) == counts["quarantined"]
        and found.quarantined["reason"].null_count() == 0
    )


messy_rows = st.lists(
    st.tuples(
        st.sampled_from(["536365", "C536366", "536367", "", None]),
        st.sampled_from(["85123A", "85123a ", "22423", "POST", "M", " ", None]),
        st.sampled_from(["MUG", "mug?", None]),
        st.sampled_from(["6", "1", "-1", "-6", "0", "2.5", "1e40", "six", "", None, "70000"]),
        st.sampled_from(
            ["01/12/2010 08:26", "02/12/2010 08:30", "13/12/2010", "31/02/2011", "01/01/1970", "soon", None]
        ),
        st.sampled_from(["2.55", "3.39", "0", "-11062.06", "£2.10", "free", "", None, "1e9"]),
        st.sampled_from(["17850", "17850.0", "12346", None]),
        st.sampled_from(["France", None]),
        st.sampled_from(["yes", "0", "?", None]),
    ),
    min_size=1,
    max_size=40,
)
COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
           "In Stock"]  # fmt: skip
GOOD = ("1", "22423", "STAND", "4", "14/12/2010 10:00", "12.75", "1", "EIRE", None)


@settings(deadline=None, max_examples=80)
@given(rows=messy_rows, cut=st.integers(0, 40), equal=st.sampled_from(["lines", "copies"]))
def test_accepted_quarantined_and_duplicates_are_all_rows(
    rows: list[tuple[str | None, ...]], cut: int, equal: str, params: dict[str, Any]
) -> None:
    frame = pl.DataFrame([GOOD, *rows], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    good, parts = frame.head(1), {"a": frame.slice(1, cut), "b": frame.slice(1 + cut)}
    tables = [Table(name, pl.concat([good, part])) for name, part in parts.items()]
    found = clean(tables, params | {"unreadable_share": 1.0, "equal_rows": equal})
    assert accounted(found)
    assert found.counts["rows"] == sum(table.frame.height for table in tables)
    assert (found.accepted["unit_price"] > 0).all() and (found.accepted["quantity"] >= 0).all()
    assert (found.accepted.filter(pl.col("quantity") == 0)["in_stock"].is_not_null()).all()
    assert found.accepted["units"].is_between(0, found.accepted["quantity"]).all()
    assert found.counts["units"] == found.accepted["quantity"].sum() - found.counts["cancelled_units"]
    origins = pl.concat([found.accepted.select("row", "source"), found.quarantined.select("row", "source")])
    assert origins.is_unique().all()


def test_the_frame_is_as_it_was(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    before = shop.clone()
    cleaned(shop)
    assert shop.equals(before)


def test_a_transaction_has_its_columns_and_types(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    accepted = cleaned(shop).accepted
    whole, number, text = pl.Int64, pl.Float64, pl.String
    assert tuple(accepted.columns) == TRANSACTION
    assert dict(accepted.schema) == {
        "row": whole, "source": text, "invoice": text, "stock_code": text, "description": text, "quantity": number,
        "cancelled": number, "cancelled_in_week": number, "units": number, "invoice_time": pl.Datetime("us"),
        "unit_price": number, "customer_id": text, "country": text, "unit_cost": number,
        "category": text, "promotion": number, "channel": text, "in_stock": pl.Boolean,
        "store": text, "zone": text, "brand": text, "tax_rate": number, "competitor_price": number,
    }  # fmt: skip


def test_a_rejected_row_keeps_what_the_file_held(cleaned: Cleaned, shop: pl.DataFrame) -> None:
    rejected = cleaned(shop.with_columns(StockCode=pl.lit(" post"))).quarantined
    first = rejected.row(0, named=True)
    assert first["given_stock_code"] == " post"
    assert (first["reason"], first["detail"]) == ("not a product", "post")
    assert first["given_unit_cost"] is None
    assert rejected.schema["invoice_time"] == pl.Datetime("us")


def test_cleaning_twice_changes_nothing(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    once = cleaned(shop)
    again = cleaned(once.accepted)
    assert again.accepted.equals(once.accepted.with_columns(source=pl.lit("shop.csv")))


def test_counts_say_what_the_sales_cover(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    counts = cleaned(shop).counts
    assert (counts["skus"], counts["weeks"], counts["customers"]) == (25, 12, 16)
    assert counts["first_time"] == str(datetime(2011, 1, 3, 9, 30))
    assert counts["units"] == shop["Quantity"].sum()
