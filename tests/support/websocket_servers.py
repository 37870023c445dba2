"""Websocket servers and proxies, well-behaved and not, and a websocket of the library's to them."""

from __future__ import annotations

import base64
import contextlib
import gc
import hashlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from callhistory._limits import USUAL, Limits
from callhistory._live.connection import ConnectionEnded, WebSocket
from callhistory._live.reconnect import Ended
from tests.support.wire_server import CERTIFICATE, Connection, WireServer

SECRET = "se-cret"
TIMEOUT = 10.0

Handler = Callable[[ServerConnection], None]

_QUIET = logging.Logger("tests.websocket")
_QUIET.disabled = True


class Server:
    """A websocket server on this machine.

    Args:
        handler: talks to each client; the connection is closed when it returns.
        tls: whether to speak TLS, with a certificate that only ``CERTIFICATE`` vouches for.
        settings: further arguments of ``serve()``.

    Attributes:
        connections: all that were accepted.
        port: where it listens.
    """

    def __init__(self, handler: Handler, *, tls: bool = False, **settings: Any) -> None:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self.connections: list[ServerConnection] = []
        self._handler = handler
        self._scheme = "wss" if tls else "ws"
        self._server = serve(
            self._handle,
            "127.0.0.1",
            0,
            ssl=context,
            logger=_QUIET,
            max_size=None,
            close_timeout=1,
            **settings,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address, with a secret in the query."""
        return f"{self._scheme}://127.0.0.1:{self.port}/socket?secret={SECRET}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            self._handler(connection)


def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    for message in connection:
        connection.send(message)


def sending(*messages: str | bytes) -> Handler:
    """Return a handler that sends messages, then reads until the client is gone."""

    def handler(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(message)
        for _ in connection:
            pass

    return handler


def closing(code: int, reason: str = "") -> Handler:
    """Return a handler that closes the connection at once."""
    return lambda connection: connection.close(code, reason)


def raw(data: bytes) -> Handler:
    """Return a handler that sends bytes as they are, then reads until the client is gone."""

    def handler(connection: ServerConnection) -> None:
        connection.socket.sendall(data)
        for _ in connection:
            pass

    return handler


def reset_on_close(sock: socket.socket) -> None:
    """Make the end of a connection a TCP reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def accept_and_hang(connection: Connection) -> None:
    """Accept the upgrade, then neither read nor write."""
    (key,) = (
        line.split(b":")[1].strip()
        for line in connection.request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    connection.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
    )
    connection.hang()


class Proxy:
    """A proxy that knows CONNECT; every host is on this machine.

    Args:
        said: what to answer instead of making a tunnel.
        tls: whether it is reached over TLS, with a certificate that only ``CERTIFICATE`` vouches
            for.
    """

    def __init__(self, said: bytes | None = None, *, tls: bool = False) -> None:
        self._wire = WireServer(self._serve, tls=tls)
        self._said = said
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._wire.port}"

    @property
    def requests(self) -> list[bytes]:
        """The requests that it was sent."""
        return self._wire.requests

    def __enter__(self) -> Self:
        self._wire.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._wire.__exit__(*exc_info)

    def _serve(self, connection: Connection) -> None:
        if self._said is not None:
            connection.send(self._said)
            return
        port = int(connection.request.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as there:
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            here = connection._sock
            back = threading.Thread(target=pump, args=(there, here), daemon=True)
            back.start()
            pump(here, there)
            back.join(10)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes from one socket to another until either ends; then end both."""
    with contextlib.suppress(OSError):
        source.settimeout(20)
        while data := source.recv(65536):
            sink.sendall(data)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextlib.contextmanager
def silent_listener() -> Iterator[tuple[int, list[socket.socket]]]:
    """Accept TCP connections on a port, and neither read nor write."""
    taken: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.append(listening.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], taken
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
        for sock in taken:
            sock.close()


@contextlib.contextmanager
def port_with_a_full_queue() -> Iterator[int]:
    """Fill the queue of a port, so that a connection to it is not established."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listening.getsockname()
        for _ in range(20):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(0.2)
            try:
                sock.connect(address)
            except TimeoutError:
                break
        else:
            pytest.skip("this system's queue does not fill")
        yield address[1]


# --- the library's websocket to them ---


def trusting() -> ssl.SSLContext:
    """Return TLS settings that trust the servers here."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def websocket_to(url: str, proxy: str | None = None, limits: Limits = USUAL) -> WebSocket:
    """Return a websocket that is not opened yet; over TLS, it trusts the servers here."""
    return WebSocket(url, proxy, trusting() if url.startswith("wss:") else None, limits)


@contextlib.contextmanager
def opened(
    url: str,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits = USUAL,
) -> Iterator[WebSocket]:
    """Open a websocket, by default with trust in the servers here; close it after the block."""
    websocket = websocket_to(url, proxy, limits)
    if tls is not None:
        websocket = WebSocket(url, proxy, tls, limits)
    try:
        websocket.open(TIMEOUT)
        yield websocket
    finally:
        websocket.close()


def how_opening_ends(websocket: WebSocket, tcp_timeout: float = TIMEOUT) -> Ended:
    """Return how an attempt that fails has ended, and leave no socket to the garbage collector."""
    with pytest.raises(ConnectionEnded) as raised:
        websocket.open(tcp_timeout)
    gc.collect()  # a socket that was left open is reported now
    return raised.value.ended


def how_it_ends(websocket: WebSocket) -> Ended:
    """Read to the end of a connection, and return how it ended."""
    try:
        while True:
            websocket.receive(TIMEOUT)
    except ConnectionEnded as error:
        return error.ended


class InThread:
    """A call in a thread of its own.

    Attributes:
        error: what it raised.
        thread: the thread.
    """

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self.error: BaseException | None = None
        self._call = call
        self._args = args
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._call(*self._args)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def returns_within(self, seconds: float) -> bool:
        """Wait for the call; return whether it is over."""
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def ended(self) -> Ended:
        """Return how the connection ended, of a call that raised for that."""
        assert isinstance(self.error, ConnectionEnded), self.error
        return self.error.ended
