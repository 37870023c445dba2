"""What the websockets of a sandbox look like from outside."""

from __future__ import annotations

from collections.abc import Callable

from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._recordings import Connection, Direction, Found, RecordedFrame


class Observation:
    """The part of a sandbox that tests look at its websockets with."""

    _switchboard: Switchboard

    @property
    def attempts(self) -> tuple[Connection, ...]:
        """The upgrades that were asked for, refused ones included; the last 10,000."""
        return self._switchboard.log.connections()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The websockets that there were and are, the oldest first, ready or not."""
        return tuple(connection for connection in self.attempts if connection.status == 101)

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames of all connections in their order; the last 20,000."""
        return self._switchboard.log.frames_of()

    def frames_of(
        self,
        type: str | None = None,  # noqa: A002 - the field's name
        *,
        direction: Direction | None = None,
        connection: Connection | None = None,
    ) -> tuple[RecordedFrame, ...]:
        """Give the frames of a type, in their order.

        Args:
            type: such as ``ack`` or ``janus.user_recent_sessions``; ``None`` is any.
            direction: ``received`` by the sandbox or ``sent`` by it; ``None`` is both.
            connection: what they went over; ``None`` is any.
        """
        return self._switchboard.log.frames_of(type, direction=direction, connection=connection)

    def wait_for_attempts(self, count: int = 1, timeout: float = 5.0) -> tuple[Connection, ...]:
        """Wait until so many upgrades have been asked for and answered, and give them.

        Args:
            count: how many there must be, those before this call included.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for_connections(
            lambda connection: connection.status is not None or connection.closed_at is not None,
            count,
            timeout,
            "attempts",
        )

    def wait_for_connections(self, count: int = 1, timeout: float = 5.0) -> tuple[Connection, ...]:
        """Wait until so many connections have become ready, and give them.

        What happens from then on is delivered to those that are still open.

        Args:
            count: how many there must be, those before this call included, open or not.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for_connections(
            lambda connection: connection.ready_at is not None, count, timeout, "connections"
        )

    def wait_for_frames(
        self,
        type: str | None = None,  # noqa: A002 - the field's name
        *,
        direction: Direction | None = None,
        connection: Connection | None = None,
        count: int = 1,
        timeout: float = 5.0,
    ) -> tuple[RecordedFrame, ...]:
        """Wait until there were frames of a type, and give them.

        Args:
            type: such as ``ack`` or ``janus.user_recent_sessions``; ``None`` is any.
            direction: ``received`` by the sandbox or ``sent`` by it; ``None`` is both.
            connection: what they went over; ``None`` is any.
            count: how many there must be, those before this call included.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        log = self._switchboard.log
        return log.wait_for_frames(type, direction, connection, count, timeout)

    def wait_until(self, condition: Callable[[], Found | None], timeout: float = 5.0) -> Found:
        """Wait until a condition gives something true, and give that.

        Args:
            condition: looked at now and whenever a frame goes by or a connection changes, such
                as ``lambda: connection.close_code == 4000``.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: it gave nothing true.
        """
        return self._switchboard.log.wait(condition, timeout, "the condition did not hold")

    def _wait_for_connections(
        self, fits: Callable[[Connection], bool], count: int, timeout: float, what: str
    ) -> tuple[Connection, ...]:
        def enough() -> tuple[Connection, ...]:
            found = tuple(filter(fits, self.attempts))
            return found if len(found) >= count else ()

        return self._switchboard.log.wait(enough, timeout, f"fewer than {count} {what}")
