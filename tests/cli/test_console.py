"""What data hold is text in the terminal: it moves no cursor, names no window, writes into no clipboard."""

import pytest

from cli.console import Terminal, Watcher, show_error
from cli.price import show
from pricewright.core.errors import PricewrightError
from tasks.ledger import Entry
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
