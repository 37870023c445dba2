"""Whether live events are received, and since when sessions may be missing."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .. import signals
from .._clock import steady
from .._records.timestamps import whole_ms

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .reconnect import Ended
    from .webex_clock import WebexClock


class ConnectionState:
    """Counts the connections that Webex has accepted; while one hands over, there are two.

    Moments are those of the steady clock.

    Args:
        dispatcher: delivers ``online`` and ``offline``.
        clock: Webex's clock.
        overlap: how far a recovery reaches back before a gap, as events may arrive late.
    """

    def __init__(self, dispatcher: Dispatcher, clock: WebexClock, overlap: timedelta) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._overlap = overlap
        # Reentrant, as a log handler of the user's that is told of a slow receiver may close it.
        self._lock = threading.RLock()
        self._connections = 0
        self._outage: float | None = None  # when it began
        self._began = self._complete_until = self._last_numbered = steady()

    @property
    def began(self) -> datetime:
        """When listening began, by Webex's clock; sessions that ended earlier are not delivered."""
        return whole_ms(self._clock.at(self._began))

    def note_complete_until(self, moment: float | None) -> None:
        """Note that everything that Webex sent before a moment has arrived.

        A frame may have waited in a buffer while the machine slept. So the moment must be the one
        at which Webex wrote the frame, or at which the answered ping was sent.
        """
        if moment is not None:
            self._complete_until = max(self._complete_until, moment)

    def note_numbered_frame(self, moment: float | None) -> None:
        """Note that a frame with a number arrived, and when Webex wrote it, if that is known."""
        self._last_numbered = max(
            self._last_numbered, self._complete_until if moment is None else moment
        )

    @property
    def gap_start_if_lost_now(self) -> datetime:
        """The time since which sessions may be missing, if a connection is lost now."""
        return self._gap_start(self._complete_until)

    @property
    def gap_start_if_numbers_jump(self) -> datetime:
        """The time since which sessions may be missing, if the numbers of frames jump now."""
        return self._gap_start(min(self._complete_until, self._last_numbered))

    def _gap_start(self, moment: float) -> datetime:
        return max(self.began, self._clock.at(moment) - self._overlap)

    def connected(self) -> datetime | None:
        """Count one more connection; return the start of the gap if it ends an outage.

        The first connection sends ``online``.
        """
        with self._lock:
            self._connections += 1
            is_first = self._connections == 1
            outage, self._outage = self._outage, None
            if is_first:  # within the lock: online must not overtake offline, nor the reverse
                self._dispatcher.put(signals.online, signals.Online())
        return None if outage is None else self._gap_start(outage)

    def disconnected(self, ended: Ended) -> None:
        """Count one fewer connection; after the last, send ``offline`` and begin an outage."""
        with self._lock:
            if self._connections == 0:
                return
            self._connections -= 1
            if self._connections:
                return
            self._outage = self._complete_until
            self._dispatcher.put(signals.offline, _offline(ended, reconnecting=True))

    def refused(self, ended: Ended) -> None:
        """Send ``offline``, as there will be no other connection."""
        with self._lock:
            self._connections = 0
            self._dispatcher.put(signals.offline, _offline(ended, reconnecting=False))

    def close(self) -> None:
        """Close the dispatcher; its last event is ``offline`` if there is a connection."""
        with self._lock:
            was_connected, self._connections = self._connections > 0, 0
        closed = signals.Offline(code=None, reason="closed", reconnecting=False)
        self._dispatcher.close((signals.offline, closed) if was_connected else None)


def _offline(ended: Ended, *, reconnecting: bool) -> signals.Offline:
    code = ended.status if ended.code is None else ended.code
    return signals.Offline(code=code, reason=ended.reason, reconnecting=reconnecting)
