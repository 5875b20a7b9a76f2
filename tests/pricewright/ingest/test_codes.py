"""Codes stay as the file has them: no two become one, and none that a spreadsheet spoilt is taken for a product's."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import ingest
from tests.plain_shop import plain_shop

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
    assert set(found["stock_code"]) == {code.upper() for code in [*ODD, "10021"]}


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
