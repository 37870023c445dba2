"""What time it is at Webex: it dates its sessions by its own clock, not by this machine's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from .._clock import steady
from .._records.timestamps import from_epoch_ms

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
# A wall clock that gains or loses so much in between was set, or the machine has slept.
_JUMP = 5.0


class WebexClock:
    """Webex's time, by what it says of it; by this machine's clock until it does."""

    def __init__(self) -> None:
        self._known = (datetime.now(UTC), steady())

    def set(self, timestamp: object) -> None:
        """Take the time that Webex gives now, in milliseconds since 1970, if it is one."""
        moment = _read(timestamp)
        if moment is not None:
            self._known = (moment, steady())

    def at(self, moment: float) -> datetime:
        """Give Webex's time at a moment of the steady clock."""
        known, then = self._known
        return known + timedelta(seconds=moment - then)

    def moment_of(self, timestamp: object) -> float | None:
        """Give the moment of the steady clock at which Webex had a time; ``None`` for none."""
        known, then = self._known
        told = _read(timestamp)
        return None if told is None else min(steady(), then + (told - known).total_seconds())


def _read(timestamp: object) -> datetime | None:
    if type(timestamp) is not int:
        return None
    try:
        moment = from_epoch_ms(timestamp)
    except OverflowError:
        return None
    return moment if _EARLIEST < moment < _LATEST else None


class Wakefulness:
    """Notices that the wall clock was set, or that the machine has slept."""

    def __init__(self) -> None:
        self._ahead = time.time() - steady()

    def has_jumped(self) -> bool:
        """Tell whether the wall clock has jumped since this was asked last."""
        before, self._ahead = self._ahead, time.time() - steady()
        return abs(self._ahead - before) > _JUMP
