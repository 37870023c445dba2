"""A websocket that is closed, by its thread or another, whatever is under way: it ends promptly."""

from __future__ import annotations

import contextlib
import gc
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from websockets.sync.server import ServerConnection

from callhistory._limits import USUAL
from callhistory._live import connection
from callhistory._live.connection import ConnectionEnded, WebSocket
from callhistory._live.connection_opening import open_stream
from callhistory._live.reconnect import Ended
from callhistory._live.stream import Stream
from tests.support.waiting import wait_until
from tests.support.websocket_servers import (
    TIMEOUT,
    Handler,
    InThread,
    Server,
    accept_and_hang,
    echo,
    how_it_ends,
    opened,
    silent_listener,
    websocket_to,
)
from tests.support.wire_server import WireServer

# The tests' bound for "promptly". A close takes as long as its closing handshake may, a second.
PROMPTLY = 2.5

BOTH_WAYS = pytest.mark.parametrize(
    "end", [WebSocket.hang_up, WebSocket.abort], ids=["hang up", "abort"]
)
BOTH_SCHEMES = pytest.mark.parametrize("scheme", ["ws", "wss"])

End = Callable[[WebSocket], None]


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_closed_one_is_not_opened() -> None:
    """After close(), open() ends at once, and nothing is sent."""
    with Server(echo) as server:
        closed = websocket_to(server.url)
        closed.close()

        with pytest.raises(ConnectionEnded):
            closed.open(TIMEOUT)
        gc.collect()

        assert server.connections == []


def waiting_for_a_frame(websocket: WebSocket) -> InThread:
    """Read in a thread until the connection has ended, and close it; return when it waits."""

    def read() -> None:
        ended.append(how_it_ends(websocket))
        websocket.close()

    ended: list[Ended] = []
    reading = InThread(read)
    assert wait_until(lambda: websocket._user == reading.thread.ident)
    return reading


@BOTH_WAYS
@BOTH_SCHEMES
def test_end_while_another_thread_receives(end: End, scheme: str) -> None:
    """The thread that waits for a frame learns promptly that the connection has ended."""
    with Server(echo, tls=scheme == "wss") as server, opened(server.url) as websocket:
        waiting = waiting_for_a_frame(websocket)

        assert seconds_of(lambda: end(websocket)) < PROMPTLY
        assert waiting.returns_within(1)
        assert waiting.error is None
        expected = 1000 if end is WebSocket.hang_up else 1006
        assert wait_until(lambda: [c.close_code for c in server.connections] == [expected])


@BOTH_SCHEMES
def test_hang_up_with_a_server_that_hangs(scheme: str) -> None:
    """A server that answers no close keeps nobody waiting, neither hang_up() nor the reader."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            waiting = waiting_for_a_frame(websocket)

            assert seconds_of(websocket.hang_up) < PROMPTLY
            assert waiting.returns_within(1)
            assert waiting.error is None


@BOTH_SCHEMES
def test_hang_up_in_the_thread_that_reads(scheme: str) -> None:
    """It returns at once there; the next receive() waits for the answer, but not for long."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            with pytest.raises(TimeoutError):
                websocket.receive(0)
            websocket.hang_up()

            assert how_it_ends(websocket) == Ended(reason="the connection was lost")
            assert seconds_of(websocket.close) < PROMPTLY


@BOTH_SCHEMES
def test_close_with_a_server_that_hangs(scheme: str) -> None:
    """A server that answers no close does not keep the thread that closes."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            assert seconds_of(websocket.close) < PROMPTLY


def test_hang_up_during_the_tls_handshake() -> None:
    """A TLS handshake that the server does not answer ends promptly."""
    with silent_listener() as (port, taken):
        websocket = websocket_to(f"wss://127.0.0.1:{port}/")
        opening = InThread(websocket.open, 60.0)
        assert wait_until(lambda: taken)
        assert taken[0].recv(1, socket.MSG_PEEK)  # the handshake has begun

        assert seconds_of(websocket.hang_up) < PROMPTLY
        assert opening.returns_within(1)
        assert isinstance(opening.ended(), Ended)


@BOTH_SCHEMES
def test_close_during_the_upgrade(scheme: str) -> None:
    """An upgrade that is not answered ends promptly, also over TLS."""
    with WireServer(lambda connection: connection.hang(), tls=scheme == "wss") as server:
        websocket = websocket_to(f"{scheme}://127.0.0.1:{server.port}/")
        opening = InThread(websocket.open, 60.0)
        assert wait_until(lambda: server.requests)

        assert seconds_of(websocket.hang_up) < PROMPTLY
        assert opening.returns_within(1)
        assert isinstance(opening.ended(), Ended)


def unread(websocket: WebSocket, size: int) -> None:
    """Send to a server that does not read until the buffers on the way are full."""
    stream = websocket._stream
    assert stream is not None
    while not stream.has_unsent:
        websocket.send("x" * size)


@BOTH_WAYS
@BOTH_SCHEMES
@pytest.mark.parametrize("size", [10_000, 5_000_000])
def test_end_while_the_server_does_not_read(end: End, scheme: str, size: int) -> None:
    """No send waits for a server that no longer reads, and the connection ends promptly."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            unread(websocket, size)
            waiting = waiting_for_a_frame(websocket)

            assert seconds_of(lambda: end(websocket)) < PROMPTLY
            assert waiting.returns_within(1)
            assert waiting.error is None


