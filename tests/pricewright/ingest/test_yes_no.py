"""What answers yes or no, in words or numbers."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pricewright.ingest import Ingested
from pricewright.ingest.yes_no import read_flags, read_shares

Cleaned = Callable[..., Ingested]
SAID = {
    "Yes": 1.0, "TRUE": 1.0, "y": 1.0, "1": 1.0, "0.25": 0.25, "0,5": 0.5, "no": 0.0, "False": 0.0, "0": 0.0,
    "2": None, "-1": None, "SUMMER SALE": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_a_promotion_is_a_share_or_a_word_and_anything_else_is_not_known(text: str) -> None:
    assert read_shares(pl.Series([text, None, "yes"])).to_list() == [SAID[text], None, 1.0]


@pytest.mark.parametrize(("text", "flag"), [("In Stock", True), ("OutOfStock", False), ("1", True), ("37", None)])
def test_in_stock_is_yes_or_no(text: str, flag: bool | None) -> None:
    assert read_flags(pl.Series([text, "no"])).to_list() == [flag, False]


def test_no_row_is_lost_to_an_answer_that_cannot_be_read(line: Callable[..., dict[str, Any]], cleaned: Cleaned) -> None:
    found = cleaned([line(invoice=str(i), promotion="?", in_stock="soon") for i in range(5)])
    assert found.accepted.select("promotion", "in_stock").rows() == [(None, None)] * 5


@pytest.mark.parametrize("answers", [[True, False], [1, 0], [1.0, 0.0], ["yes", "no"]])
def test_columns_of_any_type_say_the_same(
    answers: list[Any], line: Callable[..., dict[str, Any]], cleaned: Cleaned
) -> None:
    lines = [line(invoice=str(i), **{"On Promo": said, "In Stock": said}) for i, said in enumerate(answers)]
    frame = pl.DataFrame(lines).rename({"On Promo": "Is Promo"})
    assert cleaned(frame).accepted.select("promotion", "in_stock").rows() == [(1.0, True), (0.0, False)]


def test_a_deal_that_is_advertised_as_well_is_more_of_a_promotion(
    line: Callable[..., dict[str, Any]], cleaned: Cleaned
) -> None:
    said = [("0", "0"), ("1", "0"), ("1", "0.5"), ("1", "1"), ("", "1"), ("", "")]
    frame = pl.DataFrame([line(invoice=str(i), Deal=deal, Feature=feature) for i, (deal, feature) in enumerate(said)])
    assert cleaned(frame).accepted["promotion"].to_list() == [0.0, 0.5, 0.75, 1.0, 0.5, None]
    assert cleaned(frame.drop("Deal")).accepted["promotion"].to_list() == [0.0, 0.0, 0.5, 1.0, 1.0, None]
    words = frame.with_columns(Feature=pl.lit("organic"))
    assert cleaned(words).accepted["promotion"].to_list() == [0.0, 1.0, 1.0, 1.0, None, None]
