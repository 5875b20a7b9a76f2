"""Codes stay as the file has them: two are one only where case alone tells them apart and they are said to be the same;
none that a spreadsheet spoilt is taken for a product's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean, ingest
from pricewright.ingest.source import find_documents, read_tables
from pricewright.ingest.texts import read_flags, read_shares
from pricewright.ingest.weekly import IncrementalIngest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
ODD = ["00123", "123", "AB/12", "AB 12", "AB12", "Crème-1", "#77", "a?b&c=d", "100%", "x*90", "ÄÖ ü", "日本-1", "-5",
       "..", "0.50", "1e5", "007", "4006381333931", "4,5", "7-E+2"]  # fmt: skip
CODES = pl.col("stock_code").replace_strict(
    [str(10_001 + sku) for sku in range(len(ODD))], ODD, default="10021", return_dtype=pl.String
)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_odd_codes_stay_apart_and_as_they_are(suffix: str, params: Params, tmp_path: Path) -> None:
    lines, path = plain_shop().with_columns(CODES), tmp_path / f"sales.{suffix}"
    getattr(lines, {"csv": "write_csv", "xlsx": "write_excel", "parquet": "write_parquet"}[suffix])(path)
    found = ingest(path, params).accepted
    assert found.height == lines.height
    assert set(found["stock_code"]) == {*ODD, "10021"}


@pytest.mark.parametrize("code", ["4.00638E+12", "4,00638E+12", "4E+12", "1.5e+11"])
def test_codes_that_a_spreadsheet_rounded_are_an_error(code: str, params: Params, tmp_path: Path) -> None:
    lines = (
        plain_shop()
        .with_row_index("n")
        .with_columns(stock_code=pl.when(pl.col("n") == 700).then(pl.lit(code)).otherwise("stock_code"))
    )
    lines.drop("n").write_csv(tmp_path / "sales.csv")
    with pytest.raises(SourceError, match=r"1 codes that a spreadsheet rounded \(first: row 702, ") as error:
        ingest(tmp_path / "sales.csv", params)
    assert "as text" in error.value.hint


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("add", [0, 4_006_381_333_931, 40_063_813_339_310_000])
def test_codes_that_were_read_as_floats_are_whole(add: int, suffix: str, params: Params, tmp_path: Path) -> None:
    if suffix != "parquet" and add > 2**53:
        pytest.skip("only Parquet holds such numbers to the last digit")
    whole = plain_shop().with_columns(pl.col("stock_code").cast(pl.Int64) * 8 + add)
    lines, path = whole.with_columns(pl.col("stock_code").cast(pl.Float64)), tmp_path / f"sales.{suffix}"
    getattr(lines, {"csv": "write_csv", "xlsx": "write_excel", "parquet": "write_parquet"}[suffix])(path)
    found = ingest(path, params).accepted
    assert set(found["stock_code"]) == {str(code) for code in whole["stock_code"]}


def spelled(first: str, second: str, every: int, says: str | None = "Apron") -> pl.DataFrame:
    """The shop, its first product's code in two spellings, every n-th line in the second with what it says there."""
    lines = plain_shop().with_row_index("n")
    own, other = pl.col("stock_code") == "10001", pl.col("n") % every == 0
    return lines.with_columns(
        stock_code=pl.when(own & other).then(pl.lit(second)).when(own).then(pl.lit(first)).otherwise("stock_code"),
        description=pl.when(own & other).then(pl.lit(says)).otherwise("description"),
    ).drop("n")


@pytest.mark.parametrize(("often", "seldom"), [("ab-1", "AB-1"), ("AB-1", "ab-1"), ("Ab-1", "aB-1"), ("äö", "ÄÖ ")])
@pytest.mark.parametrize("says", ["Apron", " apron ", None])
def test_two_spellings_of_a_product_are_one_in_the_most_frequent(
    often: str, seldom: str, says: str | None, params: Params, tmp_path: Path
) -> None:
    lines = spelled(often, seldom, 5, says)
    lines.write_csv(tmp_path / "sales.csv")
    found = ingest(tmp_path / "sales.csv", params).accepted
    assert found["stock_code"].n_unique() == 22
    assert (found["stock_code"] == often).sum() == (plain_shop()["stock_code"] == "10001").sum()


def test_codes_that_differ_in_case_and_in_what_they_are_stay_apart(params: Params, tmp_path: Path) -> None:
    spelled("ab-1", "AB-1", 5, "Anvil").write_csv(tmp_path / "sales.csv")
    found = ingest(tmp_path / "sales.csv", params).accepted
    assert found["stock_code"].n_unique() == 23 and {"ab-1", "AB-1"} <= set(found["stock_code"])


def test_a_shop_that_writes_in_capitals_keeps_them_for_a_code_that_was_often_mistyped(
    params: Params, tmp_path: Path
) -> None:
    lines = spelled("x1", "X1", 5).with_columns(
        stock_code=pl.when(pl.col("stock_code").str.starts_with("1"))
        .then(pl.concat_str(pl.when(pl.int_range(pl.len()) % 200 == 7).then(pl.lit("p")).otherwise(pl.lit("P")),
                            "stock_code"))
        .otherwise("stock_code")
    )  # fmt: skip
    lines.write_csv(tmp_path / "sales.csv")
    assert {code[0] for code in ingest(tmp_path / "sales.csv", params).accepted["stock_code"]} == {"P", "X"}


