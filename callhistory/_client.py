"""The client: the call history of one user."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar, overload

from ._arguments import (
    days_ago,
    member,
    pairs_for_wire,
    seconds_above_zero,
    seconds_of_any_size,
    whole_number,
)
from ._errors import ApiError
from ._http.token_source import TokenFunction
from ._live.handlers import Handler, Handlers
from ._live.listener import Listener
from ._logging import read_logger
from ._public import public
from ._records.enums import CallHistoryEvent, Sort, SortBy
from ._records.responses import (
    DeleteCallHistoryRecordsResponse,
    JanusResponseEvent,
    UpdateMissedCallsResponse,
    failed_response,
)
from ._records.sessions import EndTimeSessionId, UserSession
from ._redaction import without_frames
from ._webex import history_api
from ._webex.webex import Webex

Pairs = Iterable[EndTimeSessionId | UserSession | Mapping[str, Any]]
H = TypeVar("H", bound=Handler)
R = TypeVar("R", JanusResponseEvent, UpdateMissedCallsResponse, DeleteCallHistoryRecordsResponse)


@public
class CallHistoryClient:
    """The call history of one user: fetch it, mark calls read, delete records, receive events.

    It may be used from several threads at once. Live events are received by background threads,
    with a separate HTTP session. Handlers and receivers run in one of them, the dispatcher thread,
    one at a time, so a slow one delays the next, but never the connection. :meth:`close` may be
    called from any thread, even from a receiver, and joins them within 5 seconds. They are daemon
    threads: a program that does not call it still exits at once.

    Args:
        webex: a :class:`Webex`, an access token, a function without arguments that returns one, or
            ``None`` for ``WEBEX_ACCESS_TOKEN`` from the environment. A :class:`Webex` may serve
            several clients, one after another or at once.
        logger: a logger, the name of a level such as ``"info"`` for the logger ``callhistory``,
            or ``None`` for that logger as it is.

    Raises:
        AuthenticationError: no token is passed, and the environment has none.
        TypeError, ValueError: an argument has the wrong type or makes no sense.

    Example:
        >>> with CallHistoryClient("token") as client:  # doctest: +SKIP
        ...     for session in client.get_call_history_data(days=7):
        ...         print(session.start_time, session.other.name, session.disposition)
    """

    @without_frames
    def __init__(
        self,
        webex: Webex | str | TokenFunction | None = None,
        logger: logging.Logger | str | None = None,
    ) -> None:
        self._logger = read_logger(logger)
        if isinstance(webex, Webex):
            self._webex, self._owns_webex = webex, False
        elif webex is None or isinstance(webex, str) or callable(webex):
            self._webex, self._owns_webex = Webex(access_token=webex), True
        else:
            raise TypeError(
                "webex: expected a Webex, an access token or a function that returns one, "
                f"not {type(webex).__name__}"
            )
        self._account = self._webex._account
        self._handlers = Handlers()
        self._listener = Listener(self._account, self._handlers, self._logger)
        self._check_open()
        self._http = self._account.join()

    def __repr__(self) -> str:
        state = "closed" if self._listener.closed else "open"
        return f"<{type(self).__name__} of {self._webex!r}, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    @without_frames
    def get_call_history_data(
        self,
        days: int = 7,
        limit: int = 50,
        sort: Sort | str = Sort.DESC,
        sort_by: SortBy | str = SortBy.END_TIME,
    ) -> JanusResponseEvent:
        """Fetch a page of the call history.

        Args:
            days: how far back to look, in units of 24 hours, at least 1.
            limit: the most sessions to fetch, at least 1. Webex's own limit is not known.
            sort: ``Sort.DESC`` (newest first) or ``Sort.ASC``, or its value or name, in any case.
            sort_by: ``SortBy.END_TIME`` or ``SortBy.START_TIME``, likewise. Webex chooses the page
                by end time; ``START_TIME`` orders the page that it chose.

        Returns:
            The page, a sequence of sessions, or a failure if Webex refused: see ``ok`` and
            ``raise_for_status()``. Iterating over a failure raises.

        Raises:
            TypeError, ValueError: an argument is wrong; nothing was sent.
            TransportError: there was no response, after the retries.
            DecodeError: the response is not what Webex sends.
            AuthenticationError: the function that was passed for the token returned none.
            RuntimeError: the client is closed.
        """
        self._check_open()
        since = days_ago(days)
        limit = whole_number(limit, "limit", minimum=1)
        order = member(sort, Sort, "sort")
        key = member(sort_by, SortBy, "sort_by")
        try:
            return history_api.fetch(
                self._account, self._http, since=since, limit=limit, sort=order, sort_by=key
            )
        except ApiError as error:
            return self._failed(JanusResponseEvent, "get_call_history_data", error)

    @without_frames
    def update_missed_calls(self, end_time_session_ids: Pairs) -> UpdateMissedCallsResponse:
        """Mark missed calls read.

        Args:
            end_time_session_ids: the calls: any iterable of :class:`EndTimeSessionId`,
                :class:`UserSession` (its own pair is used) or mappings such as
                ``{"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "..."}``. If it is
                empty, nothing is sent, and the response is a success that says so.

        Returns:
            Webex's response, even if it is a failure: see ``ok`` and ``raise_for_status()``.

        Raises:
            TypeError, ValueError: an entry is wrong; its index is named, and nothing was sent.
            TransportError, DecodeError, AuthenticationError, RuntimeError: as for
                :meth:`get_call_history_data`.
        """
        self._check_open()
        pairs = pairs_for_wire(end_time_session_ids, "end_time_session_ids")
        try:
            return history_api.set_read_state(self._account, self._http, pairs)
        except ApiError as error:
            return self._failed(UpdateMissedCallsResponse, "update_missed_calls", error)

    @without_frames
    def delete_call_history_records(
        self, delete_session_ids: Pairs
    ) -> DeleteCallHistoryRecordsResponse:
        """Delete records from the call history permanently.

        Args:
            delete_session_ids: the records, in the forms that :meth:`update_missed_calls` accepts.

        Returns:
            Webex's response, even if it is a failure: see ``ok`` and ``raise_for_status()``.

        Raises:
            TypeError, ValueError: an entry is wrong; its index is named, and nothing was sent.
            TransportError, DecodeError, AuthenticationError, RuntimeError: as for
                :meth:`get_call_history_data`.
        """
        self._check_open()
        pairs = pairs_for_wire(delete_session_ids, "delete_session_ids")
        try:
            return history_api.mark_as_deleted(self._account, self._http, pairs)
        except ApiError as error:
            cls = DeleteCallHistoryRecordsResponse
            return self._failed(cls, "delete_call_history_records", error)

    def _check_open(self) -> None:
        self._account.process.check()
        if self._listener.closed:
            raise RuntimeError("this client is closed; create another one")

    def _failed(self, cls: type[R], call: str, error: ApiError) -> R:
        """Log a refusal by Webex and return it as a response; raise it if no request was sent."""
        if error.tracking_id is None:
            raise error
        self._logger.warning("%s: %s", call, error)
        return failed_response(cls, error)

    @overload
    def on(self, name: CallHistoryEvent | str) -> Callable[[H], H]: ...
    @overload
    def on(self, name: CallHistoryEvent | str, handler: H) -> H: ...
    def on(
        self, name: CallHistoryEvent | str, handler: Handler | None = None
    ) -> Handler | Callable[[Handler], Handler]:
        """Call a function with each event of a kind, and return the function; also a decorator.

        The client keeps the function until :meth:`off`. A function defined at the top level of a
        notebook cell replaces its earlier version when the cell is run again; lambdas and closures
        do not. The signals in :mod:`callhistory.signals` carry the same events.

        Args:
            name: a member of :class:`CallHistoryEvent`, or its documented name, such as
                ``"callHistory:user_recent_sessions"``.
            handler: is called as ``handler(event)``, in the dispatcher thread, one at a time.

        Raises:
            TypeError, ValueError: no event has this name, or the handler is not callable.
        """
        name = member(name, CallHistoryEvent, "name")
        if handler is None:
            return lambda function: self.on(name, function)
        self._handlers.add(name, handler)
        return handler

    def off(self, name: CallHistoryEvent | str, handler: Handler) -> None:
        """Stop calling a function with events of a kind; a function that was not added is ignored.

        Arguments and errors are those of :meth:`on`.
        """
        self._handlers.remove(name, handler)

    @without_frames
    def listen(self, timeout: float = 30.0) -> None:
        """Receive live events from now on, in the background.

        It returns once Webex has accepted the connection. After an outage, the client reconnects,
        and fetches the sessions that ended meanwhile and delivers them as an event whose
        ``recovered`` is true. So every session that ends while this client listens is delivered at
        least once, and one that was delivered live is not delivered again as recovered. Read marks
        and deletions cannot be recovered. If the client already listens, this does nothing.

        Args:
            timeout: seconds for catalog, device and websocket together. Temporary failures are
                retried within it.

        Raises:
            AuthenticationError: Webex refused the token.
            ApiError: Webex refused the catalog or this program's device.
            ListenError: Webex refused the connection, or did not accept it in time; or another
                client of the same :class:`Webex` is listening.
            TransportError: there was no response in time.
            TypeError, ValueError: ``timeout`` is not a number of seconds above 0.
            RuntimeError: the client is closed.
        """
        seconds = seconds_above_zero(timeout, "timeout")
        self._check_open()
        self._listener.listen(self, seconds)

    @property
    def listening(self) -> bool:
        """Whether the client receives live events, or will again by itself after an outage."""
        return self._listener.listening

    @without_frames
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the client is closed, and return whether it is; Ctrl-C interrupts the wait.

        Args:
            timeout: the most seconds to wait; ``None``, the default, for no limit.

        Raises:
            ListenError, AuthenticationError: Webex refused the connection permanently.
            TypeError, ValueError: ``timeout`` is not a number of seconds.
            RuntimeError: :meth:`listen` was not called.
        """
        seconds = threading.TIMEOUT_MAX if timeout is None else timeout
        return self._listener.wait(seconds_of_any_size(seconds, "timeout"))

    def close(self) -> None:
        """Close the client, and delete this program's device unless another client shares it.

        It takes a few seconds at most, whatever the network does. It may be called more than once,
        from any thread. A :class:`Webex` that was passed in can be used again.
        """
        if self._account.process.forked:
            # What is open is the parent's, and a thread of the parent may hold the lock.
            self._listener.closed = True
            return
        if not self._listener.begin_to_close():
            return
        try:
            self._listener.close()
            self._account.leave(self._http)
            if self._owns_webex:
                self._webex.close()
        finally:
            # Not before: the program may end as soon as wait() returns.
            self._listener.finish()


@public
@without_frames
def create_call_history_client(
    webex: Webex | str | TokenFunction | None = None,
    logger: logging.Logger | str | None = None,
) -> CallHistoryClient:
    """Return a :class:`CallHistoryClient`, under the name that the Webex documentation uses.

    Arguments and errors are those of :class:`CallHistoryClient`.
    """
    return CallHistoryClient(webex, logger)


@public
class Calling:
    """Webex Calling, as far as this library goes: its call history.

    Arguments and errors are those of :class:`CallHistoryClient`.
    """

    @without_frames
    def __init__(
        self,
        webex: Webex | str | TokenFunction | None = None,
        logger: logging.Logger | str | None = None,
    ) -> None:
        self._call_history = CallHistoryClient(webex, logger)

    @property
    def call_history(self) -> CallHistoryClient:
        """The client of the call history; always the same one."""
        return self._call_history

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self._call_history!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the client of the call history."""
        self._call_history.close()
