"""The websockets that a sandbox has had, and what went over them."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from threading import Condition
from typing import Any, Literal, TypeVar

import attrs

_KEPT_CONNECTIONS = 10_000
_KEPT_FRAMES = 20_000

Direction = Literal["received", "sent"]
Found = TypeVar("Found")


@attrs.frozen(kw_only=True)
class RecordedFrame:
    """A frame as it was received or sent.

    Attributes:
        connection: the `Connection` it went over.
        direction: ``received`` by the sandbox, or ``sent`` by it.
        type: its ``type``, such as ``ack`` or ``pong``, or else the type of its event, such as
            ``mercury.buffer_state``; ``None`` if it has neither.
        content: the text, or the bytes of a binary frame.
        at: the ``time.monotonic()`` of it.
    """

    connection: Connection = attrs.field(repr=False)
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
    """An attempt of a device to connect, and what became of it; it changes as things happen.

    Attributes:
        number: counts the attempts from 1.
        path: the path of the websocket address.
        query: the parameters; of one that was repeated, the last value.
        headers: the headers of the upgrade, under any spelling of their names.
        device_url: the device whose address it is; ``None`` if it is nobody's.
        opened_at: the ``time.monotonic()`` of the upgrade, as the times below.
        status: the HTTP status that the upgrade was answered with, 101 if it was accepted;
            ``None`` if it was not answered.
        ready_at: when the device was told that it is connected.
        closed_at: when the connection ended.
        close_code: the code of the first close frame; 1005 if it had none, 1006 if there was none.
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
    _log: ConnectionLog = attrs.field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it has been accepted and has not ended."""
        return self.status == 101 and self.closed_at is None

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames that went over it, in their order."""
        return self._log.frames_of(connection=self)


class ConnectionLog:
    """Keeps the last 10,000 connections and 20,000 frames; any thread may call it."""

    def __init__(self) -> None:
        self._connections: deque[Connection] = deque(maxlen=_KEPT_CONNECTIONS)
        self._opened = 0
        self._frames: deque[RecordedFrame] = deque(maxlen=_KEPT_FRAMES)
        self._recorded = 0
        self._version = 0
        self._changed = Condition()

    def open(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        device_url: str | None,
    ) -> Connection:
        """Note an attempt."""
        with self._changed:
            self._opened += 1
            connection = Connection(
                number=self._opened,
                path=path,
                query=query,
                headers=headers,
                device_url=device_url,
                log=self,
            )
            self._connections.append(connection)
            self._tell()
        return connection

    def note(self, connection: Connection, **what: Any) -> None:
        """Note something about a connection."""
        with self._changed:
            for name, value in what.items():
                setattr(connection, name, value)
            self._tell()

    def record(
        self,
        connection: Connection,
        direction: Direction,
        type: str | None,  # noqa: A002 - the field's name
        content: str | bytes,
    ) -> None:
        """Note a frame."""
        with self._changed:
            frame = RecordedFrame(
                connection=connection, direction=direction, type=type, content=content
            )
            self._frames.append(frame)
            self._recorded += 1
            self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def connections(self) -> tuple[Connection, ...]:
        """Give the attempts, the oldest first."""
        with self._changed:
            return tuple(self._connections)

    def frames_of(
        self,
        type: str | None = None,  # noqa: A002 - the field's name
        *,
        direction: Direction | None = None,
        connection: Connection | None = None,
    ) -> tuple[RecordedFrame, ...]:
        """Give the frames of a type, a direction or a connection, in their order."""
        fits = _filter(type, direction, connection)
        with self._changed:
            return tuple(filter(fits, self._frames))

    def wait_for_frames(
        self,
        type: str | None,  # noqa: A002 - the field's name
        direction: Direction | None,
        connection: Connection | None,
        count: int,
        timeout: float,
    ) -> tuple[RecordedFrame, ...]:
        """Wait until so many such frames have gone by, and give them.

        Raises:
            TimeoutError: they have not within the timeout, in seconds.
        """
        fits = _filter(type, direction, connection)
        found: list[RecordedFrame] = []
        seen = 0

        def enough() -> tuple[RecordedFrame, ...]:
            nonlocal seen
            with self._changed:
                fresh = list(islice(reversed(self._frames), self._recorded - seen))
                seen = self._recorded
            found.extend(filter(fits, reversed(fresh)))
            return tuple(found) if len(found) >= count else ()

        what = f"{count} frames" if type is None else f"{count} frames of type {type!r}"
        return self.wait(enough, timeout, f"fewer than {what}")

    def wait(self, condition: Callable[[], Found | None], timeout: float, otherwise: str) -> Found:
        """Wait until a condition gives something, and give it.

        The condition is looked at now, whenever something is noted, and at the end.

        Raises:
            TimeoutError: it gives nothing within the timeout, in seconds.
        """
        for _ in self._news(timeout):
            # Not under the lock: what it looks at may have locks of its own.
            if found := condition():
                return found
        raise TimeoutError(f"{otherwise} in {timeout} s")

    def _news(self, timeout: float) -> Iterator[None]:
        deadline = time.monotonic() + timeout
        known = -1

        def has_changed() -> bool:
            return self._version != known

        while True:
            with self._changed:
                goes_on = self._changed.wait_for(has_changed, deadline - time.monotonic())
                known = self._version
            yield
            if not goes_on:
                return


def _filter(
    type: str | None,  # noqa: A002 - the field's name
    direction: Direction | None,
    connection: Connection | None,
) -> Callable[[RecordedFrame], bool]:
    def fits(frame: RecordedFrame) -> bool:
        return (
            type in (None, frame.type)
            and direction in (None, frame.direction)
            and connection in (None, frame.connection)
        )

    return fits
