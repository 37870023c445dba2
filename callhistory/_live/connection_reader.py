"""Reading one connection until it ends, and acting on each frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from .._clock import steady
from .connection import ConnectionEnded
from .protocol import (
    Counted,
    Dead,
    Deliver,
    FramesLost,
    GoingAway,
    Malformed,
    Mercury,
    Output,
    Ready,
    Send,
)
from .reconnect import Ended
from .sleep_detector import SleepDetector

if TYPE_CHECKING:
    from .._limits import Limits
    from .._logging import Log
    from .connection import WebSocket
    from .deduplication import Deduplicator
    from .dispatcher import Dispatcher
    from .http_tasks import HttpTasks
    from .online_offline import ConnectionState
    from .phase import ListenerPhase
    from .webex_clock import WebexClock


@frozen(kw_only=True)
class ConnectionReader:
    """Reads connections one after another, and two at once while one hands over to the next.

    Attributes:
        deduplicator: receives the envelopes.
        dispatcher: is started when the first connection is accepted.
        state: notes up to when everything has arrived, and which connections are accepted.
        phase: notes the first accepted connection.
        clock: is set by Webex's timestamps.
        http_tasks: fetches lost sessions, and refreshes the device.
        limits: the time between two checks of a silent connection.
        log: logs what happens.
        sleep_detector: returns a new detector for one connection.
    """

    deduplicator: Deduplicator
    dispatcher: Dispatcher
    state: ConnectionState
    phase: ListenerPhase
    clock: WebexClock
    http_tasks: HttpTasks
    limits: Limits
    log: Log
    sleep_detector: Callable[[], SleepDetector] = SleepDetector

    def read(
        self,
        socket: WebSocket,
        mercury: Mercury,
        accepted_at: float | None = None,
        until: float | None = None,
    ) -> Ended:
        """Read a connection until it ends, or the server asks for another; return how it ended.

        Args:
            socket: the connection.
            mercury: its protocol.
            accepted_at: when it was accepted, if it was.
            until: when to stop, if another connection takes over.
        """
        sleep = self.sleep_detector()
        try:
            while until is None or steady() < until:
                for output in self._next(socket, mercury, sleep, until):
                    if isinstance(output, Ready):
                        accepted_at = steady()
                        self._accept(output)
                    elif isinstance(output, GoingAway) and until is None:
                        return Ended(
                            reason="the server is going away",
                            accepted_for=seconds_since(accepted_at),
                            going_away=True,
                        )
                    else:
                        self._follow(output, socket)
        except ConnectionEnded as end:
            return evolve(end.ended, accepted_for=seconds_since(accepted_at))
        return Ended(reason="handed over", accepted_for=seconds_since(accepted_at))

    def _next(
        self, socket: WebSocket, mercury: Mercury, sleep: SleepDetector, until: float | None
    ) -> list[Output]:
        frame = socket.take()
        if frame is None:
            due = min(mercury.due, math.inf if until is None else until)
            refresh_due = self.http_tasks.refresh_when_due()
            try:
                frame = socket.receive(min(due - steady(), refresh_due, self.limits.silence_check))
            except TimeoutError:
                now = steady()
                doubts = mercury.doubt(now) if sleep.has_jumped() else []
                return [*doubts, *mercury.tick(now)]
        now = steady()
        outputs = mercury.receive(frame, now)
        self.state.note_complete_until(mercury.confirmed)
        if now >= mercury.due and not socket.has_messages:  # there is never silence
            outputs += mercury.tick(now)
        return outputs

    def _accept(self, ready: Ready) -> None:
        self.clock.set(ready.timestamp)
        gap_start = self.state.connected()
        if gap_start is not None:
            self.http_tasks.recover(gap_start)
        self.phase.accepted()  # before receivers of online are called: they may look at it
        self.dispatcher.start()

    def _follow(self, output: Output, socket: WebSocket) -> None:
        if isinstance(output, Send):
            socket.send(output.text)
        elif isinstance(output, Deliver):
            self.state.note_complete_until(self.clock.moment_of(output.envelope.get("timestamp")))
            try:
                self.deduplicator.receive(output.envelope)
            except Exception as error:  # noqa: BLE001 - one event must not stop the others
                self.log.error("an event was not processed: %s", type(error).__name__)  # noqa: TRY400 - its text is private
        elif isinstance(output, Counted):
            self.state.note_numbered_frame(self.clock.moment_of(output.timestamp))
        elif isinstance(output, FramesLost):
            self.log.warning("live events: frames were lost; fetching the sessions")
            self.http_tasks.recover(self.state.gap_start_if_numbers_jump)
        elif isinstance(output, Malformed):
            self.log.warning("live events: skipped a frame: %s", output.what)
        elif isinstance(output, Dead):
            socket.abort()
            raise ConnectionEnded(Ended(reason=output.reason))


def seconds_since(accepted_at: float | None) -> float | None:
    """Return the seconds since a connection was accepted; ``None`` if it was not."""
    return None if accepted_at is None else steady() - accepted_at
