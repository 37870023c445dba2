"""What `callhistory._live.connection` expects of the inside of websockets.

websockets promises none of it. When a new version of websockets changes it, a test here fails
first, and names what has changed.
"""

from __future__ import annotations

import socket
import threading
import time
import warnings
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, reconnect
from websockets.sync.utils import Deadline

from tests.support.websocket_servers import Server, echo, port_with_a_full_queue, sending
from tests.support.wire_server import WireServer, answer


class Recording(ClientConnection):
    """A connection that records the calls of the methods that the library overrides."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.calls: list[tuple[str, threading.Thread]] = []
        self.events: list[Any] = []
        super().__init__(*args, **kwargs)

    def recv_events(self) -> None:
        self.calls.append(("recv_events", threading.current_thread()))
        super().recv_events()

    def send_data(self) -> None:
        self.calls.append(("send_data", threading.current_thread()))
        super().send_data()

    def process_event(self, event: Any) -> None:
        self.events.append(event)
        super().process_event(event)


def connected(url: str) -> Recording:
    opened = reconnect(url, create_connection=Recording).connect()
    assert isinstance(opened, Recording)
    opened.pending_legacy_warning = False
    return opened


def test_recv_events_reads_in_recv_events_thread() -> None:
    """Websockets reads in one thread, `recv_events_thread`, in which `recv_events` runs."""
    with Server(echo) as server:
        connection = connected(server.url)
        readers = [thread for name, thread in connection.calls if name == "recv_events"]

        assert readers == [connection.recv_events_thread]
        assert connection.recv_events_thread.daemon
        connection.close()


def test_send_data_sends_the_upgrade_and_every_message() -> None:
    """Websockets writes in `send_data` only, and it is called in the thread that sends."""
    here = threading.current_thread()
    with Server(echo) as server:
        connection = connected(server.url)
        assert connection.calls.count(("send_data", here)) == 1
        connection.send("hello")
        assert connection.calls.count(("send_data", here)) == 2
        connection.close()


def test_recv_events_is_all_that_reads() -> None:
    """As long as `recv_events` does not read, websockets does not, and the upgrade is still sent.

    `callhistory` lets it wait for the first `send_data`: read in the meantime, the tickets of TLS
    1.3 make OpenSSL lose what is sent.
    """
    asked = threading.Event()
    order: list[str] = []

    class Waiting(Recording):
        def recv_events(self) -> None:
            assert asked.wait(10)
            order.append("read")
            super().recv_events()

        def send_data(self) -> None:
            super().send_data()
            if not asked.is_set():
                order.append("sent")
            asked.set()

    with Server(echo) as server:
        connection = reconnect(server.url, create_connection=Waiting).connect()
        connection.pending_legacy_warning = False
        assert order == ["sent", "read"]
        connection.close()


def test_process_event_gets_every_data_frame_as_a_frame() -> None:
    """`process_event` is called with each `Frame`, in order, and its `opcode` tells its kind."""
    with Server(sending("text", b"binary"), compression=None) as server:
        connection = connected(server.url)
        received = [connection.recv(10, decode=False) for _ in range(2)]
        opcodes = [event.opcode for event in connection.events if isinstance(event, Frame)]

        assert received == [b"text", b"binary"]
        assert opcodes == [Opcode.TEXT, Opcode.BINARY]
        connection.close()


def test_pending_legacy_warning_is_what_warns_outside_with() -> None:
    """A connection that is used without `with` warns unless `pending_legacy_warning` is false."""
    with Server(echo) as server:
        connection = reconnect(server.url).connect()
        assert connection.pending_legacy_warning
        connection.pending_legacy_warning = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            connection.send("hello")
            connection.recv(10)
            connection.close()


def test_open_socket_returns_the_tcp_socket_within_its_deadline() -> None:
    """`open_socket` makes the TCP connection alone, before TLS, within the `Deadline` passed."""

    class Opening(reconnect):
        def open_socket(self, deadline: Deadline) -> socket.socket:
            sockets.append(super().open_socket(Deadline(5)))
            return sockets[-1]

    sockets: list[socket.socket] = []
    with (
        Server(echo, tls=True) as server,
        pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        Opening(server.url).connect()
    assert [type(sock) for sock in sockets] == [socket.socket]
    with port_with_a_full_queue() as port, pytest.raises(TimeoutError):
        reconnect(f"ws://127.0.0.1:{port}/").open_socket(Deadline(0.05))


def test_deadline_counts_down() -> None:
    """A `Deadline` has the seconds that are left, and raises `TimeoutError` when none are."""
    before = time.monotonic()
    left = Deadline(30).timeout()

    assert left is not None
    assert 30 - (time.monotonic() - before) <= left <= 30
    with pytest.raises(TimeoutError):
        Deadline(-1).timeout()


def test_process_redirect_decides_what_follows_a_refusal() -> None:
    """What `process_redirect` returns, if it is an exception, ends the attempt to connect."""

    class Opening(reconnect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            seen.append(exc)
            return exc

    seen: list[Exception] = []
    with Server(echo) as target:
        said = answer(status="302 Found", headers=f"Location: {target.url}\r\n")
        with (
            WireServer(lambda connection: connection.send(said)) as server,
            pytest.raises(InvalidStatus) as raised,
        ):
            Opening(f"ws://127.0.0.1:{server.port}/").connect()

        assert seen == [raised.value]
        assert target.connections == []
