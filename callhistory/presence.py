"""Whether live events are heard, since when they are not, and who is told of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from . import signals
from .dispatcher import Dispatcher
from .reconnection import Ended
from .times import whole_ms

# Sessions are fetched from this long before the last frame: what it told of may be older.
_OVERLAP = timedelta(seconds=60)


class Presence:
    """Counts the connections that are accepted and read; while one hands over, there are two.

    Args:
        dispatcher: delivers ``online`` and ``offline``.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._up = 0
        self._outage: datetime | None = None
        self.began = self._last_frame = whole_ms(datetime.now(UTC))

    def heard(self) -> None:
        """Note that a frame came."""
        self._last_frame = datetime.now(UTC)

    @property
    def since(self) -> datetime:
        """The time from which sessions may be missing, if frames are missing now."""
        return max(self.began, self._last_frame - _OVERLAP)

    def come_up(self) -> datetime | None:
        """Count one more connection; give the time from which an outage has to be made good."""
        with self._lock:
            self._up += 1
            first = self._up == 1
            outage, self._outage = self._outage, None
        if first:
            self._dispatcher.put(signals.online, signals.Online())
        return outage

    def go_down(self, ended: Ended) -> None:
        """Count one connection less; without the last one there is an outage."""
        with self._lock:
            if self._up == 0:
                return
            self._up -= 1
            if self._up:
                return
            self._outage = self.since
        self._dispatcher.put(signals.offline, _offline(ended, reconnecting=True))

    def give_up(self, ended: Ended) -> None:
        """Say that it will not come back."""
        with self._lock:
            self._up = 0
        self._dispatcher.put(signals.offline, _offline(ended, reconnecting=False))

    def close(self) -> None:
        """Let ``offline`` be the last event that is delivered, if there is a connection."""
        with self._lock:
            was_up, self._up = self._up > 0, 0
        closed = signals.Offline(code=None, reason="closed", reconnecting=False)
        self._dispatcher.close((signals.offline, closed) if was_up else None)


def _offline(ended: Ended, *, reconnecting: bool) -> signals.Offline:
    code = ended.status if ended.code is None else ended.code
    return signals.Offline(code=code, reason=ended.reason, reconnecting=reconnecting)
