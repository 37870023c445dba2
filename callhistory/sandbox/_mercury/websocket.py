"""One websocket, seen from the server's side."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from threading import Event, Lock
from typing import Literal

from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import enable_server_permessage_deflate
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from callhistory.sandbox._faults.http_faults import reset

_CHUNK = 65536
_PIECE = 64  # bytes that a slow connection sends at a time

# The log of the websockets library would show tokens and names.
_SILENT = logging.Logger("callhistory.sandbox.websocket")
_SILENT.disabled = True


class WebSocket:
    """A TCP connection, and the websocket protocol on it.

    One thread reads it with `events` and closes it in the end with `release`. Any thread may call
    the other methods; they wait for a client that hangs no longer than the timeout.

    Args:
        connection: the TCP connection.
        timeout: the seconds for the client to read what was sent, and to answer a close frame.

    Attributes:
        was_asked: whether the client has asked for the upgrade.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        connection.settimeout(timeout)
        self._timeout = timeout
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._socket = connection
        self._protocol = ServerProtocol(
            extensions=enable_server_permessage_deflate(None), logger=_SILENT
        )
        self._writing = Lock()
        self.was_asked = False
        self._silent = False
        self._pause = 0.0
        self._over = Event()  # ends a pause
        self._unsent: list[bytes] = []
        self._closing_at: float | None = None
        self._unlisted_close: tuple[int, str] | None = None
        self._hung_up = False
        self._resetting = False

    @property
    def is_open(self) -> bool:
        """Whether frames can be sent: after the upgrade, and before either side closes."""
        closing = self._hung_up or self._closing_at is not None
        return self._protocol.state is State.OPEN and not closing

    @property
    def ending(self) -> tuple[int, str, Literal["client", "sandbox"]]:
        """How it ended: the code and reason of the first close frame, and who ended it.

        The code is 1005 if the frame had none, and 1006 if there was no frame.
        """
        if self._unlisted_close is not None:
            return *self._unlisted_close, "sandbox"
        first_is_theirs = bool(self._protocol.close_rcvd_then_sent)
        close = self._protocol.close_rcvd if first_is_theirs else self._protocol.close_sent
        if close is None:
            return int(CloseCode.ABNORMAL_CLOSURE), "", "sandbox" if self._hung_up else "client"
        return int(close.code), close.reason, "client" if first_is_theirs else "sandbox"

    def events(self) -> Iterator[Request | str | bytes]:
        """Yield the request for the upgrade, then messages, until the connection has ended."""
        fragments: list[Frame] = []
        for event in self._received():
            if isinstance(event, Request):
                self.was_asked = True
                yield event
            elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                fragments.append(event)
                if event.fin:
                    content = b"".join(fragment.data for fragment in fragments)
                    is_text = fragments[0].opcode is Opcode.TEXT
                    fragments.clear()
                    yield content.decode(errors="replace") if is_text else content

    def _received(self) -> Iterator[Request | Frame]:
        while not self._resetting and not self._is_overdue():
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            with self._writing:
                self._protocol.receive_data(data)
                events = self._protocol.events_received()
                self._flush()
            yield from (event for event in events if not isinstance(event, Response))

    def _is_overdue(self) -> bool:
        closing_at = None if self._silent else self._closing_at
        return closing_at is not None and time.monotonic() - closing_at > self._timeout

    def accept(self, request: Request) -> Response:
        """Return the answer to a request for an upgrade; its status is 101 for a valid request."""
        return self._protocol.accept(request)

    def respond(self, response: Response) -> None:
        """Send the answer to the request for an upgrade; any status but 101 ends the connection."""
        with self._writing:
            self._protocol.send_response(response)
            self._flush()

    def send(self, content: str | bytes, *, as_text: bool, record: Callable[[], object]) -> None:
        """Send a message, unless the websocket is silent or closing.

        Args:
            content: the message.
            as_text: whether to send a text frame or a binary one.
            record: called before the message is sent, if it is sent.
        """
        payload = content.encode() if isinstance(content, str) else content
        with self._writing:
            if self.is_open and not self._silent:
                record()
                send = self._protocol.send_text if as_text else self._protocol.send_binary
                send(payload)
                self._flush()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, also if the websocket is silent; do nothing if it is closing.

        Args:
            code: from 0 to 65535; 1005 for a close frame without a code, 1006 for no close frame.
            reason: at most 123 bytes.
        """
        with self._writing:
            self._close(code, reason)

    def close_unless_blocked(self, code: int, reason: str) -> bool:
        """Send a close frame if that needs no waiting, and return whether it was sent."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            if not self.is_open or not self._is_writable():
                return False
            self._close(code, reason)
            return True
        finally:
            self._writing.release()

    def _close(self, code: int, reason: str) -> None:
        if not self.is_open:
            return
        self._silent = False
        if code == CloseCode.ABNORMAL_CLOSURE:
            self.hang_up()
        elif code == CloseCode.NO_STATUS_RCVD:
            self._protocol.send_close()
        elif _may_be_sent(code):
            self._protocol.send_close(code, reason)
        else:
            # The library refuses to send this code; other servers may send it.
            self._closing_at = time.monotonic()
            self._unlisted_close = code, reason
            frame = Frame(Opcode.CLOSE, struct.pack("!H", code) + reason.encode())
            self._unsent.append(frame.serialize(mask=False))
        self._flush()

    def _is_writable(self) -> bool:
        if self._socket.fileno() < 0:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_WRITE)
            return bool(selector.select(0))

    def go_silent(self) -> None:
        """Send nothing more, not even what the protocol requires."""
        with self._writing:
            self._silent = True

    def speak_again(self) -> None:
        """End the silence, and send what the protocol has required in the meantime."""
        with self._writing:
            self._silent = False
            self._flush()

    def slow_down(self, pause: float) -> None:
        """Send in small pieces from now on, with a pause in seconds in between; 0 ends it."""
        with self._writing:
            self._pause = pause

    def drop(self) -> None:
        """End the connection with a TCP reset."""
        self._hung_up = self._resetting = True
        # Closing would not wake the thread that reads; this does, and that thread does the rest.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def hang_up(self) -> None:
        """End the connection without a close frame."""
        self._hung_up = True
        self._shut()

    def release(self) -> None:
        """Close the socket."""
        with self._writing:
            self._protocol.receive_eof()
            with contextlib.suppress(OSError):
                if self._resetting:
                    reset(self._socket)
            self._socket.close()

    def _flush(self) -> None:
        self._unsent += self._protocol.data_to_send()
        if self._closing_at is None and self._protocol.close_expected():
            self._closing_at = time.monotonic()
        if self._silent:
            return
        unsent, self._unsent = self._unsent, []
        try:
            for data in unsent:
                if data and not self._pause:
                    self._socket.sendall(data)
                elif data:
                    for start in range(0, len(data), _PIECE):
                        self._socket.sendall(data[start : start + _PIECE])
                        self._over.wait(self._pause)
                else:
                    self._socket.shutdown(socket.SHUT_WR)
        except TimeoutError:
            # The client hangs. Half a frame may have been sent, so nothing can follow it.
            self.hang_up()
        except OSError:
            self._shut()

    def _shut(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def _may_be_sent(code: int) -> bool:
    try:
        Close(code, "").check()
    except ProtocolError:
        return False
    return True
