"""The terminal: a line per stage while a run works, errors with their hint, libraries kept quiet."""

import errno
import io
import locale
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment

from pricewright.core.errors import PricewrightError
from tasks.ledger import Entry

WIDTH = 120  # columns, where the output is not a terminal


CONTROLS = str.maketrans({code: "?" for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"})
TALKATIVE = ("great_expectations", "evidently", "shap", "lightgbm", "skopt", "optuna", "matplotlib", "onnxmltools",
             "skl2onnx", "torch", "dvc", "httpx", "alembic")  # fmt: skip
FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
WORDS = ("no space left on device", "(os error 27)", "(os error 122)", "disk is full")  # of Polars, obstore, SQLite
REFUSED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


class Terminal(Console):
    """Shows text as text: what data hold must not move the cursor, rename the window or write into the clipboard."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See Console; its own colours come later."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=segment.text.translate(CONTROLS))


def console(*, errors: bool = False) -> Console:
    """Plain text where the output is not a terminal."""
    made = Terminal(stderr=errors, highlight=False)
    return made if made.is_terminal else Terminal(stderr=errors, highlight=False, width=WIDTH, soft_wrap=True)


def show_error(error: PricewrightError) -> None:
    """What is wrong, in red, and below it what to do."""
    out = console(errors=True)
    out.print(f"[bold red]error:[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        out.print(f"[bold]hint:[/]  {escape(error.hint)}", soft_wrap=True)


class Watcher:
    """Shows a run: the stage at work with its seconds and a bar, and a line for each that is done."""

    def __init__(self, out: Console) -> None:
        self._out = out
        columns = (
            TextColumn("  {task.fields[stage]:<9}"),
            TimeElapsedColumn(),
            BarColumn(20),
            TextColumn("{task.fields[words]}"),
        )
        self._bar = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, stage: str) -> None:
        """A stage starts: its line begins to move."""
        self._forget()
        self._task = self._bar.add_task("", total=None, stage=stage, words="")

    def advance(self, stage: str, share: float, words: str) -> None:
        """The bar shows how far it got."""
        if self._task is not None:
            self._bar.update(self._task, completed=share, total=1.0 if share > 0 else None, words=words)

    def end(self, entry: Entry, line: str) -> None:
        """The moving line gives way to one that stays, with its notes below it."""
        self._forget()
        when = f"{entry.seconds:.1f} s" if entry.how == "ran" else entry.how
        first, *notes = line.split("\n")
        self._out.print(f"  {entry.stage:<9} {when:>8}  {escape(first)}")
        for note in notes:
            self._out.print(f"  {'':<9} {'':>8}  [yellow]{escape(note)}[/]")
        if entry.how == "ran" and entry.reasons and str(entry.reasons[0]) != "never ran":
            more = f" and {len(entry.reasons) - 1} more" if len(entry.reasons) > 1 else ""
            self._out.print(f"  {'':<9} {'':>8}  [dim]because of {escape(str(entry.reasons[0]))}{more}[/]")

    def _forget(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings and loggers of libraries say nothing for as long as the context lasts; PRICEWRIGHT_TRACE lets them."""
    if os.environ.get("PRICEWRIGHT_TRACE"):
        yield
        return
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars of great_expectations and shap; ours is enough
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def full_disk(error: BaseException) -> PricewrightError | None:
    """The error to show where a full disk is behind this one; None where it is something else."""
    for cause in causes(error):
        known = isinstance(cause, OSError) and cause.errno in FULL
        if known or any(words in str(cause).lower() for words in WORDS):
            where = getattr(cause, "filename", None) or cause
            return PricewrightError(
                f"the disk is full: {where}.", hint="make room and run it again; what was whole is kept."
            )
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that stand behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def no_permission(error: BaseException) -> PricewrightError | None:
    """The error to show where a right is missing behind this one; None where it is something else."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno in REFUSED and cause.filename:
            return PricewrightError(
                f"{cause.filename} cannot be used by this user: {cause.strerror}.",
                hint="give the user the right to read the source, and to write the checkout and the lake; or copy the "
                "checkout to a folder of the user's own.",
            )
    return None


def speak_utf8() -> None:
    """Start again in Python's UTF-8 mode where the locale has another encoding; processes started later follow it.

    What the terminal cannot show is shown as a question mark.
    """
    heard = not sys.flags.ignore_environment  # python -E and -I would start again for ever
    if heard and not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.environ["PYTHONUTF8"] = "1"
        os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:replace")
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # nosec B606: this very command
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
