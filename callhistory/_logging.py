"""The logger of the library, and that of a client."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

# One for the whole library: its modules are nobody's business.
log = logging.getLogger("callhistory")


class NeverRaisingLog(logging.LoggerAdapter[logging.Logger]):
    """A logger for threads that must go on: an exception of a handler or filter is dropped."""

    def log(self, level: int, msg: object, *args: Any, **options: Any) -> None:
        """Log a message if the logger's handlers and filters can."""
        with contextlib.suppress(Exception):  # there is nobody to tell
            super().log(level, msg, *args, **options)


def read_logger(logger: logging.Logger | str | None) -> logging.Logger:
    """Return the logger that a user means.

    Args:
        logger: a logger; ``None`` for the library's, ``callhistory``; or a level's name, in any
            case, for the library's at that level. A name is for a notebook or a script: where the
            program has not set up logging, the messages go to standard error.

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
