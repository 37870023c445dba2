"""What `callhistory._live` expects of the inside of websockets.

websockets promises none of it. When a new version of websockets changes it, a test here fails
first, and names what has changed.
"""

from __future__ import annotations

import socket
import ssl
import time

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.sync.client import SSLSSLSocket, reconnect
from websockets.sync.utils import Deadline
from websockets.uri import parse_uri

from tests.support.websocket_servers import (
    Proxy,
    Server,
    echo,
    port_with_a_full_queue,
    trusting,
)

# --- the opener ---


def test_open_socket_returns_the_tcp_socket_within_its_deadline() -> None:
    """`open_socket` makes the TCP connection alone, before TLS, within the `Deadline` passed."""
    with Server(echo, tls=True) as server:
        opener = reconnect(server.url, proxy=None)
        with opener.open_socket(Deadline(5)) as sock:
            assert type(sock) is socket.socket
            assert opener.ws_uri.secure
    with port_with_a_full_queue() as port, pytest.raises(TimeoutError):
        reconnect(f"ws://127.0.0.1:{port}/", proxy=None).open_socket(Deadline(0.05))


def test_enable_tls_returns_the_socket_that_speaks_tls() -> None:
    """`enable_tls` takes over a TCP socket, and shakes hands for the host of the address."""
    with Server(echo, tls=True) as server:
        opener = reconnect(server.url, ssl=trusting(), proxy=None)
        sock = opener.open_socket(Deadline(5))
        with opener.enable_tls(sock, Deadline(5)) as over_tls:
            assert isinstance(over_tls, ssl.SSLSocket)
            assert over_tls.version() is not None
            assert sock.fileno() == -1


def test_tls_within_tls_has_an_object_and_a_socket() -> None:
    """Through a proxy over TLS, it is an `SSLSSLSocket`; what it writes is in `outgoing`."""
    with Server(echo, tls=True) as server, Proxy(tls=True) as proxy:
        opener = reconnect(server.url, ssl=trusting(), proxy=proxy.url, proxy_ssl=trusting())
        tunnel = opener.enable_tls(opener.open_socket(Deadline(5)), Deadline(5))
        assert isinstance(tunnel, SSLSSLSocket)
        assert isinstance(tunnel.ssl_socket, ssl.SSLSocket)
        assert tunnel.fileno() == tunnel.ssl_socket.fileno()

        tunnel.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            tunnel.recv(1)
        assert tunnel.ssl_object.write(b"hello") == 5
        assert len(tunnel.outgoing.read()) > 5
        tunnel.ssl_socket.close()


def test_deadline_counts_down() -> None:
    """A `Deadline` has the seconds that are left, and raises `TimeoutError` when none are."""
    before = time.monotonic()
    left = Deadline(30).timeout()

    assert left is not None
    assert 30 - (time.monotonic() - before) <= left <= 30
    with pytest.raises(TimeoutError):
        Deadline(-1).timeout()


# --- the protocol ---


def connected() -> tuple[ClientProtocol, ServerProtocol]:
    client, server = ClientProtocol(parse_uri("ws://127.0.0.1/")), ServerProtocol()
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type] # it is a request
    client.receive_data(b"".join(server.data_to_send()))
    client.events_received()
    assert client.close_rcvd is None
    assert client.parser_exc is None
    return client, server


def test_close_rcvd_is_what_the_other_side_closed_with() -> None:
    """`close_rcvd` has the code and the reason as soon as the frame is read."""
    client, server = connected()
    server.send_text(b"before")
    server.send_close(4401, "bye")
    client.receive_data(b"".join(server.data_to_send()))

    assert client.close_rcvd == Close(4401, "bye")
    assert client.state is State.CLOSING
    opcodes = [event.opcode for event in client.events_received() if isinstance(event, Frame)]
    assert opcodes == [Opcode.TEXT, Opcode.CLOSE]


@pytest.mark.parametrize("data", [b"", b"\x83\x00"], ids=["the end", "no opcode"])
def test_parser_exc_is_what_ended_the_protocol(data: bytes) -> None:
    """`parser_exc` is set when the other side is lost, or breaks the protocol."""
    client, _ = connected()
    if data:
        client.receive_data(data)
    else:
        client.receive_eof()

    assert client.parser_exc is not None
    assert client.close_rcvd is None
