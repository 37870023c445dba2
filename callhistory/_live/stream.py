"""A websocket's protocol over a socket that does not block.

websockets has the protocol without sockets, and connections with a thread and four open files of
their own. Here, one thread moves the bytes between the protocol and a socket.
"""

from __future__ import annotations

import contextlib
import selectors
import ssl
from collections import deque
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.sync.client import SSLSSLSocket

# Neither epoll nor kqueue, which would need an open file of its own.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PART = 64 * 1024
_MOST_UNSENT = 16 * 1024 * 1024  # bytes; an acknowledgement has about a hundred


class Stream:
    """A websocket's protocol over a socket that does not block.

    Args:
        sock: the socket.
        protocol: the protocol; its request has not been sent.

    Attributes:
        protocol: the protocol.
        messages: the messages that have been read.
    """

    def __init__(self, sock: Any, protocol: ClientProtocol) -> None:
        sock.settimeout(0)
        self._sock = sock
        # What a tunnel in TLS is asked to write, it writes to a socket that must block. (It also
        # answers a renewal of keys so: with unsent data, that may break the connection.)
        self._tunnel = sock if isinstance(sock, SSLSSLSocket) else None
        self._sink = sock if self._tunnel is None else self._tunnel.ssl_socket
        self.protocol = protocol
        self.messages: deque[str | bytes] = deque()
        self._fragments = bytearray()
        self._is_text = False
        self._texts: deque[str] = deque()
        self._outgoing = bytearray()
        self._has_failed = False  # nothing is sent after a frame that may have been cut
        self._selector = _Selector()
        self._selector.register(sock.fileno(), selectors.EVENT_READ)
        self._awaited = selectors.EVENT_READ

    @property
    def has_ended(self) -> bool:
        """Whether the other side has closed, broken the protocol, been lost, or takes nothing."""
        protocol = self.protocol
        is_over = protocol.close_rcvd is not None or protocol.parser_exc is not None
        return is_over or len(self._outgoing) > _MOST_UNSENT

    @property
    def has_unsent(self) -> bool:
        """Whether the socket has not taken everything yet."""
        return bool(self._outgoing)

    def read(self) -> bool:
        """Send what is waiting to be sent, and read what has arrived; return whether any has."""
        self.flush()
        try:
            data = self._sock.recv(_PART)
        except _WOULD_BLOCK:
            return False
        except OSError:
            data = b""
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Frame):
                self._collect(event)
        self.flush()  # what the protocol itself answers: a ping, a close, a breach
        return True

    def send(self, text: str) -> None:
        """Send a text frame: when there are no messages left, or before the next read or close."""
        self._texts.append(text)
        if not self.messages:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting to be sent, as far as the socket takes it."""
        # Not as each text comes: for each, the operating system is asked for a mask. Meanwhile
        # another thread may run, and to switch threads for each event doubles what it costs.
        while self._texts:
            text = self._texts.popleft()
            if self.protocol.state is State.OPEN:
                self.protocol.send_text(text.encode())
        data = b"".join(self.protocol.data_to_send())
        self._outgoing += data if self._tunnel is None else _encrypted(data, self._tunnel)
        try:
            while self.has_unsent and not self._has_failed:
                del self._outgoing[: self._sink.send(self._outgoing)]
        except _WOULD_BLOCK:
            pass
        except OSError:  # the next read finds out how it ended, after all frames before
            self._has_failed = True
            self._outgoing.clear()

    def say_goodbye(self) -> None:
        """Send a close frame, unless either side has sent one."""
        self.flush()
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(1000)
            self.flush()

    def wait(self, timeout: float) -> bool:
        """Wait until there is something to read or to write again; return whether there is."""
        awaited = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.has_unsent else 0)
        if awaited != self._awaited:
            self._selector.modify(self._sock.fileno(), awaited)
            self._awaited = awaited
        return bool(self._selector.select(timeout))

    def close(self) -> None:
        """Close the socket."""
        self._selector.close()
        self._sock.close()

    def _collect(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return
        data = frame.data
        if not frame.fin or frame.opcode is Opcode.CONT:
            self._fragments += data
            data = self._fragments
        if frame.fin:
            self.messages.append(_message(data, is_text=self._is_text))
            self._fragments = bytearray()


def _encrypted(data: bytes, tunnel: SSLSSLSocket) -> bytes:
    while data:
        data = data[tunnel.ssl_object.write(data) :]
    return tunnel.outgoing.read()


def _message(data: Any, *, is_text: bool) -> str | bytes:
    if is_text:
        with contextlib.suppress(UnicodeDecodeError):
            return str(data, "utf-8")
    return bytes(data)
