"""Whether live events are heard, since when they are not, and who is told of it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from .. import signals
from .._clock import steady
from .._records.timestamps import whole_ms
from .dispatcher import Dispatcher
from .reconnect import Ended
from .webex_clock import WebexClock

# Sessions are fetched from this long before: what was told last may be older.
_OVERLAP = timedelta(seconds=60)


class Presence:
    """Counts the connections that are accepted and read; while one hands over, there are two.

    Moments are those of the steady clock.

    Args:
        dispatcher: delivers ``online`` and ``offline``.
        clock: what time it is at Webex.
    """

    def __init__(self, dispatcher: Dispatcher, clock: WebexClock) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._lock = threading.Lock()
        self._up = 0
        self._outage: float | None = None
        self._began = self._certain = self._counted = steady()

    @property
    def began(self) -> datetime:
        """When it began to listen, by Webex's clock: what ended before is no news."""
        return whole_ms(self._clock.at(self._began))

    def heard(self, moment: float | None) -> None:
        """Note that all that was told before a moment has come.

        A frame that waited in a buffer while the machine slept says nothing of the time since:
        what counts is when Webex wrote it, or when the ping went out that it answers.
        """
        if moment is not None:
            self._certain = max(self._certain, moment)

    def counted(self, moment: float | None) -> None:
        """Note that a frame with a number came, which Webex wrote at a moment, if it says so."""
        self._counted = max(self._counted, self._certain if moment is None else moment)

    @property
    def since(self) -> datetime:
        """The time from which sessions may be missing, if frames are missing now."""
        return self._time_before(self._certain)

    @property
    def since_counted(self) -> datetime:
        """The time from which sessions may be missing, if the numbers of frames jump now."""
        return self._time_before(min(self._certain, self._counted))

    def _time_before(self, moment: float) -> datetime:
        return max(self.began, self._clock.at(moment) - _OVERLAP)

    def come_up(self) -> datetime | None:
        """Count one more connection; give the time from which an outage has to be made good."""
        with self._lock:
            self._up += 1
            first = self._up == 1
            outage, self._outage = self._outage, None
        if first:
            self._dispatcher.put(signals.online, signals.Online())
        return None if outage is None else self._time_before(outage)

    def go_down(self, ended: Ended) -> None:
        """Count one connection less; without the last one there is an outage."""
        with self._lock:
            if self._up == 0:
                return
            self._up -= 1
            if self._up:
                return
            self._outage = self._certain
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
