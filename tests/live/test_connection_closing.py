"""A websocket that another thread closes, whatever is under way: it ends promptly."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from websockets.sync.server import ServerConnection

from callhistory._limits import USUAL
from callhistory._live.connection import ConnectionEnded, WebSocket
from callhistory._live.reconnect import Ended
from tests.support.waiting import wait_until
from tests.support.websocket_servers import (
    TIMEOUT,
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
    "end", [WebSocket.close, WebSocket.abort], ids=["close", "abort"]
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


@BOTH_WAYS
@BOTH_SCHEMES
def test_close_while_another_thread_receives(end: End, scheme: str) -> None:
    """The thread that waits for a frame learns promptly that the connection has ended."""
    with Server(echo, tls=scheme == "wss") as server, opened(server.url) as websocket:
        waiting = InThread(websocket.receive, 60.0)
        # Only websockets itself can tell that it waits.
        connection = websocket._open_connection()
        assert wait_until(lambda: connection.recv_messages.get_in_progress)

        assert seconds_of(lambda: end(websocket)) < PROMPTLY
        assert waiting.returns_within(1)
        assert waiting.ended().code in (None, 1000)


@BOTH_SCHEMES
def test_close_with_a_server_that_hangs(scheme: str) -> None:
    """A server that answers no close keeps nobody waiting, neither close() nor a reader."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            waiting = InThread(websocket.receive, 60.0)

            assert seconds_of(websocket.close) < PROMPTLY
            assert waiting.returns_within(1)
            waiting.ended()


@BOTH_SCHEMES
def test_close_during_the_upgrade(scheme: str) -> None:
    """An upgrade that is not answered ends promptly, also over TLS."""
    with WireServer(lambda connection: connection.hang(), tls=scheme == "wss") as server:
        websocket = websocket_to(f"{scheme}://127.0.0.1:{server.port}/")
        opening = InThread(websocket.open, 60.0)
        assert wait_until(lambda: server.requests)

        assert seconds_of(websocket.close) < PROMPTLY
        assert opening.returns_within(1)
        assert isinstance(opening.ended(), Ended)


def block(websocket: WebSocket, size: int) -> InThread:
    """Send in a thread until the buffers of the other side are full, and one send is stuck."""
    sent = 0

    def send() -> None:
        nonlocal sent
        while not websocket._opening._aborted:  # type: ignore[union-attr] # it is opening
            websocket.send("x" * size)
            sent += 1

    def is_stuck() -> bool:
        before = sent
        return not stuck.returns_within(0.3) and before == sent

    stuck = InThread(send)
    assert wait_until(is_stuck)
    return stuck


@pytest.mark.parametrize(
    ("scheme", "end", "size"),
    [
        pytest.param("ws", WebSocket.close, 10_000, id="ws-close-small"),
        pytest.param("ws", WebSocket.abort, 5_000_000, id="ws-abort-large"),
        pytest.param("wss", WebSocket.close, 5_000_000, id="wss-close-large"),
        pytest.param("wss", WebSocket.abort, 10_000, id="wss-abort-small"),
    ],
)
def test_close_while_a_send_is_stuck(scheme: str, end: End, size: int) -> None:
    """With a server that no longer reads, close() ends promptly, and so does the send."""
    limits = evolve(USUAL, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            stuck = block(websocket, size)

            assert seconds_of(lambda: end(websocket)) < PROMPTLY
            assert stuck.returns_within(1)
            assert stuck.error is None


@BOTH_SCHEMES
def test_send_that_nobody_reads(scheme: str) -> None:
    """A send to a server that no longer reads ends by itself, and the connection with it."""
    limits = evolve(USUAL, send_timeout=0.7, close_timeout=0.2)
    with WireServer(accept_and_hang, tls=scheme == "wss") as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        with opened(url, limits=limits) as websocket:
            stuck = block(websocket, 10_000)

            assert stuck.returns_within(5)
            assert stuck.error is None
            assert how_it_ends(websocket).code is None


def test_close_before_the_connection_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is established after close() is dropped: not a byte is sent on it."""
    create = socket.create_connection
    websockets: list[WebSocket] = []

    def late(*args: Any, **kwargs: Any) -> socket.socket:
        sock = create(*args, **kwargs)
        websockets[0].close()
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


class ClosedAsItIsAccepted(WebSocket):
    """A websocket that another thread closes in the moment in which the server accepts it."""

    def _begin(self, tcp_timeout: float) -> Any:
        opening = super()._begin(tcp_timeout)
        connect = opening.connect

        def late() -> Any:
            connection = connect()
            self.close()
            return connection

        opening.connect = late  # type: ignore[method-assign] # it is late
        return opening


def test_close_as_the_connection_is_accepted() -> None:
    """A close() in the moment in which the server accepts counts: open() ends, not succeeds."""
    with Server(echo) as server, pytest.raises(ConnectionEnded) as raised:
        ClosedAsItIsAccepted(server.url, None, None).open(TIMEOUT)

    assert raised.value.ended == Ended(reason="closed")


def test_close_with_a_full_queue() -> None:
    """Frames that nobody reads do not keep close() waiting."""

    def handler(connection: ServerConnection) -> None:
        for number in range(5000):
            connection.send(f"{number} " + "x" * 1000)
        connection.recv(TIMEOUT)

    limits = evolve(USUAL, close_timeout=0.2)
    with Server(handler, compression=None) as server, opened(server.url, limits=limits) as opened_:
        assert wait_until(lambda: opened_._open_connection().recv_messages.paused)

        assert seconds_of(opened_.close) < PROMPTLY
