"""What has to be done over HTTP while live events are heard, off the thread that reads frames.

The device is refreshed before Webex forgets it, and the sessions of an outage are fetched.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from .._errors import ApiError, CallHistoryError
from .._http.response import Refused
from .._http.session import Transport
from .._logging import Log
from .._records.decode import read_readable_sessions
from .._records.enums import Sort
from .._records.sessions import UserSession
from .._webex import history_api as janus
from .._webex.account import Webex
from .._webex.device import DEVICE_TTL
from .reconnect import LONGEST_BACKOFF

_REFRESH_INTERVAL = DEVICE_TTL / 2 + 60
_FIRST_BACKOFF = 1.0
_LONGEST_RETRY_AFTER = 3600.0
_PAGE = 50
_LARGEST_PAGE = 10_000


class Errands:
    """Runs errands, in a thread that is there while there are any.

    Args:
        webex: whose device and history it is.
        transport: the HTTP session to use.
        stop: set when it is over.
        deliver: takes the sessions of a page that was fetched after an outage.
        log: where to say what fails.
    """

    def __init__(
        self,
        webex: Webex,
        transport: Transport,
        stop: threading.Event,
        deliver: Callable[[tuple[UserSession, ...]], None],
        log: Log,
    ) -> None:
        self._webex = webex
        self._transport = transport
        self._stop = stop
        self._deliver = deliver
        self._log = log
        self._changed = threading.Condition()
        self._recover_since: datetime | None = None
        self._recover_at = 0.0
        self._refresh_at = time.monotonic() + _REFRESH_INTERVAL
        self._wait = _FIRST_BACKOFF
        self._thread: threading.Thread | None = None

    def recover(self, since: datetime) -> None:
        """Fetch the sessions since a time, soon; of two times, the earlier one."""
        with self._changed:
            if self._recover_since is not None:
                since = min(since, self._recover_since)
            self._recover_since = since
            self._begin()

    def look(self) -> float:
        """Refresh the device if it is time; give the seconds until it is, if nobody else looks."""
        with self._changed:
            if self._thread is not None:
                return math.inf  # it looks itself
            wait = self._refresh_at - time.monotonic()
            if wait > 0:
                return wait
            self._begin()
            return math.inf

    def wake(self) -> None:
        """Let it see that it is to stop."""
        with self._changed:
            self._changed.notify()

    def join(self, timeout: float) -> None:
        """Wait for the thread, if it is there and another one."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _begin(self) -> None:
        if self._stop.is_set():
            return
        if self._thread is not None:
            self._changed.notify()
            return
        thread = threading.Thread(target=self._run, name="callhistory-errands", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending, and starts no more threads
            return
        self._thread = thread

    def _run(self) -> None:
        while (errand := self._next()) is not None:
            errand()

    def _next(self) -> Callable[[], None] | None:
        """Wait until something is due; ``None`` when nothing is to come, and the thread ends."""
        with self._changed:
            while not self._stop.is_set():
                now = time.monotonic()
                if now >= self._refresh_at:
                    return self._refresh
                if self._recover_since is None:
                    break
                if now >= self._recover_at:
                    return self._recover
                self._changed.wait(min(self._recover_at, self._refresh_at) - now)
            self._thread = None
            return None

    def _refresh(self) -> None:
        failure = self._try("the device was not refreshed", self._refresh_device)
        wait = LONGEST_BACKOFF if failure else _REFRESH_INTERVAL
        self._refresh_at = time.monotonic() + wait

    def _refresh_device(self) -> None:
        self._webex.refresh_device(self._transport)

    def _recover(self) -> None:
        with self._changed:
            since, self._recover_since = self._recover_since, None
        if since is None:
            return

        def fetch() -> None:
            for page in _pages(self._webex, self._transport, since, self._log):
                self._deliver(page)

        failure = self._try("the sessions of an outage were not fetched", fetch)
        with self._changed:
            if failure is None:
                self._wait = _FIRST_BACKOFF
                pause = self._wait  # numbers that always jump must not make it fetch all the time
            else:
                self._recover_since = min(since, self._recover_since or since)
                pause = random.uniform(self._wait / 2, self._wait)  # noqa: S311 - jitter
                asked = failure.retry_after if isinstance(failure, ApiError) else None
                pause = max(pause, min(asked or 0.0, _LONGEST_RETRY_AFTER))
                self._wait = min(LONGEST_BACKOFF, 2 * self._wait)
            self._recover_at = time.monotonic() + pause

    def _try(self, words: str, errand: Callable[[], None]) -> BaseException | None:
        """Run an errand; give and say why it failed, if it did."""
        failure: BaseException
        try:
            errand()
        except Refused as refused:
            failure = refused.answer.refusal()
        except BaseException as error:  # noqa: BLE001 - what gives the token may raise any
            failure = error
        else:
            return None
        if not self._stop.is_set():
            known = isinstance(failure, CallHistoryError)
            problem = str(failure) if known else type(failure).__name__
            self._log.warning("%s, trying again: %s", words, problem)
        return failure


def _pages(
    webex: Webex, transport: Transport, since: datetime, log: Log
) -> Iterator[tuple[UserSession, ...]]:
    """Fetch all sessions since a time, oldest first; those that cannot be read are left out.

    Webex's largest limit is not known, so a page that is not full may still not be the last: the
    last one is that which brings nothing new.
    """
    seen: set[tuple[str, datetime]] = set()
    limit = _PAGE
    count = 0

    def read(found: list[Any]) -> tuple[UserSession, ...]:
        nonlocal count
        count = len(found)
        return read_readable_sessions(found, log)

    while True:
        page = janus.fetch(webex, transport, since=since, limit=limit, sort=Sort.ASC, read=read)
        page.raise_for_status()
        fresh = tuple(s for s in page if (s.session_id, s.end_time) not in seen)
        if not fresh and (count < limit or limit >= _LARGEST_PAGE):
            return
        if fresh:
            seen.update((session.session_id, session.end_time) for session in fresh)
            yield fresh
            since = max(session.end_time for session in fresh)
        else:
            limit *= 2  # more sessions ended in one millisecond than a page holds
