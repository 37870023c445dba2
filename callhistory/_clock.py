"""A clock that is never set, and goes on while the machine sleeps."""

from __future__ import annotations

import time

_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def steady(clock_id: int | None = _BOOT_TIME) -> float:
    """Return the seconds of the clock that everything is timed by which Webex lets expire.

    ``time.monotonic()`` stands still on Linux while the machine sleeps; this clock does not.

    Args:
        clock_id: the system's clock to read; ``None``, as on systems that have no such clock, for
            ``time.monotonic()``.
    """
    return time.monotonic() if clock_id is None else time.clock_gettime(clock_id)
