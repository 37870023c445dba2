"""Reading one connection: what each of its frames leads to, until it ends."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen

from .._clock import steady
from .._logging import Log
from .connection import ConnectionEnded, WebSocket
from .connection_state import Presence
from .inbox import Inbox
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
from .recovery import Errands
from .webex_clock import Wakefulness, WebexClock

# After so long without a frame it looks whether the machine has slept: nothing else would tell.
_LOOK_UP = 5.0


@frozen(kw_only=True)
class Reader:
    """Reads connections, one after the other, and two at once while one takes over.

    Attributes:
        inbox: takes the events.
        presence: is told what has certainly come.
        clock: is told what time it is at Webex.
        errands: fetch what was lost.
        wakefulness: notices that the machine has slept.
        log: where to say what happens.
        came_up: is called when a connection is accepted.
    """

    inbox: Inbox
    presence: Presence
    clock: WebexClock
    errands: Errands
    wakefulness: Wakefulness
    log: Log
    came_up: Callable[[], None]

    def read(
        self,
        socket: WebSocket,
        mercury: Mercury,
        accepted: float | None = None,
        until: float | None = None,
    ) -> Ended:
        """Read a connection until it ends, or the server asks for another.

        Args:
            socket: the connection.
            mercury: its protocol.
            accepted: when it was accepted, if it was.
            until: when to stop, if there is another already.
        """
        try:
            while until is None or steady() < until:
                for output in self._next(socket, mercury):
                    if isinstance(output, Ready):
                        accepted = steady()
                        self.clock.set(output.timestamp)
                        self.came_up()
                    elif isinstance(output, GoingAway) and until is None:
                        reason = "the server goes away"
                        return Ended(reason=reason, held=since(accepted), going_away=True)
                    else:
                        self._follow(output, socket)
        except ConnectionEnded as end:
            return evolve(end.ended, held=since(accepted))
        return Ended(reason="handed over", held=since(accepted))

    def _next(self, socket: WebSocket, mercury: Mercury) -> list[Output]:
        wait = min(mercury.due - steady(), self.errands.look(), _LOOK_UP)
        try:
            frame = socket.receive(wait)
        except TimeoutError:
            now = steady()
            doubts = mercury.doubt(now) if self.wakefulness.has_jumped() else []
            return [*doubts, *mercury.tick(now)]
        outputs = mercury.receive(frame, steady())
        self.presence.heard(mercury.certain)
        return outputs

    def _follow(self, output: Output, socket: WebSocket) -> None:
        if isinstance(output, Send):
            socket.send(output.text)
        elif isinstance(output, Deliver):
            self.presence.heard(self.clock.moment_of(output.envelope.get("timestamp")))
            try:
                self.inbox.take(output.envelope)
            except Exception as error:  # noqa: BLE001 - one event must not end the others
                self.log.error("an event was not taken: %s", type(error).__name__)  # noqa: TRY400
        elif isinstance(output, Counted):
            self.presence.counted(self.clock.moment_of(output.timestamp))
        elif isinstance(output, FramesLost):
            self.log.warning("live events: frames were lost; fetching the sessions")
            self.errands.recover(self.presence.since_counted)
        elif isinstance(output, Malformed):
            self.log.warning("live events: skipped a frame: %s", output.what)
        elif isinstance(output, Dead):
            socket.abort()
            raise ConnectionEnded(Ended(reason=output.reason))


def since(accepted: float | None) -> float | None:
    """Give the seconds since a connection was accepted, if it was."""
    return None if accepted is None else steady() - accepted
