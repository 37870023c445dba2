"""The client: the call history of one user."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from attrs import evolve

from ._arguments import days_ago, member, pairs_for_wire, whole_number
from ._http.token_source import TokenSource
from ._live.live_events import LiveEvents
from ._logging import make_logger
from ._records.enums import Sort, SortBy
from ._records.responses import (
    SUCCESS,
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
)
from ._records.sessions import EndTimeSessionId, UserSession
from ._webex import history_api as janus
from ._webex.account import Webex

Pairs = Iterable[EndTimeSessionId | UserSession | Mapping[str, Any]]


class CallHistoryClient(LiveEvents):
    """The call history of one user: fetch it, mark missed calls read, delete records, hear events.

    It may be used from several threads at once. Live events are heard by background threads, with
    an HTTP session of their own; handlers and receivers run in one of them, the dispatcher thread,
    one at a time, so a slow one delays the next, but never the connection. :meth:`close` may be
    called from any thread, also from a receiver, and joins them within 5 seconds. They are daemon
    threads: a program that forgets it still exits at once.

    Args:
        webex: a :class:`Webex`, an access token, a function without arguments that gives one, or
            ``None`` for ``WEBEX_ACCESS_TOKEN`` from the environment. A :class:`Webex` may serve
            several clients, one after the other or at once.
        logger: a logger, the name of a level such as ``"info"`` for the logger ``callhistory``,
            or ``None`` for that logger as it is.

    Raises:
        AuthenticationError: no token is given, and the environment has none.
        TypeError, ValueError: an argument is of another type, or makes no sense.

    Example:
        >>> with CallHistoryClient("token") as client:  # doctest: +SKIP
        ...     for session in client.get_call_history_data(days=7):
        ...         print(session.start_time, session.other.name, session.disposition)
    """

    def __init__(
        self,
        webex: Webex | str | TokenSource | None = None,
        logger: logging.Logger | str | None = None,
    ) -> None:
        self._logger = make_logger(logger)
        if isinstance(webex, Webex):
            self._webex, self._own_webex = webex, False
        elif webex is None or isinstance(webex, str) or callable(webex):
            self._webex, self._own_webex = Webex(access_token=webex), True
        else:
            raise TypeError(
                "webex: expected a Webex, an access token or a function that gives one, "
                f"not {type(webex).__name__}"
            )
        self._transport = self._webex.join()
        super().__init__(self._webex, self._logger)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} of {self._webex!r}, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get_call_history_data(
        self,
        days: int = 7,
        limit: int = 50,
        sort: Sort | str = Sort.DESC,
        sort_by: SortBy | str = SortBy.END_TIME,
    ) -> JanusResponseEvent:
        """Fetch a page of the call history.

        Args:
            days: how far back to look, in times of 24 hours, at least 1.
            limit: how many sessions at most, at least 1. Webex's own largest limit is not known.
            sort: ``Sort.DESC`` (newest first) or ``Sort.ASC``, its value or its name, in any case.
            sort_by: ``SortBy.END_TIME`` or ``SortBy.START_TIME``, likewise. Webex chooses the page
                by end time; ``START_TIME`` orders the page that it chose.

        Returns:
            The page, a sequence of sessions, also when Webex said no: see ``ok`` and
            ``raise_for_status()``. Iterating over a failed one raises.

        Raises:
            TypeError, ValueError: an argument is wrong; nothing was sent.
            TransportError: nobody answered, after the retries.
            DecodeError: the answer is not what Webex sends.
            AuthenticationError: the function that gives the token gave none.
            RuntimeError: the client is closed.
        """
        self._check_open()
        since = days_ago(days)
        limit = whole_number(limit, "limit", least=1)
        order = member(sort, Sort, "sort")
        key = member(sort_by, SortBy, "sort_by")
        page = janus.fetch(self._webex, self._transport, since=since, limit=limit, sort=order)
        if not page.ok:
            self._log_failure("get_call_history_data", page)
        elif key is SortBy.START_TIME:
            ordered = sorted(page, key=lambda s: s.start_time, reverse=order is Sort.DESC)
            page = evolve(page, data=evolve(page.data, user_sessions=tuple(ordered)))
        return page

    def update_missed_calls(self, end_time_session_ids: Pairs) -> UpdateMissedCallsResponse:
        """Mark missed calls read.

        Args:
            end_time_session_ids: which: any iterable of :class:`EndTimeSessionId`,
                :class:`UserSession` (its own pair is used) or mappings such as
                ``{"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "..."}``. Of an empty one
                nothing is sent, and the answer is a success that says so.

        Returns:
            What Webex answered, also when it said no: see ``ok`` and ``raise_for_status()``.

        Raises:
            TypeError, ValueError: an entry is wrong; its index is named, and nothing was sent.
            TransportError: nobody answered, after the retries.
            DecodeError: the answer is not what Webex sends.
            AuthenticationError: the function that gives the token gave none.
            RuntimeError: the client is closed.
        """
        self._check_open()
        pairs = pairs_for_wire(end_time_session_ids, "end_time_session_ids")
        if not pairs:
            data = ReadStatusData(read_status_message=janus.NOTHING_TO_DO)
            return UpdateMissedCallsResponse(status_code=200, data=data, message=SUCCESS)
        answer = janus.set_read_state(self._webex, self._transport, pairs)
        if not answer.ok:
            self._log_failure("update_missed_calls", answer)
        return answer

    def delete_call_history_records(
        self, delete_session_ids: Pairs
    ) -> DeleteCallHistoryRecordsResponse:
        """Delete records from the call history, for good.

        Args:
            delete_session_ids: which, in the same forms as for :meth:`update_missed_calls`.

        Returns:
            What Webex answered, also when it said no: see ``ok`` and ``raise_for_status()``.

        Raises:
            TypeError, ValueError: an entry is wrong; its index is named, and nothing was sent.
            TransportError: nobody answered, after the retries.
            DecodeError: the answer is not what Webex sends.
            AuthenticationError: the function that gives the token gave none.
            RuntimeError: the client is closed.
        """
        self._check_open()
        pairs = pairs_for_wire(delete_session_ids, "delete_session_ids")
        if not pairs:
            data = DeleteStatusData(delete_status_message=janus.NOTHING_TO_DO)
            return DeleteCallHistoryRecordsResponse(status_code=200, data=data, message=SUCCESS)
        answer = janus.mark_as_deleted(self._webex, self._transport, pairs)
        if not answer.ok:
            self._log_failure("delete_call_history_records", answer)
        return answer

    def close(self) -> None:
        """End the client, and delete this program's device unless another client shares it.

        It takes a few seconds at most, whatever the network does, and may be called twice and
        from any thread. A :class:`Webex` that was passed in can be used again.
        """
        if self._webex.forked:
            self._closed = True  # what is open is the parent's
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            listener = self._listener
        try:
            if listener is not None:
                listener.close()
            self._webex.part(self._transport)
            if self._own_webex:
                self._webex.close()
        finally:
            # Not before: the program may end as soon as wait() returns.
            if listener is not None:
                listener.over.set()

    def _log_failure(
        self,
        call: str,
        answer: JanusResponseEvent | UpdateMissedCallsResponse | DeleteCallHistoryRecordsResponse,
    ) -> None:
        words = answer.data.error
        if answer.reason is not None:
            words = f"{words}; the token was not refreshed: {answer.reason}"
        self._logger.warning("%s: %s (tracking id %s)", call, words, answer.tracking_id)


def create_call_history_client(
    webex: Webex | str | TokenSource | None = None,
    logger: logging.Logger | str | None = None,
) -> CallHistoryClient:
    """Make a :class:`CallHistoryClient`, under the name that the Webex documentation uses.

    Args:
        webex: as for :class:`CallHistoryClient`.
        logger: as for :class:`CallHistoryClient`.
    """
    return CallHistoryClient(webex, logger)
