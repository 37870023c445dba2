"""Whether a listener connects, listens, is closing, or is over: its one state."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable

from .._errors import CallHistoryError

# A Ctrl-C that comes just before a lock is waited for wakes nobody up, on Windows none does: who
# waits looks up now and then, and Python raises it then.
_HEED_CTRL_C = 1.0


class Phase(enum.Enum):
    """What a listener does."""

    CONNECTING = enum.auto()  # until Webex has accepted its first connection
    LISTENING = enum.auto()  # also through outages
    CLOSING = enum.auto()
    OVER = enum.auto()


class ListenerPhase:
    """The phase of one listener, which only ever goes forward. Any thread may ask for it.

    Attributes:
        failure: why it is over for good; ``None`` where it was closed.
    """

    def __init__(self) -> None:
        self.failure: CallHistoryError | None = None
        self._phase = Phase.CONNECTING
        self._changed = threading.Condition()

    @property
    def now(self) -> Phase:
        """The phase."""
        return self._phase

    def accepted(self) -> None:
        """Note that Webex has accepted a connection."""
        with self._changed:
            if self._phase is Phase.CONNECTING:
                self._go(Phase.LISTENING)

    def refused(self, failure: CallHistoryError) -> None:
        """Note that there will be no other connection."""
        with self._changed:
            if self._phase in (Phase.CONNECTING, Phase.LISTENING):
                self.failure = failure
                self._go(Phase.OVER)

    def closing(self) -> None:
        """Note that it is being closed."""
        with self._changed:
            if self._phase in (Phase.CONNECTING, Phase.LISTENING):
                self._go(Phase.CLOSING)

    def over(self) -> None:
        """Note that nothing of it is left."""
        with self._changed:
            self._go(Phase.OVER)

    def wait_while_connecting(self, timeout: float) -> Phase:
        """Wait for the end of the first phase, for so many seconds; return the phase then."""
        self._wait_for(lambda: self._phase is not Phase.CONNECTING, timeout)
        return self._phase

    def wait_until_over(self, timeout: float) -> bool:
        """Wait until it is over, for so many seconds; return whether it is."""
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
