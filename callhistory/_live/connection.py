"""One connection: a blocking websocket, opened, read, written and closed from several threads.

websockets promises neither the methods that :class:`_Connection` and :class:`_Opening` override
nor the attributes that they set. There is no public way to distinguish text messages from binary
ones without decoding them, to abort an attempt to connect from another thread, to refuse a
redirect, or to prevent OpenSSL from losing data sent while it reads the tickets of TLS 1.3.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from typing import Any, cast

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, reconnect
from websockets.sync.utils import Deadline

from .._errors import ListenError
from .._http.retry import retry_after
from .._http.transport_errors import no_answer
from .._http.trusted_hosts import host_and_port
from .._limits import USUAL, Limits
from .._redaction import public_words
from .reconnect import Ended

# websockets logs frames, and the first frame has the token.
_SILENT = logging.Logger("callhistory.websocket")
_SILENT.disabled = True
# Not epoll, which keeps waiting when another thread closes the socket.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class ConnectionEnded(Exception):  # noqa: N818 - it never leaves the listener
    """The connection ended, or could not be opened.

    Attributes:
        ended: how it ended.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class _Connection(ClientConnection):
    """A connection that remembers which of its messages were text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.are_text: deque[bool] = deque()
        self._has_sent = threading.Event()
        super().__init__(*args, **kwargs)
        self.recv_events_thread.name = "callhistory-socket"
        self.pending_legacy_warning = False  # another thread closes it, without a "with"

    def recv_events(self) -> None:
        # OpenSSL loses what one thread writes while another reads the tickets of TLS 1.3. They
        # arrive before the response to the upgrade, so no read begins before the request is sent.
        self._has_sent.wait()
        super().recv_events()

    def send_data(self) -> None:
        try:
            super().send_data()
        finally:
            self._has_sent.set()

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.are_text.append(event.opcode is Opcode.TEXT)
        super().process_event(event)


class _Opening(reconnect):
    """An attempt to connect that another thread can abort, and that follows no redirect."""

    def __init__(self, *args: Any, tcp_timeout: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tcp_timeout = tcp_timeout
        self._lock = threading.Lock()
        self._aborted = False
        self._handle: socket.socket | None = None

    def open_socket(self, deadline: Deadline) -> socket.socket:
        sock = super().open_socket(Deadline(self._tcp_timeout))
        with self._lock:
            if self._aborted:
                sock.close()
                raise ConnectionAbortedError("closed")
            # TLS takes over the socket and leaves an empty one; this duplicate stays usable.
            self._handle = socket.socket(fileno=socket.dup(sock.fileno()))
        return sock

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc

    def end(self) -> None:
        """Shut the connection down, even while it is being opened; its reads and writes fail."""
        with self._lock:
            self._aborted = True
            if self._handle is not None:
                with contextlib.suppress(OSError):  # it is down already
                    self._handle.shutdown(socket.SHUT_RDWR)
                self._handle.close()


class WebSocket:
    """A websocket to one address.

    Args:
        url: the address; the caller must check that it may see the token.
        proxy: the proxy to use, if any.
        tls: the TLS settings for a ``wss`` address.
        limits: the timeouts, and the largest message.
    """

    def __init__(
        self,
        url: str,
        proxy: str | None,
        tls: ssl.SSLContext | None,
        limits: Limits = USUAL,
    ) -> None:
        self._limits = limits
        self._url = url
        self._proxy = proxy
        self._tls = tls
        self._lock = threading.Lock()
        self._opening: _Opening | None = None
        self._connection: _Connection | None = None
        self._closed = False

    def open(self, tcp_timeout: float) -> None:
        """Connect within ``open_timeout``, and to the server or the proxy within ``tcp_timeout``.

        Raises:
            ConnectionEnded: it could not be opened.
        """
        if self._proxy is not None and self._proxy[:6].lower() == "https:":
            # websockets leaves frames unread in TLS within TLS.
            reason = "live events cannot pass a proxy that is itself reached over TLS (https://)"
            raise ConnectionEnded(_refused(reason))
        try:
            connection = self._begin(tcp_timeout).connect()
        except InvalidStatus as error:
            response = error.response
            # The get() of these headers raises an error for a header that was sent twice.
            headers = {"Retry-After": ", ".join(response.headers.get_all("Retry-After"))}
            ended = Ended(
                status=response.status_code,
                reason=f"the upgrade was answered with {response.status_code}",
                retry_after=retry_after(headers),
            )
        except (OSError, ValueError, WebSocketException) as error:
            problem = no_answer("GET", host_and_port(self._url), error, None)
            ended = Ended(error=problem, reason="no connection")
        except ImportError:
            ended = _refused("a SOCKS proxy for live events needs the package python-socks")
        else:
            with self._lock:
                self._connection = cast(_Connection, connection)
            if not self._is_closed():
                return
            ended = Ended(reason="closed")
        self.close()
        raise ConnectionEnded(ended)

    def _begin(self, tcp_timeout: float) -> _Opening:
        limits = self._limits
        proxy = self._proxy
        if proxy and "://" not in proxy:  # requests takes a bare host and port, too
            proxy = f"http://{proxy}"
        opening = _Opening(
            self._url,
            proxy=proxy,
            ssl=self._tls,
            create_connection=_Connection,
            open_timeout=limits.open_timeout,
            tcp_timeout=min(tcp_timeout, limits.open_timeout),
            close_timeout=limits.close_timeout,
            ping_interval=None,  # Mercury has its own pings
            max_size=limits.largest_response,
            logger=_SILENT,
        )
        with self._lock:
            self._opening = opening
            if self._closed:
                opening.end()
        return opening

    def _is_closed(self) -> bool:
        return self._closed

    def send(self, text: str) -> None:
        """Send a frame, unless the connection has ended.

        :meth:`receive` raises how it ended, after all frames that arrived before.
        """
        connection = self._connection
        if connection is None:
            return
        if not _is_writable(connection.socket, self._limits.send_timeout):
            self.abort()  # the server no longer reads: a send would block for ever
        with contextlib.suppress(ConnectionClosed):
            connection.send(text)

    def receive(self, timeout: float) -> str | bytes:
        """Return the next frame: ``str``, or ``bytes`` for one that is binary or not UTF-8.

        Raises:
            TimeoutError: no frame arrived within ``timeout`` seconds.
            ConnectionEnded: the connection has ended.
        """
        connection = self._open_connection()
        try:
            frame = connection.recv(timeout=max(0.0, timeout), decode=False)
        except ConnectionClosed as error:
            ended = _end_of(error)
        else:
            is_text = connection.are_text.popleft()
            try:
                return frame.decode("utf-8") if is_text else frame
            except UnicodeDecodeError:
                return frame
        raise ConnectionEnded(ended)

    def _open_connection(self) -> _Connection:
        if self._connection is None:
            raise ConnectionEnded(Ended(reason="closed"))
        return self._connection

    def close(self) -> None:
        """Close it within about a second, even while other threads read, write or connect."""
        with self._lock:
            self._closed = True
            connection = self._connection
        if connection is not None:
            # Another thread may hold the connection's lock, in a send that blocks.
            closing = threading.Thread(
                target=connection.close, name="callhistory-closing", daemon=True
            )
            closing.start()
            closing.join(self._limits.close_timeout + 0.5)
        self.abort()

    def abort(self) -> None:
        """End it at once, without a closing handshake."""
        with self._lock:
            opening = self._opening
        if opening is not None:
            opening.end()


def _refused(reason: str) -> Ended:
    return Ended(error=ListenError(None, reason), reason=reason)


def _is_writable(sock: socket.socket, timeout: float) -> bool:
    """Return whether a frame, which is always small, can be sent within the timeout."""
    with _Selector() as selector:
        try:
            selector.register(sock, selectors.EVENT_WRITE)
        except (ValueError, OSError):
            return True  # it is closed, and send() handles that
        return bool(selector.select(timeout))


def _end_of(error: ConnectionClosed) -> Ended:
    if error.rcvd is None:
        return Ended(reason="the connection was lost")
    said = public_words(error.rcvd.reason)  # a server may echo what we sent
    reason = said or f"Webex closed the connection with {int(error.rcvd.code)}"
    return Ended(code=int(error.rcvd.code), reason=reason)


def with_query(url: str, now: float | None = None) -> str:
    """Return an address with the query that Webex expects for a websocket.

    Args:
        url: the device's websocket address.
        now: seconds since 1970; by default, this machine's time.
    """
    stamp = int((time.time() if now is None else now) * 1000)
    parameters = (
        "outboundWireFormat=text&bufferStates=true&aliasHttpStatus=true"
        f"&clientTimestamp={stamp}&multipleConnections=true"
    )
    base = url.partition("#")[0]
    return f"{base}{'&' if '?' in base else '?'}{parameters}"
