"""A clock that is never set, and keeps running while the machine sleeps."""

from __future__ import annotations

import time

_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def steady(clock_id: int | None = _BOOT_TIME) -> float:
    """Return the seconds of the clock that measures whatever expires at Webex.

    On Linux, ``time.monotonic()`` stops while the machine sleeps; this clock does not.

    Args:
        clock_id: the system clock to read; ``None``, the default on systems without such a clock,
            for ``time.monotonic()``.
    """
    return time.monotonic() if clock_id is None else time.clock_gettime(clock_id)
