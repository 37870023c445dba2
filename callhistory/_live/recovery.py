"""The recovery of missing sessions: those that ended while there was no connection."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .._clock import steady
from .._errors import ApiError
from .._records.enums import Sort
from .._records.sessions import UserSession
from .._webex import history_api

if TYPE_CHECKING:
    from .._http.session import Session
    from .._limits import Limits
    from .._logging import Log
    from .._webex.account import Account
    from .deduplication import Deduplicator
    from .online_offline import ConnectionState

_PAGE = 50
_LARGEST_PAGE = 10_000


class Recovery:
    """The fetch of all sessions since a time, which is retried until it succeeds.

    Any thread may request one; only one thread runs it.

    Args:
        account: the owner of the history.
        http: sends the requests.
        deduplicator: receives the sessions, page by page.
        state: knows when listening began.
        log: logs the sessions that cannot be read.
        limits: the pauses between two recoveries.
    """

    failure = "the sessions of an outage were not fetched"

    def __init__(
        self,
        account: Account,
        http: Session,
        deduplicator: Deduplicator,
        state: ConnectionState,
        log: Log,
        limits: Limits,
    ) -> None:
        self._account = account
        self._http = http
        self._deduplicator = deduplicator
        self._state = state
        self._log = log
        self._limits = limits
        self._lock = threading.Lock()
        self._gap_start: datetime | None = None
        self._not_before = -math.inf
        self._backoff = limits.first_recovery_backoff

    def request(self, gap_start: datetime) -> None:
        """Request all sessions since a time; of two times, the earlier one counts."""
        with self._lock:
            self._gap_start = (
                gap_start if self._gap_start is None else min(gap_start, self._gap_start)
            )

    @property
    def due(self) -> float:
        """When to run, by the steady clock; infinity while nothing is missing."""
        return math.inf if self._gap_start is None else self._not_before

    def run(self) -> None:
        """Fetch the sessions that are missing.

        Raises:
            BaseException: any error; the recovery is due again after a pause.
        """
        with self._lock:
            gap_start, self._gap_start = self._gap_start, None
        if gap_start is None:
            return
        limits = self._limits
        try:
            for page in pages(self._account, self._http, gap_start, self._log):
                self._deduplicator.receive_recovered(page, self._state.began)
        except BaseException as error:
            self.request(gap_start)
            pause = random.uniform(self._backoff / 2, self._backoff)  # noqa: S311 - jitter
            asked = error.retry_after if isinstance(error, ApiError) else None
            pause = max(pause, min(asked or 0.0, limits.longest_live_retry_after))
            self._backoff = min(limits.longest_backoff, 2 * self._backoff)
            raise
        else:
            # Numbers that keep jumping must not cause constant fetching.
            pause = self._backoff = limits.first_recovery_backoff
        finally:
            self._not_before = steady() + pause


def pages(
    account: Account,
    http: Session,
    since: datetime,
    log: Log,
    *,
    limit: int = _PAGE,
    largest: int = _LARGEST_PAGE,
) -> Iterator[tuple[UserSession, ...]]:
    """Yield all sessions since a time, oldest first; those that cannot be read are left out.

    Webex's largest limit is not known, so a page that is not full may not be the last. The last
    page is one with nothing new.

    Args:
        account: the owner of the history.
        http: sends the requests.
        since: the earliest end time of a session.
        log: logs the sessions that cannot be read.
        limit: the first size of a page; it doubles while one millisecond has more sessions.
        largest: the largest size of a page.

    Raises:
        CallHistoryError: as :func:`.history_api.fetch_page`.
    """
    seen: set[tuple[str, datetime]] = set()

    while True:
        page = history_api.fetch_page(account, http, since=since, limit=limit, sort=Sort.ASC)
        for problem in page.problems:
            log.warning("a session cannot be read, and is left out: %s", problem)
        count = len(page.sessions) + len(page.problems)
        new = tuple(s for s in page.sessions if (s.session_id, s.end_time) not in seen)
        if not new and (count < limit or limit >= largest):
            return
        if new:
            seen.update((s.session_id, s.end_time) for s in new)
            yield new
            since = max(s.end_time for s in new)
        else:
            limit *= 2  # more sessions ended in one millisecond than a page holds
