"""The part of `Sandbox` that shows what happened: requests, connections and frames."""

from __future__ import annotations

from collections.abc import Callable

from callhistory.sandbox._recordings import (
    Connection,
    Direction,
    Found,
    RecordedFrame,
    RecordedRequest,
    Recordings,
)


class Observation:
    """What a test can read from a sandbox, and wait for."""

    _recordings: Recordings

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The HTTP requests so far, the oldest first; at most the last 10,000."""
        return self._recordings.requests()

    def requests_to(
        self, path_fragment: str, method: str | None = None
    ) -> tuple[RecordedRequest, ...]:
        """Return the requests whose path contains a text, the oldest first.

        Args:
            path_fragment: the text, such as ``/devices``.
            method: a method such as ``POST``; ``None`` means any.
        """
        return tuple(
            request
            for request in self.requests
            if path_fragment in request.path and method in (None, request.method)
        )

    def wait_for_requests(
        self,
        path_fragment: str,
        method: str | None = None,
        *,
        count: int = 1,
        timeout: float = 5.0,
    ) -> tuple[RecordedRequest, ...]:
        """Wait for requests whose path contains a text, and return them.

        Args:
            path_fragment: the text, such as ``/devices``.
            method: a method such as ``POST``; ``None`` means any.
            count: the least number of requests, including those before this call.
            timeout: the longest wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for(
            lambda: self.requests_to(path_fragment, method),
            count,
            timeout,
            f"{count} requests to {path_fragment!r}",
        )

    def forget_requests(self) -> None:
        """Delete the recorded requests."""
        self._recordings.clear_requests()

    @property
    def attempts(self) -> tuple[Connection, ...]:
        """The attempts to connect, including refused ones; at most the last 10,000."""
        return self._recordings.connections()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The accepted websockets, open or not, ready or not, the oldest first."""
        return tuple(connection for connection in self.attempts if connection.status == 101)

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames of all connections, in order; at most the last 20,000."""
        return self._recordings.frames()

    def frames_of(
        self,
        type: str | None = None,  # noqa: A002 - the field's name
        *,
        direction: Direction | None = None,
        connection: Connection | None = None,
    ) -> tuple[RecordedFrame, ...]:
        """Return the frames of a type, in order.

        Args:
            type: the type, such as ``ack`` or ``janus.user_recent_sessions``; ``None`` means any.
            direction: ``received`` or ``sent`` by the sandbox; ``None`` means both.
            connection: the connection that carried them; ``None`` means any.
        """
        return tuple(
            frame
            for frame in self.frames
            if type in (None, frame.type)
            and direction in (None, frame.direction)
            and connection in (None, frame.connection)
        )

    def wait_for_attempts(self, count: int = 1, timeout: float = 5.0) -> tuple[Connection, ...]:
        """Wait for attempts to connect that were answered, and return them.

        Args:
            count: the least number of attempts, including those before this call.
            timeout: the longest wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for(
            lambda: tuple(
                attempt
                for attempt in self.attempts
                if attempt.status is not None or attempt.closed_at is not None
            ),
            count,
            timeout,
            f"{count} attempts",
        )

    def wait_for_connections(self, count: int = 1, timeout: float = 5.0) -> tuple[Connection, ...]:
        """Wait for connections that became ready, and return them.

        Whatever happens from then on is delivered to those that are still open.

        Args:
            count: the least number of connections, open or not, including those before this call.
            timeout: the longest wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for(
            lambda: tuple(c for c in self.attempts if c.ready_at is not None),
            count,
            timeout,
            f"{count} connections",
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
        """Wait for frames of a type, and return them.

        Args:
            type: the type, such as ``ack`` or ``janus.user_recent_sessions``; ``None`` means any.
            direction: ``received`` or ``sent`` by the sandbox; ``None`` means both.
            connection: the connection that carried them; ``None`` means any.
            count: the least number of frames, including those before this call.
            timeout: the longest wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._wait_for(
            lambda: self.frames_of(type, direction=direction, connection=connection),
            count,
            timeout,
            f"{count} frames" if type is None else f"{count} frames of type {type!r}",
        )

    def wait_until(self, condition: Callable[[], Found | None], timeout: float = 5.0) -> Found:
        """Wait until a condition is true, and return its value.

        Args:
            condition: called at once and whenever a request, a frame or a change of a connection
                is recorded, such as ``lambda: connection.close_code == 4000``.
            timeout: the longest wait, in seconds.

        Raises:
            TimeoutError: it was not true in time.
        """
        return self._recordings.wait(condition, timeout, "the condition was not true")

    def _wait_for(
        self, find: Callable[[], tuple[Found, ...]], count: int, timeout: float, what: str
    ) -> tuple[Found, ...]:
        def enough() -> tuple[Found, ...]:
            found = find()
            return found if len(found) >= count else ()

        return self._recordings.wait(enough, timeout, f"fewer than {what}")
