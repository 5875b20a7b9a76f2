"""Keeps what libraries have to say about themselves off the terminal: it is no news for whoever waits for prices."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

TALKATIVE = ("great_expectations", "evidently", "shap", "lightgbm", "skopt", "optuna", "matplotlib", "onnxmltools",
             "skl2onnx", "torch", "dvc", "httpx", "alembic")  # fmt: skip


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
