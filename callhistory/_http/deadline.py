"""Responses bounded in time: each read has a timeout, and all reads together have a deadline.

A server that sends a byte now and then stays within every read timeout, and requests and urllib3
have no other. So the file that a response is read from shortens the socket's timeout to the time
that is left. The status line, the headers and the body, over TLS or not, all come through it.

This relies on attributes that urllib3 (``pool_classes_by_scheme``, ``ConnectionCls``,
``response_class``) and http.client (``fp``) do not promise: there is no public way to reach the
socket's file before the status line is read.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import socket
import threading
import time
import weakref
from typing import Any

from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_CONNECTIONS_KEPT = 32  # per host, for reuse


class DeadlineFile(io.RawIOBase):
    """A socket's file whose reads end when the time for the response is up.

    Args:
        file: the file.
        sock: its socket, whose timeout is the read timeout.
        read_timeouts: how many read timeouts a response may take in all.
    """

    def __init__(self, file: socket.SocketIO, sock: socket.socket, read_timeouts: float) -> None:
        self._file = file
        self._sock = sock
        self._timeout = sock.gettimeout()
        if self._timeout is not None:
            self._deadline = time.monotonic() + read_timeouts * self._timeout

    def readable(self) -> bool:
        """Return ``True``: the file can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes.

        Raises:
            TimeoutError: the read timeout or the deadline has passed.
        """
        if self._timeout is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the response took too long")
            self._sock.settimeout(min(left, self._timeout))
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class OpenSockets:
    """The sockets that responses are, or were, read from. Any thread may shut them all down."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._is_shut_down = False
        self._lock = threading.Lock()

    def add(self, sock: Any) -> None:
        """Add a socket; if the others were shut down, shut it down at once."""
        with self._lock:
            self._sockets.add(sock)
        if self._is_shut_down:
            _shut_down(sock)

    def shut_down(self) -> None:
        """Shut down all sockets, and any that are added later; reads from them end."""
        with self._lock:
            self._is_shut_down = True
            sockets = list(self._sockets)
        for sock in sockets:
            _shut_down(sock)


def _shut_down(sock: Any) -> None:
    while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
        sock = sock.socket  # TLS within TLS, through a proxy
    with contextlib.suppress(OSError):  # it is down already
        # Not the TLS layer's own shutdown(), which would break the thread that is reading.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests, with a deadline for each response. It retries nothing.

    Args:
        original: the adapter that it replaces; it keeps at least as many connections.
        read_timeouts: how many read timeouts a response may take in all.
    """

    def __init__(self, original: HTTPAdapter | None = None, read_timeouts: float = 4) -> None:
        self._read_timeouts = read_timeouts
        self._open_sockets = OpenSockets()
        # The attributes that an adapter pickles are the only way to learn the sizes of its pools.
        names = () if original is None else original.__attrs__
        pools = {name: getattr(original, name) for name in names}
        size, block = pools.get("_pool_maxsize", 0), pools.get("_pool_block", False)
        super().__init__(
            pools.get("_pool_connections", DEFAULT_POOLSIZE),
            size if block else max(size, _CONNECTIONS_KEPT),
            max_retries=0,
            pool_block=block,
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Set up the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # SOCKS proxies have their own connections
            self._bound(manager)
        return manager

    def interrupt(self) -> None:
        """End the wait for every response; the adapter cannot be used after that."""
        self._open_sockets.shut_down()

    def _bound(self, manager: PoolManager) -> None:
        """Replace the connections that a manager uses with ones that have a deadline."""
        # Not new classes for each adapter, which take 40 KiB of a listener.
        settings: dict[str, Any] = {
            "open_sockets": self._open_sockets,
            "read_timeouts": self._read_timeouts,
        }
        http = functools.partial(_DeadlineHTTPConnection, **settings)
        https = functools.partial(_DeadlineHTTPSConnection, **settings)
        pools: dict[str, Any] = {
            "http": functools.partial(_pool, HTTPConnectionPool, http),
            "https": functools.partial(_pool, HTTPSConnectionPool, https),
        }
        manager.pool_classes_by_scheme = pools


def _pool(kind: type[Any], connection_class: Any, *args: Any, **kwargs: Any) -> Any:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = connection_class
    return pool


class _WithDeadline:
    """What a connection needs for its responses to have a deadline."""

    sock: socket.socket

    def __init__(
        self, *args: Any, open_sockets: OpenSockets, read_timeouts: float, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._open_sockets = open_sockets
        self.response_class = functools.partial(
            _Response, open_sockets=open_sockets, read_timeouts=read_timeouts
        )

    def connect(self) -> None:
        super().connect()  # type: ignore[misc] # it is the connection's
        self._open_sockets.add(self.sock)  # after shut_down(), nothing is sent over it


class _DeadlineHTTPConnection(_WithDeadline, HTTPConnection):  # type: ignore[misc] # sock is set
    pass


class _DeadlineHTTPSConnection(_WithDeadline, HTTPSConnection):  # type: ignore[misc] # sock is set
    pass


class _Response(http.client.HTTPResponse):
    def __init__(
        self,
        sock: socket.socket,
        *args: Any,
        open_sockets: OpenSockets,
        read_timeouts: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        file = DeadlineFile(sock.makefile("rb", buffering=0), sock, read_timeouts)
        self.fp = io.BufferedReader(file)
        open_sockets.add(sock)
