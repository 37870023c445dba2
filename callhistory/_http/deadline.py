"""Answers bounded in time: each read has a timeout, and all reads of an answer have a deadline.

A server that sends a byte now and then meets every read timeout, and requests and urllib3 have no
other. So the file that an answer is read from shortens the socket's timeout to what is left: the
status line, the headers and the body, over TLS or not, all come through it.

urllib3 names the classes of its connections and their responses (``pool_classes_by_scheme``,
``ConnectionCls``, ``response_class``) without promising them, and http.client the file ``fp``;
there is no public way to the socket's file before the status line is read.
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

_CONNECTIONS_KEPT = 32  # to a host, for another request


class DeadlineFile(io.RawIOBase):
    """A socket's file whose reads end when the answer's time is up.

    Args:
        file: the file.
        sock: its socket, whose timeout is the read timeout.
        read_timeouts: how many of those an answer may take in all.
    """

    def __init__(self, file: socket.SocketIO, sock: socket.socket, read_timeouts: float) -> None:
        self._file = file
        self._sock = sock
        self._timeout = sock.gettimeout()
        if self._timeout is not None:
            self._deadline = time.monotonic() + read_timeouts * self._timeout

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes.

        Raises:
            TimeoutError: the read timeout or the deadline has passed.
        """
        if self._timeout is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(min(left, self._timeout))
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class OpenSockets:
    """The sockets that answers are, or were, read from. Any thread may shut them all down."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._is_shut_down = False
        self._lock = threading.Lock()

    def add(self, sock: Any) -> None:
        """Add a socket; it is shut down at once if the others were."""
        with self._lock:
            self._sockets.add(sock)
        if self._is_shut_down:
            _shut_down(sock)

    def shut_down(self) -> None:
        """Shut all sockets down, those to come included: whoever reads from one is told."""
        with self._lock:
            self._is_shut_down = True
            sockets = list(self._sockets)
        for sock in sockets:
            _shut_down(sock)


def _shut_down(sock: Any) -> None:
    while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
        sock = sock.socket  # TLS within TLS, on the way through a proxy
    with contextlib.suppress(OSError):  # it is down already
        # Not the TLS layer's own, which would pull it away under the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests, with a deadline for each answer. It retries nothing.

    Args:
        like: the adapter that it stands in for; it has as many connections, or more where it may.
        read_timeouts: how many read timeouts an answer may take in all.
    """

    def __init__(self, like: HTTPAdapter | None = None, read_timeouts: float = 4) -> None:
        self._read_timeouts = read_timeouts
        self._open_sockets = OpenSockets()
        # How large the pools are, an adapter tells nobody but pickle.
        pools = {} if like is None else {name: getattr(like, name) for name in like.__attrs__}
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
        if not proxy.lower().startswith("socks"):  # those make connections of their own
            self._bound(manager)
        return manager

    def interrupt(self) -> None:
        """End the wait for every answer; the adapter is of no use after that."""
        self._open_sockets.shut_down()

    def _bound(self, manager: PoolManager) -> None:
        """Replace the classes of connections that a manager uses by those with a deadline."""
        manager.pool_classes_by_scheme = {
            scheme: type(
                f"Deadline{pool.__name__}", (pool,), {"ConnectionCls": self._with_deadline(base)}
            )
            for scheme, pool, base in (
                ("http", HTTPConnectionPool, HTTPConnection),
                ("https", HTTPSConnectionPool, HTTPSConnection),
            )
        }

    def _with_deadline(self, base: type[HTTPConnection]) -> type[HTTPConnection]:
        open_sockets = self._open_sockets
        read_timeouts = self._read_timeouts

        def connect(connection: HTTPConnection) -> None:
            base.connect(connection)
            open_sockets.add(connection.sock)  # if they were shut down, nothing is sent over it

        response_class = functools.partial(
            _Response, open_sockets=open_sockets, read_timeouts=read_timeouts
        )
        attributes = {"response_class": staticmethod(response_class), "connect": connect}
        return type(f"Deadline{base.__name__}", (base,), attributes)


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
