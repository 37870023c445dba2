"""Live events: one thread keeps the connection, another runs the receivers, a third the errands."""

from __future__ import annotations

import atexit
import threading
import traceback
import weakref
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from attrs import evolve

from .._clock import steady
from .._errors import CallHistoryError, ListenError
from .._http.response import Refused
from .._http.tokens import Token
from .._logging import Log
from .._records.sessions import UserSession
from .._redaction import public_words
from .._webex.account import Webex
from .connection import ConnectionEnded, WebSocket, with_query
from .connection_state import Presence
from .inbox import Inbox
from .protocol import Mercury
from .reader import Reader
from .reconnect import Again, Ended, Never, Reconnection, token_refused, trouble
from .recovery import Errands
from .webex_clock import Wakefulness, WebexClock

# How long a connection that the server is about to close is still read.
_HAND_OVER_SECONDS = 60.0
_OPEN_TIMEOUT = 10.0
_CLOSE_SECONDS = 2.5

_alive: weakref.WeakSet[Listener] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Let no thread begin anything while the interpreter ends; nobody waits for one."""
    for listener in list(_alive):
        listener.stop.set()


class Listener:
    """Hears live events for one client, from :meth:`start` to :meth:`close`.

    Args:
        webex: whose events.
        inbox: takes the events.
        log: where to say what happens; it raises nothing.
    """

    def __init__(self, webex: Webex, inbox: Inbox, log: Log) -> None:
        self.inbox = inbox
        self.stop = threading.Event()
        self.over = threading.Event()
        self.failure: CallHistoryError | None = None
        self._webex = webex
        self._log = log
        self._transport = webex.open_transport(self.stop)
        self._clock = WebexClock()
        self._presence = Presence(inbox.dispatcher, self._clock)
        self._errands = Errands(webex, self._transport, self.stop, self._take_recovered, log)
        self._reader = Reader(
            inbox=inbox,
            presence=self._presence,
            clock=self._clock,
            errands=self._errands,
            wakefulness=Wakefulness(),
            log=log,
            came_up=self._came_up,
        )
        self._keeper = threading.Thread(target=self._keep, name="callhistory-mercury", daemon=True)
        self._accepted: Future[None] = Future()
        self._reconnection = Reconnection()
        self._ended = Ended(reason="Webex did not accept the connection in time")
        self._token: Token | None = None
        self._refused_token: Token | None = None
        self._lock = threading.Lock()
        self._sockets: list[WebSocket] = []
        self._hand_overs: list[threading.Thread] = []
        _alive.add(self)

    # --- for the client ---

    def start(self, timeout: float) -> None:
        """Start the threads, and wait until Webex has accepted the connection.

        Raises:
            CallHistoryError: it has not, in time or at all; the connection's threads have ended.
        """
        try:
            self._webex.claim_events(self.stop)
            self.inbox.dispatcher.start()
            self._keeper.start()
            self._accepted.result(timeout)
        except BaseException as error:
            self.end()
            if not isinstance(error, NotInTime):
                raise
        else:
            return
        raise trouble(self._ended)

    @property
    def listening(self) -> bool:
        """Whether events are heard, or will be again by itself."""
        return self._accepted.done() and not self.stop.is_set()

    def close(self) -> None:
        """End the connection and the threads, within a few seconds, from any of them."""
        deadline = steady() + _CLOSE_SECONDS
        self.stop.set()
        self._presence.close()
        self.end(deadline)
        _join([self.inbox.dispatcher.thread], deadline)

    def end(self, deadline: float | None = None) -> None:
        """End the connection and its threads; what was taken is still delivered."""
        if deadline is None:
            deadline = steady() + _CLOSE_SECONDS
        self.stop.set()
        self._transport.stop()
        self._errands.wake()
        self._settle(ListenError(None, "closed before Webex accepted the connection"))
        self._hang_up()
        _join([self._keeper, *self._hand_overs], deadline)
        self._errands.join(max(0.1, deadline - steady()))
        self._transport.close()

    # --- the thread that keeps the connection ---

    def _keep(self) -> None:
        step = Again()
        try:
            while not self.stop.wait(step.delay):
                ended = self._attempt(step)
                if self.stop.is_set():
                    return
                self._ended = ended
                decision = self._reconnection.after(ended)
                if isinstance(decision, Never):
                    self._give_up(decision.error, ended)
                    return
                if ended.held is not None and not ended.going_away:
                    self._presence.go_down(ended)
                self._log.info(
                    "live events: %s; again in %.1f s",
                    ended.reason or "the connection ended",
                    decision.delay,
                )
                step = decision
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            reason = f"the listener failed with {type(error).__name__}"
            # Its text may tell of a person.
            where = "".join(traceback.format_tb(error.__traceback__))
            self._log.error("live events: %s\n%s", reason, where)
            self._give_up(ListenError(None, reason), Ended(reason=reason))

    def _attempt(self, step: Again) -> Ended:
        """Connect, and read until the connection ends."""
        try:
            token = self._choose_token(step)
            if token is None:
                return evolve(self._ended, held=None, error=token_refused(self._ended))
            refresh = self._webex.refresh_device if step.refresh_device else self._webex.device
            device = refresh(self._transport)
        except Refused as refused:
            error = refused.answer.refusal()
            return Ended(error=error, reason=str(error), retry_after=error.retry_after)
        except CallHistoryError as error:
            # Without its frames, whose variables may be the token: a program is told of it.
            return Ended(error=error.with_traceback(None), reason=str(error))
        except BaseException as error:  # noqa: BLE001 - what gives the token may raise any
            reason = f"no token or device: {type(error).__name__}"
            return Ended(reason=reason, closed=self._webex.closed)
        url = with_query(device.websocket_url or "")
        objection = self._webex.objection(url)
        if objection is not None:
            reason = f"the address for live events {objection}"
            return Ended(error=ListenError(None, reason), reason=reason)
        socket = WebSocket(url, *self._transport.websocket_settings(url))
        with self._lock:
            self._sockets.append(socket)
        try:
            if self.stop.is_set():
                return Ended(reason="closed")
            socket.open(_OPEN_TIMEOUT, self._webex.connect_timeout)
        except ConnectionEnded as end:
            self._drop(socket)
            return end.ended
        mercury = Mercury(steady())
        socket.send(mercury.authorize(token.value))
        ended = self._reader.read(socket, mercury)
        if ended.going_away:
            accepted = None if ended.held is None else steady() - ended.held
            self._hand_over(socket, mercury, accepted)
        else:
            self._drop(socket)
        return evolve(ended, reason=public_words(ended.reason, [token.value]))

    def _choose_token(self, step: Again) -> Token | None:
        """Give the token to connect with; ``None`` when there is none in place of a refused one."""
        if step.renew_token:
            self._refused_token = self._token
        if self._refused_token is None:
            self._token = self._transport.token()
        else:
            self._token = self._transport.renew_token(self._refused_token)
            self._refused_token = None  # not before: what could not be had is asked for again
        return self._token

    def _take_recovered(self, sessions: Iterable[UserSession]) -> None:
        self.inbox.take_recovered(sessions, self._presence.began)

    # --- connections that come and go ---

    def _hand_over(self, socket: WebSocket, mercury: Mercury, accepted: float | None) -> None:
        """Read a connection to its end in another thread, while this one makes the next."""
        since = self._presence.since
        until = steady() + _HAND_OVER_SECONDS

        def read() -> None:
            ended = self._reader.read(socket, mercury, accepted, until)
            self._drop(socket)
            if ended.code is None and steady() < until and not self.stop.is_set():
                # Not closed by the server: what it sent last may be lost, though there is another.
                self._errands.recover(since)
            if ended.held is not None and not self.stop.is_set():
                self._presence.go_down(ended)

        thread = threading.Thread(target=read, name="callhistory-hand-over", daemon=True)
        self._hand_overs = [other for other in self._hand_overs if other.is_alive()] + [thread]
        thread.start()

    def _drop(self, socket: WebSocket) -> None:
        socket.close()
        with self._lock:
            self._sockets.remove(socket)

    def _hang_up(self) -> None:
        with self._lock:
            sockets = list(self._sockets)
        for old in sockets[:-1]:
            old.abort()  # it is handed over, and about to end anyway
        for newest in sockets[-1:]:
            newest.close()

    def _came_up(self) -> None:
        outage = self._presence.come_up()
        if outage is not None:
            self._errands.recover(outage)
        self._settle()

    def _give_up(self, error: CallHistoryError, ended: Ended) -> None:
        self._log.warning("live events: %s; for good", error)
        self.failure = error
        self.stop.set()
        self._errands.wake()
        self._hang_up()
        if not self._settle(error):
            self._presence.give_up(ended)
        self.over.set()

    def _settle(self, error: CallHistoryError | None = None) -> bool:
        """Tell whoever waits in :meth:`start` how it went; only the first word counts."""
        with self._lock:
            if self._accepted.done():
                return False
            if error is None:
                self._accepted.set_result(None)
            else:
                self._accepted.set_exception(error)
            return True


def _join(threads: Iterable[threading.Thread], deadline: float) -> None:
    for thread in threads:
        if thread.ident is not None and thread is not threading.current_thread():
            thread.join(max(0.1, deadline - steady()))
