"""The live events of one client: listen, wait, close."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from .._clock import steady
from .._concurrency import copy_for_this_thread
from .._errors import ListenError
from .._logging import NeverRaisingLog

if TYPE_CHECKING:
    import logging

    from .._webex.account import Account
    from .connection_loop import ConnectionLoop
    from .deduplication import Deduplicator
    from .dispatcher import Dispatcher
    from .handlers import Handlers


class Listener:
    """Receives live events for one client; it may start to listen again after a failure.

    Args:
        account: the user whose events to receive.
        handlers: the functions that are called before the signals' receivers.
        logger: logs what happens.
    """

    def __init__(self, account: Account, handlers: Handlers, logger: logging.Logger) -> None:
        self._account = account
        self._handlers = handlers
        self._log = NeverRaisingLog(logger, {})
        self._dispatcher: Dispatcher | None = None
        self._deduplicator: Deduplicator | None = None
        self._loop: ConnectionLoop | None = None  # the last one that was accepted, or is connecting
        self._starting = threading.Lock()
        self._lock = threading.Lock()
        self.closed = False

    @property
    def listening(self) -> bool:
        """Whether events are received, or will be again after an outage."""
        loop = self._loop
        return loop is not None and loop.listening and not self._account.process.forked

    def listen(self, sender: Any, timeout: float) -> None:
        """Receive events from now on; if the client already listens, do nothing.

        Args:
            sender: the sender of the signals: the client. It is not kept before, so that a client
                that does not listen is in no reference cycle.
            timeout: how many seconds it may take.

        Raises:
            CallHistoryError: Webex accepted no connection within ``timeout`` seconds, or refused.
            RuntimeError: the client is closed.
        """
        # Imported here so that a program that does not listen loads no websocket library.
        from .connection_loop import ConnectionLoop

        deadline = time.monotonic() + timeout
        if not self._starting.acquire(timeout=timeout):
            raise ListenError(None, "another listen() was still under way")
        try:
            with self._lock:
                if self.closed:
                    raise RuntimeError("this client is closed; create another one")
                earlier = self._loop
                if earlier is not None and earlier.listening:
                    return
                loop = ConnectionLoop(self._account, *self._delivery(sender), self._log)
                self._loop = loop
            try:
                if earlier is not None:
                    earlier.end()
                    earlier.phase.over()  # for those who wait for it
                if not self._account.claim_events(loop.stop):
                    loop.end()
                    raise _another_listens()
                loop.start(deadline - time.monotonic())
            except BaseException:
                with self._lock:
                    self._loop = earlier
                loop.phase.over()
                raise
        finally:
            self._starting.release()

    def _delivery(self, sender: Any) -> tuple[Dispatcher, Deduplicator]:
        """Return what delivers events; after a failure it goes on with what it has."""
        from .deduplication import Deduplicator
        from .dispatcher import Dispatcher

        if self._dispatcher is None or self._deduplicator is None:
            self._dispatcher = Dispatcher(sender, self._handlers, self._log)
            remembered = self._account.limits.remembered
            self._deduplicator = Deduplicator(self._dispatcher, self._log, remembered)
        return self._dispatcher, self._deduplicator

    def wait(self, timeout: float) -> bool:
        """Wait for :meth:`close`, at most ``timeout`` seconds; return whether the client is closed.

        Raises:
            ListenError, AuthenticationError: Webex refused the connection permanently.
            RuntimeError: :meth:`listen` was not called, or this is a forked child.
        """
        if self.closed and self._account.process.forked:
            return True
        self._account.process.check()
        loop = self._loop
        if loop is None:
            if self.closed:
                return True
            raise RuntimeError("nothing to wait for: call listen() first")
        if not loop.phase.wait_until_over(timeout):
            return False
        if loop.phase.failure is not None:
            raise copy_for_this_thread(loop.phase.failure)
        return self.closed  # or a listen() in another thread has failed

    def begin_to_close(self) -> bool:
        """Refuse to listen from now on; return whether this was the first call."""
        with self._lock:
            was_closed, self.closed = self.closed, True
        return not was_closed

    def close(self) -> None:
        """End the connection and the threads within a few seconds; any thread may call it."""
        deadline = steady() + self._account.limits.close
        with self._lock:  # a listen() that fails takes its loop away
            loop, dispatcher = self._loop, self._dispatcher
        if dispatcher is None:
            return
        if loop is None:
            dispatcher.close()
        else:
            loop.close()
        thread = dispatcher.thread
        if thread.ident is not None and thread is not threading.current_thread():
            thread.join(max(0.1, deadline - steady()))

    def finish(self) -> None:
        """End :meth:`wait`, as everything is closed."""
        loop = self._loop
        if loop is not None:
            loop.phase.over()


def _another_listens() -> ListenError:
    return ListenError(
        None,
        "another client of this Webex listens already, and Webex would end one of the two; "
        "create a Webex for each, or connect to the signals",
    )