@pytest.mark.parametrize(("says", "products"), [("Apron", 22), (None, 22), ("Anvil", 23)])
def test_files_of_one_source_spell_a_product_alike(
    says: str | None, products: int, params: Params, tmp_path: Path
) -> None:
    source, lines = tmp_path / "exports", spelled("ab-1", "AB-1", 1, says)
    source.mkdir()
    spelled("ab-1", "ab-1", 2).head(700).write_csv(source / "a.csv")
    lines[700:].head(100).write_csv(source / "b.csv")

    def codes() -> set[str]:
        whole = IncrementalIngest(tmp_path / "shelf", params).make(find_documents(source, tmp_path / "known.json"))
        whole.write(tmp_path / "raw", tmp_path / "quarantine")
        kept = set(pl.read_parquet(tmp_path / "raw")["stock_code"])
        assert kept == set(clean(read_tables(source), params).accepted["stock_code"])
        return kept

    assert len(codes()) == products and "ab-1" in codes()
    lines[800:].write_csv(source / "c.csv")  # later files bring the other spelling more often
    assert len(codes()) == products
    assert ("ab-1" in codes()) == (products == 23) and "AB-1" in codes()


def test_a_refund_in_another_spelling_is_of_the_same_product(params: Params, tmp_path: Path) -> None:
    source = tmp_path / "exports"
    source.mkdir()
    lines = spelled("ab-1", "ab-1", 1).with_columns(invoice_time=pl.col("invoice_time"))
    lines.write_csv(source / "a.csv")
    sale = lines.filter(pl.col("stock_code") == "ab-1")[30:31]
    sale.with_columns(
        invoice=pl.lit("900000"),
        stock_code=pl.lit("AB-1"),
        quantity=-pl.col("quantity"),
        invoice_time=pl.col("invoice_time") + pl.duration(days=1),
    ).write_csv(source / "b.csv")
    counts = IncrementalIngest(tmp_path / "shelf", params).make(find_documents(source, tmp_path / "known.json")).counts
    assert counts["cancelled_units"] == sale["quantity"].sum() and counts["skus"] == 22


Cleaned = Callable[..., Ingested]
SHARES = {
    "Yes": 1.0, "TRUE": 1.0, "y": 1.0, "1": 1.0, "0.25": 0.25, "0,5": 0.5, "no": 0.0, "False": 0.0, "0": 0.0,
    "2": None, "-1": None, "SUMMER SALE": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize("text", SHARES)
def test_a_promotion_is_a_share_or_a_word_and_anything_else_is_not_known(text: str) -> None:
    assert read_shares(pl.Series([text, None, "yes"])).to_list() == [SHARES[text], None, 1.0]


@pytest.mark.parametrize(("text", "flag"), [("In Stock", True), ("OutOfStock", False), ("1", True), ("37", True)])
def test_in_stock_is_yes_or_no_or_units_on_hand(text: str, flag: bool | None) -> None:
    assert read_flags(pl.Series([text, "no"])).to_list() == [flag, False]


def test_no_row_is_lost_to_an_answer_that_cannot_be_read(line: Callable[..., dict[str, Any]], cleaned: Cleaned) -> None:
    found = cleaned([line(invoice=str(i), promotion="?", in_stock="soon") for i in range(5)])
    assert found.accepted.select("promotion", "in_stock").rows() == [(None, None)] * 5


@pytest.mark.parametrize("answers", [[True, False], [1, 0], [1.0, 0.0], ["yes", "no"]])
def test_columns_of_any_type_say_the_same(
    answers: list[Any], line: Callable[..., dict[str, Any]], cleaned: Cleaned
) -> None:
    lines = [line(invoice=str(i), **{"On Promo": answer, "In Stock": answer}) for i, answer in enumerate(answers)]
    frame = pl.DataFrame(lines).rename({"On Promo": "Is Promo"})
    assert cleaned(frame).accepted.select("promotion", "in_stock").rows() == [(1.0, True), (0.0, False)]


def test_a_deal_that_is_advertised_as_well_is_more_of_a_promotion(
    line: Callable[..., dict[str, Any]], cleaned: Cleaned
) -> None:
    pairs = [("0", "0"), ("1", "0"), ("1", "0.5"), ("1", "1"), ("", "1"), ("", "")]
    frame = pl.DataFrame([line(invoice=str(i), Deal=deal, Feature=feature) for i, (deal, feature) in enumerate(pairs)])
    assert cleaned(frame).accepted["promotion"].to_list() == [0.0, 0.5, 0.75, 1.0, 0.5, None]
    assert cleaned(frame.drop("Deal")).accepted["promotion"].to_list() == [0.0, 0.0, 0.5, 1.0, 1.0, None]
    words = frame.with_columns(Feature=pl.lit("organic"))
    assert cleaned(words).accepted["promotion"].to_list() == [0.0, 1.0, 1.0, 1.0, None, None]
