"""The thread that connects, reads, and reconnects."""

from __future__ import annotations

import atexit
import threading
import traceback
from typing import TYPE_CHECKING

from attrs import evolve

from .._clock import steady
from .._errors import ApiError, CallHistoryError, ListenError
from .._redaction import public_words
from .connection import ConnectionEnded, WebSocket, with_query
from .connection_reader import ConnectionReader
from .http_tasks import DeviceRefresh, HttpTasks
from .online_offline import ConnectionState
from .phase import ListenerPhase, Phase
from .protocol import Mercury
from .reconnect import Again, Ended, Never, Reconnection, error_of, token_refused
from .recovery import Recovery
from .webex_clock import WebexClock

if TYPE_CHECKING:
    from .._http.token import Token
    from .._logging import Log
    from .._webex.account import Account
    from .deduplication import Deduplicator
    from .dispatcher import Dispatcher


class ConnectionLoop:
    """Keeps one client connected, from :meth:`start` to :meth:`end` or a permanent refusal.

    Args:
        account: the user whose events to receive.
        dispatcher: delivers ``online`` and ``offline``.
        deduplicator: receives the envelopes and the recovered sessions.
        log: logs what happens; it never raises.

    Attributes:
        phase: the phase of the listener.
        stop: is set when nothing more may be started.
    """

    def __init__(
        self, account: Account, dispatcher: Dispatcher, deduplicator: Deduplicator, log: Log
    ) -> None:
        limits = account.limits
        self.phase = ListenerPhase()
        self._account = account
        self._log = log
        self._http = account.open_http_session()
        self.stop = self._http.closed
        self._state = ConnectionState(dispatcher, clock := WebexClock(), limits.recovery_overlap)
        self._http_tasks = HttpTasks(
            DeviceRefresh(account, self._http, limits),
            Recovery(account, self._http, deduplicator, self._state, log, limits),
            self.stop,
            log,
        )
        self._reader = ConnectionReader(
            deduplicator=deduplicator,
            dispatcher=dispatcher,
            state=self._state,
            phase=self.phase,
            clock=clock,
            http_tasks=self._http_tasks,
            limits=limits,
            log=log,
        )
        self._thread = threading.Thread(target=self._run, name="callhistory-mercury", daemon=True)
        self._reconnection = Reconnection(limits)
        self._last_end = Ended(reason="Webex did not accept the connection in time")
        self._token: Token | None = None
        self._refused_token: Token | None = None
        self._lock = threading.Lock()
        self._sockets: list[WebSocket] = []
        self._hand_overs: list[threading.Thread] = []

    # --- for the listener ---

    def start(self, timeout: float) -> None:
        """Start connecting, and wait until Webex has accepted a connection.

        Raises:
            CallHistoryError: Webex accepted none within ``timeout`` seconds, or refused; the
                threads have ended.
        """
        try:
            # While the interpreter exits, the threads start nothing more; nothing waits for them.
            atexit.register(self.stop.set)
            self._thread.start()
            phase = self.phase.wait_while_connecting(timeout)
        except BaseException:
            self.end()
            raise
        if phase is Phase.LISTENING:
            return
        self.end()
        if phase is Phase.CONNECTING:
            raise error_of(self._last_end)
        raise self.phase.failure or ListenError(None, "closed before Webex accepted the connection")

    @property
    def listening(self) -> bool:
        """Whether events are received, or will be again after an outage."""
        return self.phase.now is Phase.LISTENING and not self.stop.is_set()

    def close(self) -> None:
        """End the connection, and the dispatcher after ``offline``, within a few seconds."""
        self.phase.closing()
        self.stop.set()
        self._state.close()
        self.end()

    def end(self) -> None:
        """End the connection and its threads; events that have arrived are still delivered."""
        deadline = steady() + self._account.limits.close
        atexit.unregister(self.stop.set)
        self.phase.closing()
        self._http.close()
        self._http_tasks.wake()
        self._hang_up()
        with self._lock:
            hand_overs = list(self._hand_overs)
        for thread in (self._thread, *hand_overs):
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.1, deadline - steady()))
        self._http_tasks.join(max(0.1, deadline - steady()))

    # --- the thread ---

    def _run(self) -> None:
        step = Again()
        try:
            while not self.stop.wait(step.delay):
                ended = self._attempt(step)
                if self.stop.is_set():
                    return
                self._last_end = ended
                decision = self._reconnection.after(ended)
                if isinstance(decision, Never):
                    self._give_up(decision.error, ended)
                    return
                if ended.accepted_for is not None and not ended.going_away:
                    self._state.disconnected(ended)
                self._log.info(
                    "live events: %s; reconnecting in %.1f s",
                    ended.reason or "the connection ended",
                    decision.delay,
                )
                step = decision
        except Exception as error:  # noqa: BLE001 - it would go unnoticed
            reason = f"the listener failed with {type(error).__name__}"
            # Without its text, which may be private.
            where = "".join(traceback.format_tb(error.__traceback__))
            self._log.error("live events: %s\n%s", reason, where)
            self._give_up(ListenError(None, reason), Ended(reason=reason))

    def _attempt(self, step: Again) -> Ended:
        """Connect, and read until the connection ends."""
        try:
            token = self._choose_token(step)
            if token is None:
                error = token_refused(self._last_end)
                return evolve(self._last_end, accepted_for=None, error=error)
            device_of = (
                self._account.refresh_device if step.refresh_device else self._account.device
            )
            device = device_of(self._http)
        except CallHistoryError as error:
            # Without its frames, which may hold the token: the program may get this error.
            asked = error.retry_after if isinstance(error, ApiError) else None
            return Ended(error=error.with_traceback(None), reason=str(error), retry_after=asked)
        except BaseException as error:  # noqa: BLE001 - the user's token function may raise anything
            reason = f"no token or device: {type(error).__name__}"
            return Ended(reason=reason, closed=self._account.closed)
        url = with_query(device.websocket_url or "")
        objection = self._account.hosts.objection(url)
        if objection is not None:
            reason = f"the address for live events {objection}"
            return Ended(error=ListenError(None, reason), reason=reason)
        ended = self._connect_and_read(url, token)
        return evolve(ended, reason=public_words(ended.reason, [token.value]))

    def _connect_and_read(self, url: str, token: Token) -> Ended:
        limits = self._account.limits
        socket = WebSocket(url, *self._http.websocket_settings(url), limits)
        with self._lock:
            self._sockets.append(socket)
        is_handed_over = False
        try:
            if self.stop.is_set():
                return Ended(reason="closed")
            socket.open(self._account.policy.connect)
            mercury = Mercury(steady(), limits)
            socket.send(mercury.authorize(token.value))
            ended = self._reader.read(socket, mercury)
            if ended.going_away:
                accepted_at = None if ended.accepted_for is None else steady() - ended.accepted_for
                self._hand_over(socket, mercury, accepted_at)
                is_handed_over = True
        except ConnectionEnded as end:
            return end.ended
        finally:
            if not is_handed_over:
                self._drop(socket)
        return ended

    def _choose_token(self, step: Again) -> Token | None:
        """Return the token to connect with; ``None`` if there is none in place of a refused one."""
        if step.renew_token:
            self._refused_token = self._token
        if self._refused_token is None:
            self._token = self._http.token()
        else:
            self._token = self._http.renew_token(self._refused_token)
            self._refused_token = None  # not earlier: after a failure, it is renewed again
        return self._token

    def _give_up(self, error: CallHistoryError, ended: Ended) -> None:
        self._log.warning("live events: %s; not reconnecting", error)
        self.stop.set()
        self._http_tasks.wake()
        self._hang_up()
        if self.phase.now is Phase.LISTENING:
            self._state.refused(ended)
        self.phase.refused(error)

    # --- connections that come and go ---

    def _hand_over(self, socket: WebSocket, mercury: Mercury, accepted_at: float | None) -> None:
        """Read a connection to its end in another thread, while this thread opens the next."""
        gap_start = self._state.gap_start_if_lost_now
        until = steady() + self._account.limits.hand_over

        def read() -> None:
            try:
                ended = self._reader.read(socket, mercury, accepted_at, until)
            except Exception as error:  # noqa: BLE001 - its text may be private
                reason = f"a hand-over failed with {type(error).__name__}"
                self._log.error("live events: %s", reason)
                ended = Ended(reason=reason, accepted_for=0.0)
            self._drop(socket)
            if ended.code is None and steady() < until and not self.stop.is_set():
                # Not closed by the server: its last frames may be lost, despite the new connection.
                self._http_tasks.recover(gap_start)
            if ended.accepted_for is not None and not self.stop.is_set():
                self._state.disconnected(ended)

        thread = threading.Thread(target=read, name="callhistory-hand-over", daemon=True)
        with self._lock:  # as end() joins those that it finds
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
            old.abort()  # it is handing over, and about to end anyway
        for newest in sockets[-1:]:
            newest.hang_up()
