"""What goes over a websocket: messages of every kind and size, both ways, also over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.sync.server import ServerConnection
from websockets.uri import parse_uri

from callhistory._live.stream import Stream
from tests.support.websocket_servers import (
    TIMEOUT,
    InThread,
    Server,
    opened,
    raw,
    sending,
    trusting,
)


@contextmanager
def a_stream() -> Iterator[tuple[Stream, socket.socket]]:
    """Yield a stream that is open, and the socket of its other side."""
    here, there = socket.socketpair()
    with there:
        stream = Stream(here, ClientProtocol(parse_uri("ws://127.0.0.1/"), state=State.OPEN))
        try:
            yield stream, there
        finally:
            stream.close()


def test_reading_never_waits() -> None:
    """read() says whether anything has arrived, and wait() waits for that."""
    with a_stream() as (stream, there):
        assert not stream.read()
        assert not stream.wait(0)
        there.sendall(b"\x81\x05he")
        assert stream.wait(TIMEOUT)
        assert stream.read()
        assert not stream.messages
        there.sendall(b"llo")
        assert stream.wait(TIMEOUT)
        assert stream.read()
        assert list(stream.messages) == ["hello"]
        assert not stream.has_ended


def test_end_without_a_close_frame() -> None:
    """When the other side is gone, what it sent is read, and then that it has ended."""
    with a_stream() as (stream, there):
        there.sendall(b"\x81\x01a")
        there.close()
        has_ended = [stream.has_ended for _ in range(2) if stream.read()]
        assert has_ended == [False, True]
        assert list(stream.messages) == ["a"]


def test_sending_never_waits() -> None:
    """What the socket does not take is sent by later reads, in pieces; nothing is lost."""
    with a_stream() as (stream, there):
        frames = fill(stream)
        assert not stream.wait(0)
        reading = InThread(there.makefile("rb").read, frames * (8 + 60_000))
        while stream.has_unsent:
            assert stream.wait(TIMEOUT)
            stream.read()
        assert reading.returns_within(TIMEOUT)
        assert reading.error is None


def fill(stream: Stream) -> int:
    """Send frames of 60,000 bytes until the socket takes no more, and return how many."""
    for number in range(1, 1000):
        stream.send("x" * 60_000)
        if stream.has_unsent:
            return number
    raise AssertionError("the socket takes everything")


def test_other_side_that_takes_nothing() -> None:
    """When 16 MiB are waiting to be sent, the connection has ended, and nothing more is kept."""
    with a_stream() as (stream, _):
        stream.send("x" * 8 * 1024**2)
        assert not stream.has_ended
        stream.send("x" * 9 * 1024**2)
        ended = stream.has_ended
        assert ended


def test_what_is_waiting_is_sent_before_the_goodbye() -> None:
    """Answers that wait for those to later messages go out before a close frame, not never."""
    with a_stream() as (stream, there):
        there.sendall(b"\x81\x011\x81\x012")
        assert stream.read()
        assert stream.messages.popleft() == "1"
        stream.send("1")
        stream.say_goodbye()
        there.settimeout(TIMEOUT)
        sent = there.makefile("rb").read(6 + 1 + 6 + 2)
        assert (sent[0], sent[7]) == (0x81, 0x88)


FRAMES: list[tuple[bytes, str | bytes]] = [
    (b"\x81\x05hello", "hello"),
    (b"\x81\x00", ""),
    (b"\x82\x05hello", b"hello"),
    (b"\x81\x02\xff\xfe", b"\xff\xfe"),
    (b"\x01\x01\xc3\x80\x01\xa9", "é"),
    (b"\x02\x02he\x80\x03llo", b"hello"),
    (b"\x01\x01\xc3\x80\x01x", b"\xc3x"),
    (b"\x01\x02he\x89\x00\x80\x03llo", "hello"),
    (b"\x89\x04ping\x81\x05hello", "hello"),
]


@pytest.mark.parametrize(("data", "expected"), FRAMES, ids=[repr(data) for data, _ in FRAMES])
def test_frame_of_every_kind(data: bytes, expected: str | bytes) -> None:
    """Text comes as text; binary, and text that is no UTF-8, as bytes; the connection stays."""
    server = Server(raw(data + b"\x81\x05after"), compression=None)
    with server, opened(server.url) as websocket:
        assert websocket.receive(TIMEOUT) == expected
        assert websocket.receive(TIMEOUT) == "after"


def test_timeout_within_a_message() -> None:
    """A message whose end comes after a timeout is received whole, and as the kind it is."""
    go_on = threading.Event()

    def handler(connection: ServerConnection) -> None:
        connection.socket.sendall(b"\x01\x02he")
        go_on.wait(TIMEOUT)
        connection.socket.sendall(b"\x80\x03llo\x82\x01b")
        connection.recv(TIMEOUT)

    with Server(handler, compression=None) as server, opened(server.url) as websocket:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                websocket.receive(0.02)
        go_on.set()
        assert websocket.receive(TIMEOUT) == "hello"
        assert websocket.receive(TIMEOUT) == b"b"


def test_messages_that_arrive_together_are_answered_together() -> None:
    """What is sent while there are messages to take goes out with the answer to the last one."""
    with a_stream() as (stream, there):
        there.sendall(b"\x81\x011\x81\x012\x81\x013")
        assert stream.read()
        there.setblocking(False)
        for text in ("1", "2"):
            assert stream.messages.popleft() == text
            stream.send(text)
            with pytest.raises(BlockingIOError):
                there.recv(100)
        assert stream.messages.popleft() == "3"
        stream.send("3")
        assert len(there.recv(100)) == 3 * (6 + 1)


def test_answers_go_out_although_the_last_message_has_none() -> None:
    """Before it reads on, the stream sends what is waiting."""
    with a_stream() as (stream, there):
        there.sendall(b"\x81\x011\x81\x00")
        assert stream.read()
        assert stream.messages.popleft() == "1"
        stream.send("1")
        assert stream.messages.popleft() == ""
        assert not stream.read()
        there.settimeout(TIMEOUT)
        assert len(there.recv(100)) == 6 + 1


@pytest.mark.parametrize("compression", ["deflate", None])
def test_frame_of_megabytes(compression: str | None) -> None:
    """A frame of 2.5 MB arrives whole, and the frames around it."""
    messages = ["before", "é" * 1_250_000, "after"]
    server = Server(sending(*messages), compression=compression)
    with server, opened(server.url) as websocket:
        assert [websocket.receive(TIMEOUT) for _ in messages] == messages


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_tls_has_buffered_is_read_before_the_thread_waits(version: ssl.TLSVersion) -> None:
    """Frames that TLS brings in one record are all received, though the socket shows no more."""
    frames = b"".join(b"\x81\x04%04d" % number for number in range(2000))
    server = Server(raw(frames), tls=True, compression=None)
    tls = trusting()
    tls.minimum_version = tls.maximum_version = version
    with server, opened(server.url, tls=tls) as websocket:
        assert [websocket.receive(TIMEOUT) for _ in range(2000)] == [f"{n:04}" for n in range(2000)]


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_what_was_not_taken_is_sent_later(scheme: str) -> None:
    """A server that reads late gets every frame, whole and in order, while ours is read."""
    read_now = threading.Event()
    received: list[str | bytes] = []

    def handler(connection: ServerConnection) -> None:
        read_now.wait(TIMEOUT)
        received.extend(connection.recv(TIMEOUT) for _ in range(sent))
        connection.send("done")

    sent = 0
    server = Server(handler, tls=scheme == "wss", compression=None)
    with server, opened(server.url) as websocket:
        stream = websocket._stream
        assert stream is not None
        while not stream.has_unsent or sent < 10:
            websocket.send(f"{sent} " + "x" * 300_000)
            sent += 1
        read_now.set()
        assert websocket.receive(TIMEOUT) == "done"
    assert [str(text).split(" ")[0] for text in received] == [str(n) for n in range(sent)]
