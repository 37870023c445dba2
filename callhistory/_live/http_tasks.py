"""The thread for HTTP requests while listening, so that the reader of frames need not wait.

It refreshes the device before Webex forgets it, and fetches the sessions of an outage.
"""

from __future__ import annotations

import math
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from .._clock import steady
from .._errors import CallHistoryError

if TYPE_CHECKING:
    from .._http.session import Session
    from .._limits import Limits
    from .._logging import Log
    from .._webex.account import Account
    from .recovery import Recovery


class DeviceRefresh:
    """The refresh of the device, before Webex forgets it.

    Args:
        account: the owner of the device.
        http: sends the requests.
        limits: the time between two refreshes, and the pause after a failure.
    """

    failure = "the device was not refreshed"

    def __init__(self, account: Account, http: Session, limits: Limits) -> None:
        self._account = account
        self._http = http
        self._limits = limits
        self.due = steady() + limits.device_refresh

    def run(self) -> None:
        """Refresh the device.

        Raises:
            BaseException: any error; the refresh is due again after a pause.
        """
        pause = self._limits.longest_backoff
        try:
            self._account.refresh_device(self._http)
            pause = self._limits.device_refresh
        finally:
            self.due = steady() + pause


class HttpTasks:
    """The thread for HTTP requests; it exists only while something is to be recovered or refreshed.

    Args:
        refresh: the refresh of the device.
        recovery: the fetch of missing sessions.
        stop: is set when nothing more may be started.
        log: logs failures.
    """

    def __init__(
        self, refresh: DeviceRefresh, recovery: Recovery, stop: threading.Event, log: Log
    ) -> None:
        self._refresh = refresh
        self._recovery = recovery
        self._stop = stop
        self._log = log
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def recover(self, gap_start: datetime) -> None:
        """Fetch the sessions since a time in the background; of two times, the earlier counts."""
        self._recovery.request(gap_start)
        with self._changed:
            self._begin()

    def refresh_when_due(self) -> float:
        """Start refreshing the device if it is due; return the seconds until the next call."""
        with self._changed:
            if self._thread is not None:
                return math.inf  # the thread refreshes it when due
            wait = self._refresh.due - steady()
            if wait > 0:
                return wait
            self._begin()
            return math.inf

    def wake(self) -> None:
        """Wake the thread, so that it notices ``stop``."""
        with self._changed:
            self._changed.notify()

    def join(self, timeout: float) -> None:
        """Wait for the thread, if it exists and is not the current one."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _begin(self) -> None:
        if self._thread is not None:
            self._changed.notify()
        elif not self._stop.is_set():
            thread = threading.Thread(target=self._run, name="callhistory-http-tasks", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is exiting, and starts no more threads
                return
            self._thread = thread

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.run()
            except BaseException as error:  # noqa: BLE001 - the user's token function may raise anything
                if not self._stop.is_set():
                    known = isinstance(error, CallHistoryError)
                    problem = str(error) if known else type(error).__name__
                    self._log.warning("%s, trying again: %s", task.failure, problem)

    def _next(self) -> DeviceRefresh | Recovery | None:
        """Return the next task when it is due; ``None`` when there is nothing to wait for."""
        with self._changed:
            while not self._stop.is_set():
                wait = min(self._refresh.due, self._recovery.due) - steady()
                if wait <= 0:
                    is_refresh = self._refresh.due <= self._recovery.due
                    return self._refresh if is_refresh else self._recovery
                if self._recovery.due == math.inf:
                    break
                self._changed.wait(wait)
            self._thread = None
            return None
