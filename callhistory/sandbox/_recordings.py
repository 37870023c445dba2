"""The requests, connections and frames that a sandbox records."""
# Without postponed annotations, which typing.get_type_hints could not resolve for these classes.

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Any, Literal, TypeVar

import attrs

from callhistory.sandbox._sandbox_limits import SandboxLimits

Direction = Literal["received", "sent"]
Found = TypeVar("Found")


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """A request that was received.

    Attributes:
        method: the method, such as ``GET``.
        path: the path, unquoted, without the query.
        query_string: the query as it was sent, without the question mark.
        query: the parameters; the last value of one that was repeated.
        headers: the headers; names are looked up in any case.
        body: the bytes of the body.
        received_at: the ``time.monotonic()`` at which it was complete.
    """

    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    received_at: float = attrs.field(factory=time.monotonic, repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.body)


@attrs.frozen(kw_only=True)
class RecordedFrame:
    """A frame that was received or sent.

    Attributes:
        connection: the `Connection` that carried it.
        direction: ``received`` or ``sent`` by the sandbox.
        type: its ``type``, such as ``ack`` or ``pong``, or else the type of the event in it, such
            as ``mercury.buffer_state``; ``None`` if it has neither.
        content: the text, or the bytes of a binary frame.
        at: the ``time.monotonic()`` at which it was received or sent.
    """

    connection: "Connection" = attrs.field(repr=False)
    direction: Direction
    type: str | None
    content: str | bytes = attrs.field(repr=False)
    at: float = attrs.field(factory=time.monotonic)

    @property
    def json(self) -> Any:
        """The content, read as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.content)


@attrs.define(kw_only=True, eq=False)
class Connection:
    """An attempt of a device to connect; its attributes change with what happens to it.

    Attributes:
        number: the number of the attempt, counted from 1.
        path: the path of the websocket address.
        query: the parameters; the last value of one that was repeated.
        headers: the headers of the upgrade; names are looked up in any case.
        device_url: the device that the address belongs to; ``None`` if it belongs to none.
        opened_at: the ``time.monotonic()`` of the upgrade; the times below are of the same clock.
        status: the HTTP status that answered the upgrade, 101 if it was accepted; ``None`` before
            the answer.
        ready_at: when the device was told that it is connected.
        closed_at: when the connection ended.
        close_code: the code of the first close frame; 1005 if it had none, 1006 without a frame.
        close_reason: its reason.
        closed_by: ``client`` or ``sandbox``.
    """

    number: int
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    device_url: str | None
    opened_at: float = attrs.field(factory=time.monotonic)
    status: int | None = None
    ready_at: float | None = None
    closed_at: float | None = None
    close_code: int | None = None
    close_reason: str | None = None
    closed_by: Literal["client", "sandbox"] | None = None
    _all_frames: Callable[[], tuple[RecordedFrame, ...]] = attrs.field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it was accepted and has not ended."""
        return self.status == 101 and self.closed_at is None

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames that it carried, in order."""
        return tuple(frame for frame in self._all_frames() if frame.connection is self)


class Recordings:
    """The last requests, connections and frames; any thread may use it."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=limits.requests)
        self._connections: deque[Connection] = deque(maxlen=limits.connections)
        self._frames: deque[RecordedFrame] = deque(maxlen=limits.frames)
        self._opened = 0
        self._version = 0
        self._changed = Condition()

    def add_request(self, request: RecordedRequest) -> None:
        """Record a request."""
        with self._changed:
            self._requests.append(request)
            self._notify()

    def add_connection(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        device_url: str | None,
    ) -> Connection:
        """Record an attempt to connect and return it."""
        with self._changed:
            self._opened += 1
            connection = Connection(
                number=self._opened,
                path=path,
                query=query,
                headers=headers,
                device_url=device_url,
                all_frames=self.frames,
            )
            self._connections.append(connection)
            self._notify()
        return connection

    def update(self, connection: Connection, **attributes: Any) -> None:
        """Change attributes of a connection."""
        with self._changed:
            for name, value in attributes.items():
                setattr(connection, name, value)
            self._notify()

    def add_frame(
        self,
        connection: Connection,
        direction: Direction,
        type: str | None,  # noqa: A002 - the field's name
        content: str | bytes,
    ) -> None:
        """Record a frame."""
        with self._changed:
            self._frames.append(
                RecordedFrame(
                    connection=connection, direction=direction, type=type, content=content
                )
            )
            self._notify()

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def requests(self) -> tuple[RecordedRequest, ...]:
        """Return the requests, the oldest first."""
        with self._changed:
            return tuple(self._requests)

    def connections(self) -> tuple[Connection, ...]:
        """Return the attempts to connect, the oldest first."""
        with self._changed:
            return tuple(self._connections)

    def frames(self) -> tuple[RecordedFrame, ...]:
        """Return the frames, the oldest first."""
        with self._changed:
            return tuple(self._frames)

    def clear_requests(self) -> None:
        """Delete the requests so far."""
        with self._changed:
            self._requests.clear()

    def wait(self, condition: Callable[[], Found | None], timeout: float, failure: str) -> Found:
        """Return the first true value of a condition.

        The condition is checked at once, after every change, and at the end of the timeout.

        Raises:
            TimeoutError: the condition is not true within the timeout, in seconds.
        """
        deadline = time.monotonic() + timeout
        known = -1

        def has_changed() -> bool:
            return self._version != known

        in_time = True
        while in_time:
            with self._changed:
                in_time = self._changed.wait_for(has_changed, deadline - time.monotonic())
                known = self._version
            # Checked without the lock: the condition may use locks of its own.
            if found := condition():
                return found
        raise TimeoutError(f"{failure} in {timeout} s")
