"""One connection: a websocket that one thread opens, reads, answers and closes."""

from __future__ import annotations

import contextlib
import math
import ssl
import threading
import time

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.protocol import State

from .._errors import ListenError
from .._http.retry import retry_after
from .._http.transport_errors import no_answer
from .._http.trusted_hosts import host_and_port
from .._limits import USUAL, Limits
from .._redaction import public_words
from .connection_opening import Handle, open_stream
from .reconnect import Ended
from .stream import Stream


class ConnectionEnded(Exception):  # noqa: N818 - it never leaves the listener
    """The connection ended, or could not be opened.

    Attributes:
        ended: how it ended.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class WebSocket:
    """A websocket to one address. One thread at a time opens, reads, writes and closes it.

    Any other thread may call :meth:`hang_up` and :meth:`abort`.

    Args:
        url: the address; the caller must check that it may see the token.
        proxy: the proxy to use, if any.
        tls: the TLS settings for a ``wss`` address, also for a proxy that is reached over TLS.
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
        self._handle = Handle()
        self._lock = threading.Lock()  # held while the stream is used, but not while it waits
        self._stream: Stream | None = None
        self._user: int | None = None  # the thread that opens or reads it
        self._close_by: float | None = None
        self._closing = False
        self._closed = threading.Event()

    def open(self, tcp_timeout: float) -> None:
        """Connect within ``open_timeout``, and to the server or the proxy within ``tcp_timeout``.

        Raises:
            ConnectionEnded: it could not be opened.
        """
        try:
            self._user = threading.get_ident()
            self._stream = open_stream(
                self._url, self._proxy, self._tls, self._handle, tcp_timeout, self._limits
            )
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
            reason = "a SOCKS proxy for live events needs the package python-socks"
            ended = Ended(error=ListenError(None, reason), reason=reason)
        else:
            if not self._closing:
                return
            ended = Ended(reason="closed")
        self.close()
        raise ConnectionEnded(ended)

    def send(self, text: str) -> None:
        """Send a frame, unless the connection has ended.

        While there are messages to :meth:`take`, it waits, to be sent with those that follow.
        Nothing blocks: what the other side does not take yet is sent as soon as it does.
        """
        stream = self._stream
        if stream is None:
            return
        with self._lock:
            stream.send(text)

    @property
    def has_messages(self) -> bool:
        """Whether there are messages to :meth:`take`."""
        return self._stream is not None and bool(self._stream.messages)

    def take(self) -> str | bytes | None:
        """Return the next message that was read together with an earlier one, if there is one."""
        stream = self._stream
        return stream.messages.popleft() if stream is not None and stream.messages else None

    def receive(self, timeout: float) -> str | bytes:
        """Return the next message: ``str``, or ``bytes`` if it is binary or not UTF-8.

        Raises:
            TimeoutError: no message arrived within ``timeout`` seconds.
            ConnectionEnded: the connection has ended.
        """
        stream = self._stream
        if stream is None:
            raise ConnectionEnded(Ended(reason="closed"))
        deadline = time.monotonic() + timeout
        while (message := self.take()) is None:
            if stream.has_ended:
                raise ConnectionEnded(_end_of(stream.protocol))
            self._read_or_wait(stream, deadline)
        return message

    def _read_or_wait(self, stream: Stream, deadline: float) -> None:
        """Read what has arrived; if nothing has, wait until something does.

        Reading comes first, as TLS may have in its buffer what the socket no longer shows.

        Raises:
            TimeoutError: the deadline has passed, and no message has arrived.
            ConnectionEnded: the other side has not answered the closing handshake in time.
        """
        with self._lock:
            self._user = threading.get_ident()
            close_by = self._say_goodbye(stream) if self._closing else math.inf
            has_read = stream.read()
        now = time.monotonic()
        if now >= close_by:
            raise ConnectionEnded(Ended(reason="the connection was lost"))
        if stream.messages or (self._closing and close_by == math.inf):  # asked within the read
            return
        if now >= deadline:
            raise TimeoutError
        if not has_read:
            stream.wait(min(deadline, close_by) - now)

    def hang_up(self) -> None:
        """End it within about a second, with a closing handshake; any thread may call it.

        The thread that opens or reads it finds out, and must still :meth:`close` it.
        """
        self._closing = True
        stream = self._stream
        if stream is None:
            self.abort()
        elif threading.get_ident() != self._user:
            # With a timeout, as a signal's handler may interrupt this and call it again.
            if self._lock.acquire(timeout=self._limits.close_timeout):
                try:
                    self._say_goodbye(stream)
                finally:
                    self._lock.release()
                self._closed.wait(self._limits.close_timeout)
            self.abort()
        # Else it says goodbye before it reads on: this may be an object's finalizer, which Python
        # runs anywhere, even within a read.

    def _say_goodbye(self, stream: Stream) -> float:
        """Send the close frame, if it has not been sent; return until when to wait for its answer.

        The lock must be held.
        """
        stream.say_goodbye()
        if self._close_by is None:
            self._close_by = time.monotonic() + self._limits.close_timeout
        return self._close_by

    def close(self) -> None:
        """Close it within about a second; only the thread that opens or reads it may call it.

        It waits for the other side to close, as TCP may discard what was sent last if data arrives
        at a closed socket.
        """
        self._closing = True
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(ConnectionEnded):
                while stream.protocol.state is not State.CLOSED:
                    stream.messages.clear()
                    self._read_or_wait(stream, math.inf)
            self._handle.hold(None)
            stream.close()
        self.abort()
        self._closed.set()

    def abort(self) -> None:
        """End it at once, without a closing handshake; any thread may call it."""
        self._handle.abort()


def _end_of(protocol: ClientProtocol) -> Ended:
    received = protocol.close_rcvd
    if received is None:
        return Ended(reason="the connection was lost")
    said = public_words(received.reason)  # a server may echo what we sent
    reason = said or f"Webex closed the connection with {int(received.code)}"
    return Ended(code=int(received.code), reason=reason)


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
