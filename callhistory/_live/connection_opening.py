"""Opening a connection: TCP, proxies, TLS and the upgrade, which another thread can abort.

websockets does not promise the methods of its opener (``open_socket``, ``enable_tls``), its
``Deadline``, nor the inside of its TLS within TLS (``SSLSSLSocket``). There is no other way to open
a connection without a thread of its own, to abort an attempt, or to follow no redirect.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from typing import Any

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame
from websockets.http11 import USER_AGENT
from websockets.protocol import State
from websockets.sync.client import SSLSSLSocket, reconnect
from websockets.sync.utils import Deadline
from websockets.uri import parse_uri

from .._limits import USUAL, Limits
from .stream import Stream

# websockets logs frames, and the first frame has the token.
_SILENT = logging.Logger("callhistory.websocket")
_SILENT.disabled = True


class Handle:
    """A hold on a connection's socket, by which any thread can shut it down."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # an object's finalizer may abort it at any place
        self._sock: socket.socket | None = None
        self._aborted = False

    def hold(self, sock: socket.socket | None) -> None:
        """Hold this socket, which :meth:`abort` shuts down from now on.

        Raises:
            ConnectionAbortedError: it was called already.
        """
        with self._lock:
            self._sock = sock
        if self._aborted and sock is not None:
            raise ConnectionAbortedError("closed")

    def abort(self) -> None:
        """Shut the socket down; reads and writes fail, even those of a handshake."""
        with self._lock:
            self._aborted = True
            if self._sock is not None:
                with contextlib.suppress(OSError):  # it is down already
                    # Not the TLS layer's own shutdown(), which would break the thread that reads.
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


def open_stream(
    url: str,
    proxy: str | None,
    tls: ssl.SSLContext | None,
    handle: Handle,
    tcp_timeout: float,
    limits: Limits = USUAL,
) -> Stream:
    """Return a stream that the other side has accepted.

    Args:
        url: the address; the caller must check that it may see the token.
        proxy: the proxy to use, if any.
        tls: the TLS settings for a ``wss`` address, also for a proxy that is reached over TLS.
        handle: holds the socket from the moment in which there is one.
        tcp_timeout: how long the connection to the server, or to the proxy, may take.
        limits: the timeout of the whole, and the largest message. Through a proxy that is reached
            over TLS, each read of the handshake with the server may take so long.

    Raises:
        OSError, ValueError, WebSocketException: there is no connection.
        InvalidStatus: the upgrade was answered with another status than 101.
        ImportError: the proxy needs another package.
    """
    if proxy and "://" not in proxy:  # requests takes a bare host and port, too
        proxy = f"http://{proxy}"
    over_tls = proxy is not None and proxy[:6].lower() == "https:"
    opener = reconnect(url, ssl=tls, proxy=proxy, proxy_ssl=tls if over_tls else None)
    deadline = Deadline(limits.open_timeout)
    sock = opener.open_socket(Deadline(min(tcp_timeout, limits.open_timeout)))
    try:
        # TLS takes over the socket and leaves an empty one; this duplicate stays usable.
        with socket.socket(fileno=socket.dup(sock.fileno())) as duplicate:
            handle.hold(duplicate)
            duplicate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if opener.ws_uri.secure:
                sock = opener.enable_tls(sock, deadline)
            handle.hold(_tcp_socket(sock))
        stream = Stream(sock, _protocol(url, limits))
        _shake_hands(stream, deadline)
    except BaseException:
        handle.hold(None)
        sock.close()
        raise
    return stream


class _Inflate(PerMessageDeflate):
    """Decompresses what is received, and compresses nothing: our frames are short."""

    def encode(self, frame: Frame) -> Frame:
        """Return the frame as it is."""
        return frame


class _InflateFactory(ClientPerMessageDeflateFactory):
    # A compressor takes 42 KiB of a listener, and makes each acknowledgement five times as slow.
    def process_response_params(self, *args: Any) -> _Inflate:
        """Return the extension with what the server has agreed to."""
        agreed = super().process_response_params(*args)
        return _Inflate(
            remote_no_context_takeover=agreed.remote_no_context_takeover,
            local_no_context_takeover=True,  # without a compressor, there is none to keep
            remote_max_window_bits=agreed.remote_max_window_bits,
            local_max_window_bits=agreed.local_max_window_bits,
        )


def _protocol(url: str, limits: Limits) -> ClientProtocol:
    return ClientProtocol(
        parse_uri(url),
        extensions=[_InflateFactory()],
        max_size=limits.largest_response,
        logger=_SILENT,
    )


def _tcp_socket(sock: Any) -> socket.socket:
    while isinstance(sock, SSLSSLSocket):
        sock = sock.ssl_socket
    found: socket.socket = sock
    return found


def _shake_hands(stream: Stream, deadline: Deadline) -> None:
    """Ask for the upgrade, and wait for the answer.

    Raises:
        TimeoutError: there was none in time.
        WebSocketException: it is no acceptance.
    """
    protocol = stream.protocol
    request = protocol.connect()
    request.headers["User-Agent"] = USER_AGENT
    protocol.send_request(request)
    while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
        if not stream.read():
            stream.wait(deadline.timeout() or 0.0)
    if protocol.handshake_exc is not None:
        raise protocol.handshake_exc
