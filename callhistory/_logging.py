"""The loggers of the library and of a client."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

# One for the whole library: its modules are private.
log = logging.getLogger("callhistory")


class NeverRaisingLog(logging.LoggerAdapter[logging.Logger]):
    """A logger for threads that must go on: exceptions from handlers and filters are dropped."""

    def log(self, level: int, msg: object, *args: Any, **options: Any) -> None:
        """Log a message, and ignore exceptions from the logger's handlers and filters."""
        with contextlib.suppress(Exception):  # nowhere is left to report it
            super().log(level, msg, *args, **options)


def read_logger(logger: logging.Logger | str | None) -> logging.Logger:
    """Return the logger for what a user passed.

    Args:
        logger: a logger; ``None`` for the library's, ``callhistory``; or the name of a level, in
            any case, for the library's at that level. A name is meant for a notebook or a script:
            if the program has not set up logging, the messages go to standard error.

    Raises:
        TypeError, ValueError: ``logger`` is none of these.
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
