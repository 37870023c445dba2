"""What is done to the websockets of a sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from callhistory.sandbox._faults.connection_script import Closing, Stage
from callhistory.sandbox._mercury.channel import HandOver
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._rehearsal import Rehearsal
from callhistory.sandbox._world.addresses import REGISTRATIONS


class Interference(Rehearsal):
    """The part of a sandbox that lets connections go wrong.

    Some of it is done to the connections that are open, or to one of them. The rest is a script
    for those that come next: it happens in the order of the calls, and ends with `clear_faults`.
    """

    _switchboard: Switchboard

    def close_connections(
        self, code: int = 1000, reason: str = "", *, connection: Connection | None = None
    ) -> None:
        """Close the open connections.

        Args:
            code: the code of the close frame, any from 0 to 65535; 1005 is a close frame without
                a code, and with 1006 the connection ends in order, but without a close frame.
            reason: its reason.
            connection: the only one that it is done to.

        Raises:
            ValueError: the code is out of its range, or the reason longer than 123 bytes.
        """
        closing = Closing(code, reason)
        for channel in self._switchboard.channels(connection):
            channel.close(closing)

    def replace_connections(self, *, connection: Connection | None = None) -> None:
        """Close the open connections as if their devices had got other ones: 4000 ``replaced``.

        Args:
            connection: the only one that it is done to.
        """
        self.close_connections(4000, "replaced", connection=connection)

    def drop_connections(self, *, connection: Connection | None = None) -> None:
        """End the open connections with a TCP reset.

        Args:
            connection: the only one that it is done to.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.drop()

    def go_silent(self, *, connection: Connection | None = None) -> None:
        """Say nothing over the open connections, which stay open: no pong, no event, no close.

        What is received is still noted. Events that happen now are delivered again, as they are
        not acknowledged.

        Args:
            connection: the only one that it is done to.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.go_silent()

    def speak_again(self, *, connection: Connection | None = None) -> None:
        """End the silence.

        Args:
            connection: the only one that it is done to.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.speak_again()

    def slow_down(self, pause: float, *, connection: Connection | None = None) -> None:
        """Send what comes over the open connections in pieces of 64 bytes from now on.

        Args:
            pause: the seconds between two pieces; 0 ends it.
            connection: the only one that it is done to.

        Raises:
            ValueError: the pause is below 0.
        """
        if not pause >= 0:
            raise ValueError("pause must be at least 0 seconds")
        for channel in self._switchboard.channels(connection):
            channel.websocket.slow_down(pause)

    def send_frame(
        self,
        frame: object,
        *,
        as_text: bool | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Send a frame as it is over the open connections, also those that are not ready.

        Args:
            frame: text, bytes, or what becomes JSON.
            as_text: whether it is a text frame; ``None`` is what suits the frame.
            connection: the only one that it is done to.
        """
        for channel in self._switchboard.channels(connection):
            channel.send(frame, as_text=as_text)

    def announce_shutdown(
        self,
        *,
        linger: float = 0.1,
        code: int = 4000,
        reason: str = "replaced",
        at_latest: float = 30.0,
    ) -> None:
        """Tell the open connections that the server is about to go away.

        A device that gets another connection keeps the old one for a little while; of any other
        device the old one is closed with 1001 in the end.

        Args:
            linger: how long the old one stays when the other is ready, in seconds.
            code: what it is closed with then.
            reason: the reason of it.
            at_latest: when the old one is closed if there is no other, in seconds.

        Raises:
            ValueError: the code is out of its range, or the reason longer than 123 bytes.
        """
        hand_over = HandOver(linger, Closing(code, reason))
        for channel in self._switchboard.channels():
            channel.announce_shutdown(hand_over, at_latest)

    def go_offline(self) -> None:
        """Begin an outage of the websockets: they are dropped, and upgrades answered with 503.

        HTTP works; what happens meanwhile is in the history only.
        """
        self._switchboard.go_offline()

    def go_online(self) -> None:
        """End the outage."""
        self._switchboard.go_online()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Be offline while a block runs, see `go_offline`."""
        self.go_offline()
        try:
            yield
        finally:
            self.go_online()

    def fail_upgrades(
        self,
        *,
        status: int | None = None,
        times: int = 1,
        retry_after: float | str | None = None,
        headers: Mapping[str, str] | None = None,
        delay: float | None = None,
        reset: bool = False,
    ) -> None:
        """Let something go wrong with the next upgrades, see `fail_next`.

        Args:
            status: the HTTP status that they are answered with; with 302 and the header
                ``Location`` they are redirected.
            times: how many.
            retry_after: the ``Retry-After`` header, in seconds or as it is to be written; alone
                it means status 429.
            headers: headers that are set on the answer.
            delay: seconds before anything happens.
            reset: end the connection with a TCP reset, without an answer.

        Raises:
            ValueError: an argument is out of its range.
        """
        self.fail_next(
            REGISTRATIONS,
            method="GET",
            status=status,
            times=times,
            retry_after=retry_after,
            headers=headers,
            delay=delay,
            reset=reset,
        )

    def fail_authorizations(
        self, code: int = 4401, reason: str = "not authorized", *, times: int = 1
    ) -> None:
        """Refuse the next authorizations, whatever the token.

        Args:
            code: what the connection is closed with, see `close_connections`.
            reason: the reason of it.
            times: how many.

        Raises:
            ValueError: an argument is out of its range.
        """
        self._switchboard.faults.refusals.add(Closing(code, reason), times)

    def delay_readiness(self, seconds: float, *, times: int = 1) -> None:
        """Let the next connections that are authorized wait before they are ready.

        Args:
            seconds: how long; ``math.inf`` is for ever.
            times: how many.

        Raises:
            ValueError: an argument is out of its range.
        """
        if not seconds >= 0:
            raise ValueError("seconds must be at least 0")
        self._switchboard.faults.delays.add(seconds, times)

    def precede_readiness(self, data: Mapping[str, Any], *, times: int = 1) -> None:
        """Send an event over the next connections before they are ready.

        Args:
            data: the event, with its ``eventType``; it gets an envelope, as any event.
            times: over how many.

        Raises:
            ValueError: `times` is less than 1.
            TypeError: the event cannot be written as JSON.
        """
        json.dumps(data)
        self._switchboard.faults.preludes.add(data, times)

    def drop_at_once(
        self,
        *,
        after: Stage = "readiness",
        code: int = 1006,
        reason: str = "",
        times: int | None = None,
    ) -> None:
        """Accept the next connections, and end them at once.

        Args:
            after: when: ``upgrade`` or ``readiness``.
            code: what they are ended with, see `close_connections`.
            reason: the reason of it.
            times: how many; ``None`` is all, until `clear_faults`.

        Raises:
            ValueError: an argument is out of its range.
        """
        if after not in self._switchboard.faults.drops:
            raise ValueError(f"after must be upgrade or readiness, not {after!r}")
        self._switchboard.faults.drops[after].add(Closing(code, reason), times)

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet; an outage goes on."""
        super().clear_faults()
        self._switchboard.faults.clear()
