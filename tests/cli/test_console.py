"""What data hold is text in the terminal: it moves no cursor, names no window, writes into no clipboard."""

import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cli.console import Terminal, Watcher, full_disk, show_error
from cli.price import show
from pricewright.core.errors import PricewrightError
from tasks.ledger import Entry
from testing.checkout import COMMAND, make_checkout
from tests.synthetic_shop import Shop

HOSTILE = "MUG \x1b]52;c;cm0gLXJm\x07\x1b[2J\x1b]0;title\x07\x9b31m\r\x08[red]x[/] \x7f"


@pytest.mark.parametrize("colours", [False, True])
def test_a_products_name_is_shown_and_does_nothing(shop: Shop, colours: bool) -> None:
    shop.point(shop.write(descriptions={1: HOSTILE}))
    out = Terminal(force_terminal=colours, width=120, highlight=False)
    with out.capture() as captured:
        show(out, shop.app()({"stock_code": "20007"}))
    shown = captured.get()
    assert "MUG" in shown and "[red]x[/]" in shown
    for control in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\r", "\x08", "\x7f"):
        assert control not in shown
    assert ("\x1b[1m" in shown) == colours, "our own bold stays"


def test_an_error_that_quotes_data_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(PricewrightError(f"SKU {HOSTILE} is none", hint=HOSTILE))
    shown = capsys.readouterr().err
    assert "\x1b]" not in shown and "\x07" not in shown and "MUG" in shown


@pytest.fixture
def shop(tmp_path) -> Shop:
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


def test_notes_of_a_stage_stand_below_its_line() -> None:
    out = Terminal(width=120, highlight=False)
    with out.capture() as captured:
        Watcher(out).end(Entry("ingest", "ran", seconds=1.0, reasons=()), "3 rows\nskus warns [at] 20")
    assert captured.get().splitlines() == ["  ingest       1.0 s  3 rows", "                      skus warns [at] 20"]


def test_a_command_that_can_write_nothing_says_that_the_disk_is_full(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    (tmp_path / "sales.parquet").touch()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "configure", "--source", "sales.parquet"],
        cwd=tmp_path, env=checkout.environment, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "error: the disk is full" in done.stderr and "hint:  make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_polars_words_for_it_are_known() -> None:
    with pytest.raises(pl.exceptions.ComputeError) as caught:
        pl.DataFrame({"a": range(100_000)}).write_parquet("/dev/full")
    shown = full_disk(caught.value)
    assert shown is not None and "No space left on device" in shown.message


def test_it_is_found_behind_the_error_of_who_called() -> None:
    try:
        try:
            raise OSError(28, "No space left on device", "work/panel/part.parquet")
        except OSError as error:
            raise RuntimeError("the task failed") from error
    except RuntimeError as error:
        shown = full_disk(error)
    assert shown is not None and shown.message == "the disk is full: work/panel/part.parquet."


def test_another_error_is_none_of_it() -> None:
    assert full_disk(FileNotFoundError(2, "No such file", "x")) is None
