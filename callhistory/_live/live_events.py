"""What a client does about live events: who is called, and whether they are heard."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, overload

from .._arguments import member, seconds_above_zero, seconds_of
from .._errors import ListenError
from .._logging import Unfailing
from .._records.enums import CallHistoryEvent
from .._webex.account import Webex
from .handlers import Handler, Handlers

if TYPE_CHECKING:
    from .inbox import Inbox
    from .listener import Listener

# A Ctrl-C that comes just before a lock is waited for wakes nobody up, on Windows none does: who
# waits looks up now and then, and Python raises it then.
_HEED_CTRL_C = 1.0

H = TypeVar("H", bound=Handler)


class LiveEvents:
    """The part of a client that hears live events.

    Args:
        webex: whose events.
        logger: where to say what happens.
    """

    def __init__(self, webex: Webex, logger: logging.Logger) -> None:
        self._webex = webex
        self._logger = logger
        self._log = Unfailing(logger, {})
        self._handlers = Handlers()
        self._listener: Listener | None = None
        self._listen_lock = threading.Lock()
        self._lock = threading.Lock()
        self._closed = False

    @overload
    def on(self, name: CallHistoryEvent | str) -> Callable[[H], H]: ...
    @overload
    def on(self, name: CallHistoryEvent | str, handler: H) -> H: ...
    def on(
        self, name: CallHistoryEvent | str, handler: Handler | None = None
    ) -> Handler | Callable[[Handler], Handler]:
        """Call a function with each event of a kind; also as a decorator.

        The client holds the function, until :meth:`off`. A function that a notebook's cell defines
        at its top level takes the place of its earlier self when the cell is run again; lambdas
        and closures never do. The signals in :mod:`callhistory.signals` carry the same events.

        Args:
            name: ``"callHistory:user_recent_sessions"``, ``"callHistory:user_viewed_sessions"`` or
                ``"callHistory:user_sessions_deleted"``, or a member of :class:`CallHistoryEvent`.
            handler: is called as ``handler(event)``, in the dispatcher thread, one at a time.

        Returns:
            The handler, or a decorator for it.

        Raises:
            TypeError, ValueError: there is no event of this name, or the handler can't be called.

        Example:
            >>> @client.on("callHistory:user_recent_sessions")  # doctest: +SKIP
            ... def show(event):
            ...     print(event.data.user_sessions.user_sessions[0])
        """
        name = member(name, CallHistoryEvent, "name")
        if handler is None:
            return lambda function: self.on(name, function)
        self._handlers.add(name, handler)
        return handler

    def off(self, name: CallHistoryEvent | str, handler: Handler) -> None:
        """Call a function no more. Of one that was not to be called, nothing is said.

        Args:
            name: as for :meth:`on`.
            handler: the function.

        Raises:
            TypeError, ValueError: there is no event of this name.
        """
        self._handlers.remove(name, handler)

    def listen(self, timeout: float = 30.0) -> None:
        """Hear live events from now on, in the background.

        It returns when Webex has accepted the connection, which is then kept: it comes back after
        an outage, and the sessions that ended meanwhile are fetched and delivered as an event
        whose ``recovered`` is true. Every session that ends while this client listens is so
        delivered at least once, and none as recovered that was delivered live. Read marks and
        deletions cannot be recovered. While events are heard already, nothing is done.

        Args:
            timeout: seconds for all of it: catalog, device and websocket. What may pass is tried
                again within it.

        Raises:
            AuthenticationError: Webex refused the token.
            ApiError: Webex refused the catalog or this program's device.
            ListenError: Webex refused the connection, or did not accept it in time; or another
                client of the same :class:`Webex` listens.
            TransportError: nobody answered in time.
            TypeError, ValueError: ``timeout`` is no number of seconds above 0.
            RuntimeError: the client is closed.
        """
        # Only now: a program that does not listen does not have to load a websocket library.
        from .listener import Listener

        seconds = seconds_above_zero(timeout, "timeout")
        deadline = time.monotonic() + seconds
        if not self._listen_lock.acquire(timeout=seconds):
            raise ListenError(None, "another listen() was under way all the time")
        try:
            with self._lock:
                self._check_open()
                earlier = self._listener
                if earlier is not None and not earlier.stop.is_set():
                    return
                # What an earlier one took is still delivered, by the same thread.
                inbox = self._new_inbox() if earlier is None else earlier.inbox
                listener = self._listener = Listener(self._webex, inbox, self._log)
            try:
                if earlier is not None:
                    earlier.end()
                listener.start(deadline - time.monotonic())
            except BaseException:
                with self._lock:
                    self._listener = earlier
                if earlier is None:
                    listener.close()
                listener.over.set()
                raise
        finally:
            self._listen_lock.release()

    def _new_inbox(self) -> Inbox:
        from .dispatcher import Dispatcher
        from .inbox import Inbox

        return Inbox(Dispatcher(self, self._handlers, self._log), self._log)

    @property
    def listening(self) -> bool:
        """Whether live events are heard, or will be again by themselves after an outage."""
        listener = self._listener
        return listener is not None and listener.listening and not self._webex.forked

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the client is closed; Ctrl-C gets through.

        Args:
            timeout: at most so many seconds, or ``None`` for no end.

        Returns:
            Whether it is closed.

        Raises:
            ListenError, AuthenticationError: Webex refuses the connection for good.
            TypeError, ValueError: ``timeout`` is no number of seconds.
            RuntimeError: :meth:`listen` was not called.
        """
        if timeout is not None:
            timeout = seconds_of(timeout, "timeout")
        listener = self._listener
        if listener is None:
            if self._closed:
                return True
            raise RuntimeError("nothing to wait for: call listen() first")
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not listener.over.wait(max(0.0, min(_HEED_CTRL_C, end - time.monotonic()))):
            if time.monotonic() >= end:
                return False
        if listener.failure is not None:
            raise listener.failure
        return self._closed

    def _check_open(self) -> None:
        self._webex.check_process()
        if self._closed:
            raise RuntimeError("this client is closed; make another one")
