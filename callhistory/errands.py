"""What has to be done over HTTP while live events are heard, off the thread that reads frames.

The device is refreshed before Webex forgets it, and the sessions of an outage are fetched.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from . import janus
from .device import DEVICE_TTL
from .enums import Sort
from .errors import CallHistoryError
from .models import UserSession
from .reconnection import LONGEST_BACKOFF
from .transport import Transport
from .webex import Refused, Webex

log = logging.getLogger(__name__)

_REFRESH_INTERVAL = DEVICE_TTL / 2 + 60
_FIRST_BACKOFF = 1.0
_PAGE = 50
_LARGEST_PAGE = 10_000


class Errands:
    """Runs errands, in :attr:`thread`, until it is stopped.

    Args:
        webex: whose device and history it is.
        transport: the HTTP session to use.
        stop: set when it is over.
        deliver: takes the sessions of a page that was fetched after an outage.
    """

    def __init__(
        self,
        webex: Webex,
        transport: Transport,
        stop: threading.Event,
        deliver: Callable[[tuple[UserSession, ...]], None],
    ) -> None:
        self._webex = webex
        self._transport = transport
        self._stop = stop
        self._deliver = deliver
        self._changed = threading.Condition()
        self._recover_since: datetime | None = None
        self._recover_at = 0.0
        self._refresh_at = time.monotonic() + _REFRESH_INTERVAL
        self._wait = _FIRST_BACKOFF
        self.thread = threading.Thread(target=self._run, name="callhistory-errands", daemon=True)

    def recover(self, since: datetime) -> None:
        """Fetch the sessions since a time, soon; of two times, the earlier one."""
        with self._changed:
            if self._recover_since is not None:
                since = min(since, self._recover_since)
            self._recover_since = since
            self._recover_at = time.monotonic()
            self._wait = _FIRST_BACKOFF
            self._changed.notify()

    def wake(self) -> None:
        """Let it see that it is to stop."""
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        while not self._stop.is_set():
            since = self._wait_for_errand()
            if time.monotonic() >= self._refresh_at:
                refreshed = self._try("the device was not refreshed", self._refresh)
                wait = _REFRESH_INTERVAL if refreshed else LONGEST_BACKOFF
                self._refresh_at = time.monotonic() + wait
            if since is not None:
                fetch = partial(self._fetch, since)
                if not self._try("the sessions of an outage were not fetched", fetch):
                    self._put_off(since)

    def _wait_for_errand(self) -> datetime | None:
        """Wait until something is due; give the time from which sessions are to be fetched."""
        with self._changed:
            while not self._stop.is_set():
                now = time.monotonic()
                since = self._recover_since
                if since is not None and now >= self._recover_at:
                    self._recover_since = None
                    return since
                due = self._refresh_at
                if since is not None:
                    due = min(due, self._recover_at)
                if due <= now:
                    break
                self._changed.wait(due - now)
            return None

    def _put_off(self, since: datetime) -> None:
        with self._changed:
            self._recover_since = min(since, self._recover_since or since)
            self._recover_at = time.monotonic() + random.uniform(self._wait / 2, self._wait)  # noqa: S311
            self._wait = min(LONGEST_BACKOFF, 2 * self._wait)

    def _try(self, words: str, errand: Callable[[], None]) -> bool:
        """Run an errand; say why it failed, if it did."""
        try:
            errand()
        except Refused as refused:
            problem = str(refused.answer.refusal())
        except CallHistoryError as error:
            problem = str(error)
        except BaseException as error:  # noqa: BLE001 - what gives the token may raise any
            problem = type(error).__name__
        else:
            return True
        if not self._stop.is_set():
            log.warning("%s, trying again: %s", words, problem)
        return False

    def _refresh(self) -> None:
        self._webex.refresh_device(self._transport)

    def _fetch(self, since: datetime) -> None:
        for page in _pages(self._webex, self._transport, since):
            self._deliver(page)


def _pages(
    webex: Webex, transport: Transport, since: datetime
) -> Iterator[tuple[UserSession, ...]]:
    """Fetch all sessions since a time, oldest first.

    Webex's largest limit is not known, so a page that is not full may still not be the last: the
    last one is that which brings nothing new.
    """
    seen: set[tuple[str, datetime]] = set()
    limit = _PAGE
    while True:
        page = janus.fetch(webex, transport, since=since, limit=limit, sort=Sort.ASC)
        page.raise_for_status()
        fresh = tuple(s for s in page if (s.session_id, s.end_time) not in seen)
        if not fresh and (len(page) < limit or limit >= _LARGEST_PAGE):
            return
        if fresh:
            seen.update((session.session_id, session.end_time) for session in fresh)
            yield fresh
            since = max(session.end_time for session in fresh)
        else:
            limit *= 2  # more sessions ended in one millisecond than a page holds
