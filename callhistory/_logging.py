"""The logger of a client."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

# The library's one logger. What knows of no client logs here.
log = logging.getLogger("callhistory")

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class Unfailing(logging.LoggerAdapter[logging.Logger]):
    """A logger whose handlers and filters may raise: the thread that logs goes on."""

    def log(self, level: int, msg: object, *args: Any, **options: Any) -> None:
        """Log a message, or else let it be."""
        with contextlib.suppress(Exception):  # there is nobody to tell
            super().log(level, msg, *args, **options)


def make_logger(logger: logging.Logger | str | None) -> logging.Logger:
    """Take a logger, the name of a level for the library's own, or ``None`` for that.

    A level's name is for a notebook or a script that wants to see what goes on: where the program
    has not set up logging, the library's messages then go to standard error.

    Raises:
        TypeError, ValueError: it is none of these.
    """
    if isinstance(logger, logging.Logger):
        return logger
    if logger is None:
        return log
    if not isinstance(logger, str):
        raise TypeError(
            f"logger: expected a logging.Logger or a level's name, not {type(logger).__name__}"
        )
    levels = logging.getLevelNamesMapping()
    if logger.upper() not in levels:
        raise ValueError(f"logger: expected one of {', '.join(levels)}, not {logger!r}")
    log.setLevel(levels[logger.upper()])
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
    return log
