"""How long an answer may take: each read has a timeout, and all of them together a deadline.

A server that sends a byte now and then meets every read timeout. So the file that an answer is
read from shortens the socket's timeout to what is left: the status line, the headers and the
body, over TLS or not, all come through it.
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

# An answer takes at most this many read timeouts.
READ_TIMEOUTS_AN_ANSWER = 4
_KEPT = 32  # connections to a host that are kept for another request


class _Deadline(io.RawIOBase):
    """A socket's file whose reads end when the answer's time is up."""

    def __init__(self, file: socket.SocketIO, sock: socket.socket) -> None:
        self._file = file
        self._sock = sock
        self._timeout = sock.gettimeout()
        if self._timeout is not None:
            self._end = time.monotonic() + READ_TIMEOUTS_AN_ANSWER * self._timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._timeout is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(min(left, self._timeout))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Waiting:
    """The sockets that answers are, or were, read from. Any thread may end them all."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._over = False
        self._lock = threading.Lock()

    def add(self, sock: Any) -> None:
        with self._lock:
            self._sockets.add(sock)
        if self._over:
            _shut_down(sock)

    def end(self) -> None:
        with self._lock:
            self._over = True
            sockets = list(self._sockets)
        for sock in sockets:
            _shut_down(sock)


def _shut_down(sock: Any) -> None:
    while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
        sock = sock.socket  # TLS within TLS, on the way through a proxy
    with contextlib.suppress(OSError):  # it is down already
        # Not the TLS layer's own, which would pull it away under the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, waiting: _Waiting, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Deadline(sock.makefile("rb", buffering=0), sock))
        waiting.add(sock)


def _patient(base: type[HTTPConnection], waiting: _Waiting) -> type[HTTPConnection]:
    def connect(connection: HTTPConnection) -> None:
        base.connect(connection)
        waiting.add(connection.sock)  # of one that has ended meanwhile, nothing is sent

    response = staticmethod(functools.partial(_Response, waiting=waiting))
    return type("Patient", (base,), {"response_class": response, "connect": connect})


class PatientAdapter(HTTPAdapter):
    """The adapter of requests, with a deadline for each answer. It retries nothing.

    Args:
        like: the one in whose place it is; it has as many connections, or more where it may.
    """

    def __init__(self, like: HTTPAdapter | None = None) -> None:
        self._waiting = _Waiting()
        pools = {} if like is None else {name: getattr(like, name) for name in like.__attrs__}
        size, block = pools.get("_pool_maxsize", 0), pools.get("_pool_block", False)
        super().__init__(
            pools.get("_pool_connections", DEFAULT_POOLSIZE),
            size if block else max(size, _KEPT),
            max_retries=0,
            pool_block=block,
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self._be_patient(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those make connections of their own
            self._be_patient(manager)
        return manager

    def interrupt(self) -> None:
        """Let nobody wait for an answer any longer; it is of no use after."""
        self._waiting.end()

    def _be_patient(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            scheme: type(
                f"Patient{pool.__name__}",
                (pool,),
                {"ConnectionCls": _patient(connection, self._waiting)},
            )
            for scheme, pool, connection in (
                ("http", HTTPConnectionPool, HTTPConnection),
                ("https", HTTPSConnectionPool, HTTPSConnection),
            )
        }
