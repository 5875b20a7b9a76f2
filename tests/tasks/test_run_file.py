"""A run that fails leaves what other commands read as it was; unusable sales are found before anything starts."""

from pathlib import Path

import pytest

from pricewright.core.errors import GateBlocked, SourceError
from tasks.finish import look_ahead
from tasks.run import run_file_kept
from tasks.workspace import configure

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    configure(tmp_path, store=str(tmp_path / "lake"))
    return tmp_path


def run_to(root: Path, store: str, error: BaseException | None = None) -> None:
    """A run with another lake, to its end or to this error."""
    with run_file_kept(root):
        configure(root, store=str(root / store))
        assert store in (root / "run.yaml").read_text()
        if error:
            raise error


@pytest.mark.parametrize("error", [SourceError("no"), ZeroDivisionError(), KeyboardInterrupt()])
def test_a_run_that_fails_puts_run_yaml_back(root: Path, error: BaseException) -> None:
    before = (root / "run.yaml").read_bytes()
    with pytest.raises(type(error)):
        run_to(root, "another", error)
    assert (root / "run.yaml").read_bytes() == before


def test_where_there_was_none_there_is_none(root: Path) -> None:
    (root / "run.yaml").unlink()
    with pytest.raises(SourceError):
        run_to(root, "another", SourceError("no"))
    assert not (root / "run.yaml").exists()


def test_what_ran_to_a_gate_or_to_its_end_is_the_last_run(root: Path) -> None:
    with pytest.raises(GateBlocked):
        run_to(root, "blocked", GateBlocked("drift"))
    assert "blocked" in (root / "run.yaml").read_text()
    run_to(root, "ended")
    assert "ended" in (root / "run.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"fruit,colour\napple,red\npear,green\n", "column"),
        ("a.xlsx", b"no workbook", "not an xlsx workbook"),
        ("a.parquet", b"no parquet", "no Parquet file"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00broken", "a.csv.gz"),
    ],
)
def test_sales_that_cannot_be_used_are_found_by_their_first_rows(
    root: Path, name: str, content: bytes, words: str
) -> None:
    (root / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        look_ahead(configure(root, str(root / name)))
    assert caught.value.hint
