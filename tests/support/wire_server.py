"""A server that misbehaves byte by byte, where the sandbox's scripted faults cannot."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).parent / "data" / "loopback.pem"


class Connection:
    """One connection, and the ways in which a test can answer it."""

    def __init__(self, sock: socket.socket, request: bytes, closing: threading.Event) -> None:
        self.request = request
        self._sock = sock
        self._closing = closing

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._sock.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send byte by byte, with a number of seconds in between."""
        for byte in data:
            self._sock.sendall(bytes([byte]))
            if self._closing.wait(seconds):
                return

    def next_request(self) -> bytes:
        """Return the next request on this connection; empty if none comes."""
        self.request = _read_request(self._sock)
        return self.request

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def hang(self) -> None:
        """Stay silent until the server is closed."""
        self._closing.wait(30)


Behavior = Callable[[Connection], None]


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a complete answer; each of the headers ends with CRLF."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode("latin-1") + body


class WireServer:
    """Reads a request from each connection, which the test answers.

    Args:
        behavior: what answers a connection; the server closes it after that.
        tls: whether to speak TLS, with a certificate that only ``CERTIFICATE`` vouches for.
    """

    def __init__(self, behavior: Behavior, *, tls: bool = False) -> None:
        self._behavior = behavior
        self._tls: ssl.SSLContext | None = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(CERTIFICATE)
        self._closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        """The address of a service catalog on it."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}/u2c/api/v1"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):  # some systems call that not connected
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        # The other side may go at any time: that is what these tests are about.
        with contextlib.suppress(OSError), sock:
            sock.settimeout(10)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            with sock:
                request = _read_request(sock)
                if request:
                    self.requests.append(request)
                    self._behavior(Connection(sock, request, self._closing))


def _read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        part = sock.recv(65536)
        if not part:
            return b""
        body += part
        data += part
    return data
