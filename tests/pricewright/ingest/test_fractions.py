"""Goods sold by weight, length or volume: quantities need not be whole."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.feature import build_panel
from pricewright.ingest import Ingested, ingest
from testing.plain_shop import plain_shop

Cleaned = Callable[..., Ingested]
Line = Callable[..., dict[str, Any]]
PLAIN = plain_shop(skus=22, weeks=26)
START = datetime(2011, 1, 3, 9, 30)
GOODS = {
    "kilograms of three decimals": (0.001, "{:.3f}"),
    "metres of cloth": (0.25, "{:.2f}"),
    "litres, some of them whole": (0.5, "{:g}"),
    "tonnes": (0.0005, "{:.4f}"),
}


def by_weight(unit: float, form: str) -> pl.DataFrame:
    """The plain shop's pieces, each a little more or less than one, in so many `unit`s."""
    weigh = (pl.col("quantity") * (0.8 + 0.4 * (pl.int_range(pl.len()) % 7) / 7) / unit).round() * unit
    heavy = PLAIN.with_columns(weigh.clip(lower_bound=unit))
    return heavy.with_columns(quantity=pl.Series([form.format(value) for value in heavy["quantity"]]))


@pytest.mark.parametrize("goods", GOODS)
def test_fractions_are_taken_as_they_are(goods: str, params: dict[str, Any], tmp_path: Path) -> None:
    lines = by_weight(*GOODS[goods])
    lines.write_csv(tmp_path / "sales.csv")
    counts = ingest(tmp_path / "sales.csv", params).counts
    units = lines["quantity"].cast(pl.Float64).sum()
    assert counts["accepted"] == lines.height
    assert counts["units"] == round(units, 6)
    assert counts["gate"]["status"] == "warn"  # of 26 weeks


def test_sums_of_tenths_are_tenths(line: Line, cleaned: Cleaned) -> None:
    found = cleaned(
        [line(invoice=str(i), quantity=0.1, invoice_time=START + timedelta(weeks=i // 3)) for i in range(90)]
    )
    assert found.counts["units"] == 9
    sections = {"min_selling_weeks": 10, "reference_weeks": 26, "family_code_length": 4, "stockout_probability": 0.001,
                "catalog_weeks": 52, "segments": {"registered_share": 0.5, "home_share": 0.8}}  # fmt: skip
    panel = build_panel(found.accepted, sections)
    assert panel.rows["units"].unique().to_list() == [0.3]


def test_a_part_of_a_weight_can_be_taken_back(line: Line, cleaned: Cleaned) -> None:
    taken = [line(invoice=f"C{i}", quantity=-0.1, invoice_time=START + timedelta(hours=i)) for i in range(1, 4)]
    found = cleaned([line(quantity=0.35), *taken[:2]])
    assert found.accepted.select("quantity", "cancelled", "units").rows() == [(0.35, 0.2, 0.15)]
    assert found.quarantined["detail"].to_list() == ["cancels 0.1 of row 1"] * 2
    whole = cleaned([line(quantity=0.3), *taken]).accepted
    assert whole.select("cancelled", "units").rows() == [(0.3, 0.0)]
    more = cleaned([line(quantity=0.25), line(invoice="C1", quantity=-0.4, invoice_time=START + timedelta(hours=1))])
    assert more.quarantined["detail"].to_list() == ["cancels 0.25 of row 1; no sale for 0.15"]


def test_whole_quantities_are_counted_and_shown_without_a_point(line: Line, cleaned: Cleaned) -> None:
    back = line(invoice="C2", quantity=-7, invoice_time=START + timedelta(hours=1))
    found = cleaned([line(quantity=6), back, line(invoice="3", quantity=2_000_000)])
    assert found.quarantined["detail"].to_list() == ["cancels 6 of row 1; no sale for 1", "2000000"]
    assert [repr(found.counts[name]) for name in ("units", "cancelled_units")] == ["0", "6"]


def test_totals_by_weight_make_an_invoice_of_their_own(cleaned: Cleaned) -> None:
    rows = [{"sku": "1", "quantity": quantity, "date": START, "price": 2.0} for quantity in (0.25, 3.0)]
    assert cleaned(rows).accepted["invoice"].to_list() == [
        "2011-01-03 09:30:00 1 0.25 2.0",
        "2011-01-03 09:30:00 1 3 2.0",
    ]
