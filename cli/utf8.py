"""Text is UTF-8 in all our files, whatever the language settings of the machine say."""

import io
import locale
import os
import sys


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
