"""Webex's clock, which dates its sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .._clock import steady
from .._records.timestamps import from_epoch_ms

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class WebexClock:
    """Webex's clock, set by its timestamps; until the first one, this machine's."""

    def __init__(self) -> None:
        self._known = (datetime.now(UTC), steady())

    def set(self, timestamp: object) -> None:
        """Set the clock by a timestamp that was written now, in milliseconds since 1970.

        Anything but a timestamp is ignored.
        """
        moment = _read(timestamp)
        if moment is not None:
            self._known = (moment, steady())

    def at(self, moment: float) -> datetime:
        """Return Webex's time at a moment of the steady clock."""
        known, then = self._known
        return known + timedelta(seconds=moment - then)

    def moment_of(self, timestamp: object) -> float | None:
        """Return the moment of the steady clock for a timestamp; ``None`` for anything else.

        The moment is never later than now.
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
