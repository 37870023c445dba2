"""Faults of websockets: the part of `Sandbox` that lets connections fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from callhistory.sandbox._faults.http_faults import HttpFaults
from callhistory.sandbox._faults.script import Closing, Stage
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._world.addresses import REGISTRATIONS


class WebsocketFaults(HttpFaults):
    """What a test can let go wrong with requests and connections.

    Some methods act on the connections that are open, or on one of them. The others are a script
    for the next connections; it is used in the order of the calls until `clear_faults`.
    """

    _switchboard: Switchboard

    def close_connections(
        self, code: int = 1000, reason: str = "", *, connection: Connection | None = None
    ) -> None:
        """Close the open connections.

        Args:
            code: the code of the close frame, from 0 to 65535; 1005 sends a close frame without a
                code, and 1006 ends the connection normally, but without a close frame.
            reason: the reason in the close frame.
            connection: the only connection to close; ``None`` means all.

        Raises:
            ValueError: the code is out of its range, or the reason is longer than 123 bytes.
        """
        closing = Closing(code, reason)
        for channel in self._switchboard.channels(connection):
            channel.close(closing)

    def replace_connections(self, *, connection: Connection | None = None) -> None:
        """Close the open connections with 4000 ``replaced``, as if their devices had new ones.

        Args:
            connection: the only connection to close; ``None`` means all.
        """
        self.close_connections(4000, "replaced", connection=connection)

    def drop_connections(self, *, connection: Connection | None = None) -> None:
        """End the open connections with a TCP reset.

        Args:
            connection: the only connection to end; ``None`` means all.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.drop()

    def go_silent(self, *, connection: Connection | None = None) -> None:
        """Send nothing over the open connections, which stay open: no pong, no event, no close.

        Received frames are still recorded. Events of this time are delivered again later, as they
        are not acknowledged.

        Args:
            connection: the only connection that becomes silent; ``None`` means all.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.go_silent()

    def speak_again(self, *, connection: Connection | None = None) -> None:
        """End the silence.

        Args:
            connection: the only connection that sends again; ``None`` means all.
        """
        for channel in self._switchboard.channels(connection):
            channel.websocket.speak_again()

    def slow_down(self, pause: float, *, connection: Connection | None = None) -> None:
        """Send over the open connections in pieces of 64 bytes from now on.

        Args:
            pause: the seconds between two pieces; 0 ends it.
            connection: the only connection that becomes slow; ``None`` means all.

        Raises:
            ValueError: the pause is negative.
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
        """Send a frame over the open connections, including those that are not ready.

        Args:
            frame: text or bytes, sent as they are, or a value that is written as JSON.
            as_text: whether to send a text frame; ``None`` decides by the type of `frame`.
            connection: the only connection to send it over; ``None`` means all.
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
        """Announce over the open connections that the server is going to shut down.

        When a device opens a new connection, its old one is closed a moment later. If it opens
        none, the old one is closed with 1001 in the end.

        Args:
            linger: how long an old connection stays open when the new one is ready, in seconds.
            code: the code that it is closed with then.
            reason: the reason that it is closed with then.
            at_latest: when an old connection is closed if there is no new one, in seconds.

        Raises:
            ValueError: the code is out of its range, or the reason is longer than 123 bytes.
        """
        closing = Closing(code, reason)
        for channel in self._switchboard.channels():
            channel.announce_shutdown(linger, closing, at_latest)

    def go_offline(self) -> None:
        """Begin an outage of the websockets: drop them, and answer upgrades with 503.

        HTTP still works. What happens during the outage is in the history only.
        """
        self._switchboard.go_offline()

    def go_online(self) -> None:
        """End the outage."""
        self._switchboard.go_online()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Be offline within a ``with`` block, see `go_offline`."""
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
        """Script faults of the next upgrades, see `fail_next`.

        Args:
            status: the HTTP status that answers them; 302 with the header ``Location`` redirects
                them.
            times: the number of upgrades.
            retry_after: the ``Retry-After`` header, in seconds or as text; alone it implies
                status 429.
            headers: headers to set on the answer.
            delay: seconds to wait before anything happens.
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
        """Refuse the next authorizations, whatever their token.

        Args:
            code: the code that closes the connection, see `close_connections`.
            reason: the reason that closes the connection.
            times: the number of authorizations.

        Raises:
            ValueError: an argument is out of its range.
        """
        self._switchboard.script.refusals.add(Closing(code, reason), times)

    def delay_readiness(self, seconds: float, *, times: int = 1) -> None:
        """Delay the readiness of the next connections after their authorization.

        Args:
            seconds: the delay; with ``math.inf`` they never become ready.
            times: the number of connections.

        Raises:
            ValueError: an argument is out of its range.
        """
        if not seconds >= 0:
            raise ValueError("seconds must be at least 0")
        self._switchboard.script.delays.add(seconds, times)

    def precede_readiness(self, data: Mapping[str, Any], *, times: int = 1) -> None:
        """Send an event over the next connections before they are ready.

        Args:
            data: the event, with its ``eventType``; it is put into an envelope like any event.
            times: the number of connections.

        Raises:
            ValueError: `times` is less than 1.
            TypeError: the event cannot be written as JSON.
        """
        json.dumps(data)
        self._switchboard.script.preludes.add(data, times)

    def drop_at_once(
        self,
        *,
        after: Stage = "readiness",
        code: int = 1006,
        reason: str = "",
        times: int | None = None,
    ) -> None:
        """Accept the next connections, and end them immediately.

        Args:
            after: the stage after which they end: ``upgrade`` or ``readiness``.
            code: the code that ends them, see `close_connections`.
            reason: the reason that ends them.
            times: the number of connections; ``None`` means all until `clear_faults`.

        Raises:
            ValueError: an argument is out of its range.
        """
        drops = self._switchboard.script.drops
        if after not in drops:
            raise ValueError(f"after must be upgrade or readiness, not {after!r}")
        if times is None:
            drops[after].add_endless(Closing(code, reason))
        else:
            drops[after].add(Closing(code, reason), times)

    def clear_faults(self) -> None:
        """Delete the scripted faults that have not happened yet; an outage continues."""
        super().clear_faults()
        self._switchboard.script.clear()
