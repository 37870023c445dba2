"""The phase of a listener: connecting, listening, closing or over."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable

from .._errors import CallHistoryError

# A Ctrl-C just before the wait for a lock does not end the wait; on Windows no Ctrl-C does. So a
# wait returns now and then, and Python raises KeyboardInterrupt.
_HEED_CTRL_C = 1.0


class Phase(enum.Enum):
    """The phases of a listener."""

    CONNECTING = enum.auto()  # until Webex has accepted its first connection
    LISTENING = enum.auto()  # also through outages
    CLOSING = enum.auto()
    OVER = enum.auto()


class ListenerPhase:
    """The phase of one listener, which only moves forward. Any thread may use it.

    Attributes:
        failure: the permanent failure that ended it; ``None`` if it was closed.
    """

    def __init__(self) -> None:
        self.failure: CallHistoryError | None = None
        self._phase = Phase.CONNECTING
        self._changed = threading.Condition()

    @property
    def now(self) -> Phase:
        """The current phase."""
        return self._phase

    def accepted(self) -> None:
        """Note that Webex has accepted a connection."""
        with self._changed:
            if self._phase is Phase.CONNECTING:
                self._go(Phase.LISTENING)

    def refused(self, failure: CallHistoryError) -> None:
        """Note that there will be no other connection."""
        with self._changed:
            if self._phase is not Phase.OVER:
                self.failure = failure
                self._go(Phase.OVER)

    def closing(self) -> None:
        """Note that the listener is being closed."""
        with self._changed:
            if self._phase in (Phase.CONNECTING, Phase.LISTENING):
                self._go(Phase.CLOSING)

    def over(self) -> None:
        """Note that the listener has ended."""
        with self._changed:
            self._go(Phase.OVER)

    def wait_while_connecting(self, timeout: float) -> Phase:
        """Wait at most ``timeout`` seconds for the end of the first phase; return the phase."""
        self._wait_for(lambda: self._phase is not Phase.CONNECTING, timeout)
        return self._phase

    def wait_until_over(self, timeout: float) -> bool:
        """Wait until it is over, at most ``timeout`` seconds; return whether it is."""
        return self._wait_for(lambda: self._phase is Phase.OVER, timeout)

    def _go(self, phase: Phase) -> None:
        self._phase = phase
        self._changed.notify_all()

    def _wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, _HEED_CTRL_C))
        return True
