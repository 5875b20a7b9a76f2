"""Evidently's page: whole by itself, the same for the same rows, and nobody is called."""

import re
import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from pricewright.drift.distances import Drifted, drifted_columns
from pricewright.drift.gate import drift_page, with_checks
from pricewright.drift.measures import judged_columns
from pricewright.verdict import Check

Shop = tuple[pl.DataFrame, pl.DataFrame]
Params = dict[str, Any]
CALLED: list[str] = []
LISTENING = [False]


def listen(event: str, arguments: tuple[object, ...]) -> None:
    """Note who is called. An audit hook stays for the life of the process, so it only listens when asked."""
    if LISTENING[0] and event in {"socket.connect", "socket.getaddrinfo"}:
        CALLED.append(f"{event} {arguments}")


@pytest.fixture
def called() -> Iterator[list[str]]:
    sys.addaudithook(listen)
    CALLED.clear()
    LISTENING[0] = True
    yield CALLED
    LISTENING[0] = False


def compare(shop: Shop, params: Params) -> Drifted:
    return drifted_columns(*shop, judged_columns(shop[0], params["not_judged"]), params)


def test_the_page_shows_every_judged_column_and_loads_nothing(shop: Shop, params: Params, called: list[str]) -> None:
    columns = judged_columns(shop[0], params["not_judged"])
    compared = compare(shop, params)
    page = drift_page(*shop, compared.thresholds, params)
    assert 0 <= compared.share <= 1
    assert all(f'"{name}"' in page for name in [*columns, "log_price_ratio"])
    assert not re.search(r"<(script|link|img|iframe)[^>]{0,200}(src|href)=.?(http|//)", page)
    assert called == []


def test_equal_weeks_make_equal_pages(shop: Shop, params: Params) -> None:
    thresholds = compare(shop, params).thresholds
    assert drift_page(*shop, thresholds, params) == drift_page(*shop, thresholds, params)


def test_the_calendar_and_the_age_are_not_judged(shop: Shop, params: Params) -> None:
    columns = judged_columns(shop[0], params["not_judged"])
    assert not {"week_of_year", "age_weeks"} & set(columns)
    assert {"units", "price", "log_units_lag_1", "registered_share"} <= set(columns)


def test_a_sample_of_the_rows_sees_the_drift(shop: Shop, params: Params) -> None:
    shifted = shop[1].with_columns(registered_share=pl.col("registered_share") + 1)
    whole = compare((shop[0], shifted), params)
    sampled = compare((shop[0], shifted), params | {"sample_rows": 500})
    assert whole.share > compare(shop, params).share
    assert "registered_share" in whole.names and "registered_share" in sampled.names


@pytest.mark.parametrize("method", ["psi", "wasserstein"])
def test_the_distance_is_a_parameter(method: str, shop: Shop, params: Params) -> None:
    shifted = shop[1].with_columns(registered_share=pl.col("registered_share") + 1)
    columns = ["registered_share"]
    found = drifted_columns(shop[0], shifted, columns, params | {"method": method})
    assert (found.share, found.names) == (0.5, columns)  # the column drifted, the price ratio did not


def test_an_unknown_distance_is_an_error(shop: Shop, params: Params) -> None:
    with pytest.raises(ParameterError, match="it must be one of psi"):
        compare(shop, params | {"method": "guess"})


def test_nothing_to_compare_is_not_a_number(shop: Shop, params: Params) -> None:
    empty = shop[1].with_columns(price=pl.lit(float("nan")))
    share, drifted, thresholds = drifted_columns(shop[0], empty, [], params)
    assert share != share and drifted == []
    assert "No column" in drift_page(shop[0], empty, thresholds, params)


def test_a_table_on_top_of_the_page_names_what_each_check_counted() -> None:
    check = Check("missing_values", 0.5, 0.01, 0.1, "of a column's rows", detail="orders, <b>")
    page = with_checks("<html><body><p>Evidently</p></body></html>", [check])
    assert page.index("<td>orders, &lt;b&gt;</td>") < page.index("Evidently")
    assert "<td>0.5 of a column&#x27;s rows</td>" in page and page.count("<body>") == 1
