"""An open websocket: the frames that come over it, how it ends, and what is logged of it."""

from __future__ import annotations

import logging
import socket
import ssl

import pytest
from attrs import evolve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close
from websockets.sync.server import ServerConnection

from callhistory._http.transport_errors import no_answer
from callhistory._limits import USUAL
from callhistory._live.connection import ConnectionEnded, WebSocket
from callhistory._live.reconnect import Ended
from tests.support.waiting import wait_until
from tests.support.websocket_servers import (
    SECRET,
    TIMEOUT,
    Server,
    closing,
    echo,
    how_it_ends,
    how_opening_ends,
    opened,
    raw,
    reset_on_close,
)
from tests.support.wire_server import WireServer, answer

# --- frames ---


def test_largest_frame_is_that_of_the_protocol() -> None:
    """Frames of up to 64 MiB are accepted."""
    assert USUAL.largest_response == 64 * 1024**2


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("size", [1000, 1001, 1_000_000])
def test_frame_beyond_the_limit(size: int, compression: str | None) -> None:
    """A frame that is too large, counted after decompression, ends the connection with 1009."""
    codes: list[int | None] = []

    def handler(connection: ServerConnection) -> None:
        connection.send("x" * size)
        try:
            connection.recv(TIMEOUT)
        except ConnectionClosed as closed:
            codes.append(None if closed.rcvd is None else closed.rcvd.code)

    server = Server(handler, compression=compression)
    limits = evolve(USUAL, largest_response=1000)
    with server, opened(server.url, limits=limits) as websocket:
        if size <= 1000:
            assert websocket.receive(TIMEOUT) == "x" * size
            websocket.close()
            assert wait_until(lambda: codes == [1000])
        else:
            assert how_it_ends(websocket).code is None
            websocket.close()
            assert wait_until(lambda: codes == [1009])


@pytest.mark.parametrize("timeout", [0.05, -1.0])
def test_silence_is_a_timeout(timeout: float) -> None:
    """When no frame comes in time, receive() raises TimeoutError, and the connection stays."""
    with Server(echo) as server, opened(server.url) as websocket:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                websocket.receive(timeout)

        websocket.send("hello")
        assert websocket.receive(TIMEOUT) == "hello"


def test_websocket_pings_are_answered() -> None:
    """The server's own pings get their pongs while the connection is read."""

    def handler(connection: ServerConnection) -> None:
        answered = connection.ping().wait(TIMEOUT)
        connection.send("answered" if answered else "not answered")

    with Server(handler) as server, opened(server.url) as websocket:
        assert websocket.receive(TIMEOUT) == "answered"


# --- how it ends ---


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1001, ""),
        (1008, "authentication"),
        (3000, "é"),
        (4400, "x " * 61),
        (4999, ""),
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_close_code_and_reason(code: int, reason: str, tls: bool) -> None:
    """The server's code and reason are returned; without a reason there are words of our own."""
    with Server(closing(code, reason), tls=tls) as server, opened(server.url) as websocket:
        ended = how_it_ends(websocket)

    words = reason.strip() or f"Webex closed the connection with {code}"
    assert ended == Ended(code=code, reason=words)


def test_reason_that_echoes_a_secret_does_not_show_it() -> None:
    """Secrets that a server sends back are cut out of the reason."""
    reason = f"no: {'sEcReT' * 5} of ada@example.com"
    with Server(closing(4403, reason)) as server, opened(server.url) as websocket:
        assert how_it_ends(websocket) == Ended(code=4403, reason="no: … of …")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x88\x00", 1005),
        (b"\x88\x02\x03\xe7", None),  # 999
        (b"\x88\x02\x03\xed", None),  # 1005
        (b"\x88\x02\x07\xd0", None),  # 2000
        (b"\x88\x01\x00", None),
        (b"\x88\x04\x11\x30\xff\xfe", None),  # 4400, a reason that is no UTF-8
        (b"\x83\x00", None),
        (b"\x81\x85abcdhello", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_malformed_end(data: bytes, code: int | None) -> None:
    """A close frame or a frame that breaks the protocol ends the connection as if it was lost."""
    with Server(raw(data), compression=None) as server, opened(server.url) as websocket:
        ended = how_it_ends(websocket)

    assert ended.code == code
    assert ended.reason


def test_frames_before_the_end_come_first() -> None:
    """What came before the close frame is received before its code."""

    def handler(connection: ServerConnection) -> None:
        for number in range(10):
            connection.send(str(number))
        connection.close(4401, "expired")

    with Server(handler) as server, opened(server.url) as websocket:
        assert [websocket.receive(TIMEOUT) for _ in range(10)] == [str(n) for n in range(10)]
        assert how_it_ends(websocket) == Ended(code=4401, reason="expired")


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_lost_connection(reset: bool, tls: bool) -> None:
    """A connection that is dropped without a close frame has no code."""

    def handler(connection: ServerConnection) -> None:
        if reset:
            reset_on_close(connection.socket)
        socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)

    with Server(handler, tls=tls) as server, opened(server.url) as websocket:
        assert how_it_ends(websocket) == Ended(reason="the connection was lost")


def test_send_on_a_connection_that_has_ended() -> None:
    """A send after the server's close does nothing; receive() raises how it ended."""
    with Server(closing(4401, "bye")) as server, opened(server.url) as websocket:
        for _ in range(2):
            assert how_it_ends(websocket) == Ended(code=4401, reason="bye")
            websocket.send("hello")
            assert how_it_ends(websocket) == Ended(code=4401, reason="bye")


def test_connection_that_was_never_opened() -> None:
    """It sends nothing, receives nothing, and can be closed."""
    unopened = WebSocket("ws://127.0.0.1:1/", None, None)

    unopened.send("hello")
    with pytest.raises(ConnectionEnded):
        unopened.receive(0)
    unopened.abort()
    unopened.close()


# --- what is logged ---


def test_logs_are_silent(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """At DEBUG no logger has a record, and the terminal no line, of a frame or a failure."""
    for name in (None, "websockets", "websockets.client", "callhistory", "callhistory.websocket"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Server(echo, tls=True) as server, opened(server.url) as websocket:
        websocket.send(f"Bearer {SECRET}")
        websocket.receive(TIMEOUT)
    with Server(raw(b"\x81\x85abcdhello")) as server, opened(server.url) as websocket:
        how_it_ends(websocket)
    with Server(echo, tls=True) as server:
        how_opening_ends(WebSocket(server.url, None, ssl.create_default_context()))
    for said in (answer(status="401 no"), b"nonsense"):
        with WireServer(lambda connection, said=said: connection.send(said)) as refusing:  # type: ignore[misc] # not inferred
            url = f"ws://127.0.0.1:{refusing.port}/{SECRET}"
            how_opening_ends(WebSocket(url, None, None))

    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr() == ("", "")


def test_connection_that_ends_as_it_opens_warns_of_nothing() -> None:
    """The exception that websockets raises then has deprecated attributes; they are not read."""
    ended = ConnectionClosedError(Close(1001, "going away"), None)

    problem = no_answer("GET", "mercury.example.com", ended, None)

    assert str(problem) == (
        "GET mercury.example.com: no answer: ConnectionClosedError (ConnectionError)"
    )
