"""The report keeps what other runs have measured."""

from pathlib import Path

from bench.report import HEADINGS, read_sections, write_section
from testing.report import Target, markdown, target_table


def test_a_part_replaces_its_own_section_and_keeps_the_others_in_order(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    for heading, text in ((HEADINGS[2], "old"), (HEADINGS[0], "first"), (HEADINGS[2], "### new\n\n| a |")):
        write_section(path, heading, text)
    assert read_sections(path) == {HEADINGS[0]: "first", HEADINGS[2]: "### new\n\n| a |"}
    assert path.read_text().index(HEADINGS[0]) < path.read_text().index(HEADINGS[2])


def test_a_missed_target_says_so_in_plain_words() -> None:
    table = target_table([Target("a", "at most 1", "2", False), Target("b", "at most 1", "1", True)])
    missed, kept = table.splitlines()[2:]
    assert "NOT reached" in missed and "NOT" not in kept and "reached" in kept


def test_every_row_of_a_table_has_as_many_cells_as_its_header() -> None:
    lines = markdown(["name", "value"], [["a", "1.0"], ["longer", "12.25"]]).splitlines()
    assert {line.count("|") for line in lines} == {3} and len({len(line) for line in lines}) == 1
