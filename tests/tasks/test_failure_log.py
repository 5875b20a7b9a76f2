"""One message per failure in the log of a run."""

import logging
from collections.abc import Iterator

import pytest

from pricewright.core.errors import SourceError
from tasks.prefect_tasks import LOGGERS, log_failures_in_a_line


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += self.format(record).splitlines()


@pytest.fixture
def log() -> Iterator[Kept]:
    handler = Kept()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(list(logger.filters), logger.level, list(logger.handlers)) for logger in loggers]
    for logger in loggers:
        logger.handlers = [handler]  # Prefect's own, where a test before has set them up, want a run
        logger.setLevel(logging.DEBUG)
    log_failures_in_a_line()
    log_failures_in_a_line("flow", "run", "state")
    yield handler
    for logger, (filters, level, handlers) in zip(loggers, before, strict=True):
        logger.filters, logger.level, logger.handlers = filters, level, handlers


def fail(error: Exception) -> None:
    """As Prefect says it of a task, of its flow, and of the engine around them."""
    try:
        raise error
    except Exception as caught:
        for name in LOGGERS:
            logging.getLogger(name).exception("Encountered exception during execution: %r", caught)


def test_an_error_of_ours_is_one_line_with_its_hint(log: Kept) -> None:
    fail(SourceError("sales.csv has no column of prices.", hint="--column unit_price=NAME."))
    assert log.lines == ["sales.csv has no column of prices. hint: --column unit_price=NAME."]


def test_what_nobody_foresaw_keeps_its_traceback(log: Kept) -> None:
    fail(ZeroDivisionError("by nothing"))
    assert sum(line.startswith("Traceback") for line in log.lines) == len(LOGGERS)