def test_close_before_the_connection_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is established after close() is dropped: not a byte is sent on it."""
    create = socket.create_connection
    websockets: list[WebSocket] = []

    def late(*args: Any, **kwargs: Any) -> socket.socket:
        sock = create(*args, **kwargs)
        websockets[0].hang_up()
        return sock

    monkeypatch.setattr(socket, "create_connection", late)
    with silent_listener() as (port, taken):
        websockets.append(websocket_to(f"ws://127.0.0.1:{port}/"))
        with pytest.raises(ConnectionEnded):
            websockets[0].open(TIMEOUT)
        gc.collect()

        assert wait_until(lambda: taken)
        taken[0].settimeout(TIMEOUT)
        assert taken[0].recv(1) == b""


def test_hang_up_as_the_connection_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the moment in which the server accepts, it counts: open() ends, and does not succeed."""

    def late(*args: Any, **kwargs: Any) -> Any:
        stream = open_stream(*args, **kwargs)
        websocket.hang_up()
        return stream

    monkeypatch.setattr(connection, "open_stream", late)
    with Server(echo) as server:
        websocket = websocket_to(server.url)
        with pytest.raises(ConnectionEnded) as raised:
            websocket.open(TIMEOUT)

    assert raised.value.ended == Ended(reason="closed")


def test_close_with_messages_that_nobody_took() -> None:
    """Messages that nobody reads do not keep close() waiting."""

    def handler(connection: ServerConnection) -> None:
        for number in range(5000):
            connection.send(f"{number} " + "x" * 1000)
        connection.recv(TIMEOUT)

    limits = evolve(USUAL, close_timeout=0.2)
    with Server(handler, compression=None) as server, opened(server.url, limits=limits) as opened_:
        assert opened_.receive(TIMEOUT)
        assert seconds_of(opened_.close) < PROMPTLY


def flood(data: bytes) -> Handler:
    """Return a handler that sends bytes again and again, and reads nothing, until it is cut off."""

    def handler(connection: ServerConnection) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.socket.sendall(data)

    return handler


@pytest.mark.parametrize("data", [b"\x81\x04text" * 1000, b"\x89\x00" * 1000], ids=["text", "ping"])
def test_close_while_the_server_never_stops_sending(data: bytes) -> None:
    """A server that sends on and on, and answers no close, does not keep close() waiting."""
    limits = evolve(USUAL, close_timeout=0.2)
    server = Server(flood(data), compression=None)
    with server, opened(server.url, limits=limits) as websocket:
        closing = InThread(websocket.close)
        assert closing.returns_within(TIMEOUT)
        assert closing.error is None


def test_silence_among_pings_is_a_timeout() -> None:
    """Pings that never stop are no message: receive() returns in time."""
    limits = evolve(USUAL, close_timeout=0.2)
    server = Server(flood(b"\x89\x00" * 1000), compression=None)
    with server, opened(server.url, limits=limits) as websocket:
        receiving = InThread(websocket.receive, 0.2)
        assert receiving.returns_within(TIMEOUT)
        assert isinstance(receiving.error, TimeoutError)


def test_hang_up_within_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finalizer, which may run within a read, may hang up: the read goes on, and it ends."""
    read = Stream.read

    def read_and_collect(stream: Stream) -> bool:
        websocket.hang_up()
        return read(stream)

    with Server(echo) as server, opened(server.url) as websocket:
        monkeypatch.setattr(Stream, "read", read_and_collect)
        ending = InThread(how_it_ends, websocket)
        assert ending.returns_within(TIMEOUT)
        assert ending.error is None
        websocket.close()
        assert wait_until(lambda: [c.close_code for c in server.connections] == [1000])


def test_hang_up_within_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's handler, which may run within hang_up(), may hang up."""
    say_goodbye = Stream.say_goodbye

    def say_it_twice(stream: Stream) -> None:
        monkeypatch.undo()
        websocket.hang_up()
        say_goodbye(stream)

    limits = evolve(USUAL, close_timeout=0.2)
    with Server(echo) as server, opened(server.url, limits=limits) as websocket:
        monkeypatch.setattr(Stream, "say_goodbye", say_it_twice)
        ending = InThread(websocket.hang_up)
        assert ending.returns_within(TIMEOUT)
        assert ending.error is None
