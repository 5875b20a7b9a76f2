"""What a shelf gives is what was put there; what it does not read again is what nobody wrote to."""

import os
from pathlib import Path

import pytest

from pricewright.ingest.shelf import STAMP, Shelf


def put(shelf: Shelf) -> Path:
    def write(folder: Path) -> dict[str, int]:
        (folder / "part").write_bytes(b"as it was")
        return {"rows": 3}

    return shelf.put("key", write).folder / "part"


def test_a_result_is_found_by_another_process_with_what_is_known_of_it(tmp_path: Path) -> None:
    file = put(Shelf(tmp_path))
    found = Shelf(tmp_path).find("key")
    assert found and found.index == {"rows": 3} and (found.folder / "part") == file


@pytest.mark.parametrize("content", [b"otherwise", b"longer than it was", b""])
def test_a_file_that_was_written_to_is_noticed_though_it_has_its_size(tmp_path: Path, content: bytes) -> None:
    put(Shelf(tmp_path)).write_bytes(content)
    assert Shelf(tmp_path).find("key") is None


def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    put(Shelf(tmp_path)).unlink()
    assert Shelf(tmp_path).find("key") is None


def test_a_link_to_a_file_changes_nothing(tmp_path: Path) -> None:
    os.link(put(Shelf(tmp_path)), tmp_path / "link")
    (tmp_path / "link").unlink()
    stamp = (tmp_path / "key" / STAMP).read_bytes()
    assert Shelf(tmp_path).find("key") and (tmp_path / "key" / STAMP).read_bytes() == stamp


def test_after_the_machine_started_again_every_file_is_read_once(tmp_path: Path) -> None:
    """A machine that loses its power may have kept a file's size and time and lost its content."""
    boot = tmp_path / "boot"
    boot.write_text("first")
    file = put(Shelf(tmp_path / "shelf", boot))
    kept = file.stat()
    file.write_bytes(bytes(kept.st_size))
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert Shelf(tmp_path / "shelf", boot).find("key"), "this is what a stamp cannot tell"
    boot.write_text("second")
    assert Shelf(tmp_path / "shelf", boot).find("key") is None


def test_a_torn_stamp_means_that_the_files_are_read(tmp_path: Path) -> None:
    file = put(Shelf(tmp_path))
    (file.parent / STAMP).write_text("[")
    assert Shelf(tmp_path).find("key")
    file.write_bytes(b"otherwise")
    (file.parent / STAMP).unlink()
    assert Shelf(tmp_path).find("key") is None
