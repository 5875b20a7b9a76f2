"""Sales in a bucket: brought in once, again when they changed, and never in halves."""

from pathlib import Path

import pytest

from blocks.lake import Lake
from pricewright.core.errors import SourceError
from tasks.source import bring_in, mirror

MONDAY = b"Invoice,StockCode,Quantity,InvoiceDate,Price\n1,A,2,2011-12-05 10:00,1.50\n"


def test_a_bucket_is_read_once_and_what_changed_again(lake_url: str, tmp_path: Path) -> None:
    bucket, folder = Lake(lake_url), tmp_path / "mirror"
    bucket.write_new("2011-W49.csv", MONDAY)
    bucket.write_new("notes/readme.md", b"not sales")
    assert mirror(bucket, folder) == (1, 0)
    assert (folder / "2011-W49.csv").read_bytes() == MONDAY
    assert mirror(bucket, folder) == (0, 0)
    bucket.swap("2011-W49.csv", bucket.read("2011-W49.csv"), MONDAY + b"2,A,1,2011-12-06 10:00,1.50\n")
    bucket.write_new("late/2011-W48.csv", MONDAY)
    assert mirror(bucket, folder) == (2, 0)
    bucket.remove("late/2011-W48.csv")
    assert mirror(bucket, folder) == (0, 1)
    assert {path.name for path in folder.rglob("*.csv")} == {"2011-W49.csv"}


def test_a_url_becomes_a_folder_or_a_file_of_the_workspace(s3_url: str, tmp_path: Path) -> None:
    Lake(s3_url).write_new("in/2011-W49.csv", MONDAY)
    folder, file = bring_in(tmp_path, f"{s3_url}/in/"), bring_in(tmp_path, f"{s3_url}/in/2011-W49.csv")
    assert (Path(folder) / "2011-W49.csv").read_bytes() == MONDAY == Path(file).read_bytes()
    assert bring_in(tmp_path, "sales.csv") == "sales.csv"


def test_a_bucket_without_sales_is_an_error(s3_url: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no file of sales"):
        bring_in(tmp_path, f"{s3_url}/nothing")
