"""Webex's time, by which it dates its sessions, and a machine that has slept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .._clock import steady
from .._records.timestamps import from_epoch_ms

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
# A wall clock that gains or loses so many seconds at once was set, or the machine has slept.
_JUMP = 5.0


class WebexClock:
    """Webex's time, as its timestamps have it; this machine's time until the first one."""

    def __init__(self) -> None:
        self._known = (datetime.now(UTC), steady())

    def set(self, timestamp: object) -> None:
        """Set the clock by a timestamp that was written now, in milliseconds since 1970.

        What is no timestamp changes nothing.
        """
        moment = _read(timestamp)
        if moment is not None:
            self._known = (moment, steady())

    def at(self, moment: float) -> datetime:
        """Return Webex's time at a moment of the steady clock."""
        known, then = self._known
        return known + timedelta(seconds=moment - then)

    def moment_of(self, timestamp: object) -> float | None:
        """Return the moment of the steady clock that a timestamp means; ``None`` for no timestamp.

        It is never later than now.
        """
        known, then = self._known
        written = _read(timestamp)
        return None if written is None else min(steady(), then + (written - known).total_seconds())


def _read(timestamp: object) -> datetime | None:
    if type(timestamp) is not int:
        return None
    try:
        moment = from_epoch_ms(timestamp)
    except OverflowError:
        return None
    return moment if _EARLIEST < moment < _LATEST else None


class SleepDetector:
    """Notices that the machine has slept, or that its wall clock was set.

    Args:
        wall: a clock that goes on while the machine sleeps.
        awake: a clock that stands still meanwhile. The steady clock would not do: it goes on.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        awake: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._awake = awake
        self._ahead = wall() - awake()

    def has_jumped(self) -> bool:
        """Return whether one clock has jumped against the other since the last call."""
        before, self._ahead = self._ahead, self._wall() - self._awake()
        return abs(self._ahead - before) > _JUMP
