"""The first rows of large files: whole lines, in any encoding, packed or not."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml

from pricewright.ingest import clean
from pricewright.look import BYTES, ROWS, sample, whole_lines
from testing.plain_shop import plain_shop

SHOP = plain_shop(skus=5, weeks=20)
PARAMS = Path(__file__).parents[2] / "params.yaml"
TIMES = BYTES // len(SHOP.write_csv()) + 2  # that the shop is written one below the other


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    """The section `ingest` of params.yaml."""
    section: dict[str, Any] = yaml.safe_load(PARAMS.read_text())["ingest"]
    return section


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_cut_leaves_whole_lines(encoding: str, end: str) -> None:
    text = "".join(f"{number},Ñandú ą{end}" if "16" in encoding else f"{number},é{end}" for number in range(50))
    content = text.encode(encoding)
    for size in range(len(content) // 2, len(content) // 2 + 40):
        left = whole_lines(content[:size], "shop.csv").decode(encoding)
        assert left.endswith(end[-1]) and text.startswith(left) and len(left) > 0.4 * len(text)


def test_a_cut_does_not_end_within_quotes() -> None:
    content = b'1,mug\n2,"large\nred\nmug"\n'
    assert whole_lines(content[:18], "shop.csv") == b"1,mug\n"
    assert whole_lines(content, "shop.csv") == content


@pytest.mark.parametrize("packed", [False, True])
def test_the_first_rows_of_a_large_text_are_read_as_all_would_be(
    params: dict[str, Any], tmp_path: Path, packed: bool
) -> None:
    header, _, rows = SHOP.write_csv().partition("\n")
    path = tmp_path / ("shop.csv.gz" if packed else "shop.csv")
    with gzip.open(path, "wt", compresslevel=1) if packed else path.open("w") as file:
        file.write(header + "\n" + rows * TIMES)
    found = sample(path, params["columns"])
    assert not found.whole and found.tables[0].frame.height == ROWS
    assert clean(found.tables, params).counts["skus"] == 5


def test_every_file_of_a_folder_is_looked_at(params: dict[str, Any], tmp_path: Path) -> None:
    for number, part in enumerate(SHOP.partition_by("stock_code")):
        part.write_parquet(tmp_path / f"{number}.parquet")
    found = sample(tmp_path, params["columns"])
    assert found.whole and sum(table.frame.height for table in found.tables) == SHOP.height
