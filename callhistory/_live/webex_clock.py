"""Webex's clock, which dates its sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .._clock import steady
from .._records.timestamps import EPOCH, epoch_ms

_EARLIEST = epoch_ms(datetime(2000, 1, 1, tzinfo=UTC))
_LATEST = epoch_ms(datetime(9000, 1, 1, tzinfo=UTC))


class WebexClock:
    """Webex's clock, set by its timestamps; until the first one, this machine's."""

    def __init__(self) -> None:
        self._epoch = self._epoch_by(epoch_ms(datetime.now(UTC)))

    @staticmethod
    def _epoch_by(now_ms: int) -> float:
        """Return the moment of 1970 on the steady clock, if it is now so many ms later."""
        return steady() - now_ms / 1000

    def set(self, timestamp: object) -> None:
        """Set the clock by a timestamp that was written now, in milliseconds since 1970.

        Anything but a timestamp is ignored.
        """
        if type(timestamp) is int and _EARLIEST < timestamp < _LATEST:
            self._epoch = self._epoch_by(timestamp)

    def at(self, moment: float) -> datetime:
        """Return Webex's time at a moment of the steady clock."""
        return EPOCH + timedelta(seconds=moment - self._epoch)

    def moment_of(self, timestamp: object) -> float | None:
        """Return the moment of the steady clock for a timestamp; ``None`` for anything else.

        The moment is never later than now.
        """
        if type(timestamp) is int and _EARLIEST < timestamp < _LATEST:
            return min(steady(), self._epoch + timestamp / 1000)
        return None
