"""The server's side of a websocket, which sends events as fast as the client takes them.

Events are encoded before they are sent, many in one write. The thread that reads never waits for
the one that writes, so acknowledgements and pings are read however slow the client is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Self

from attrs import frozen

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_WRITE = 256 * 1024
_LONGEST = 120.0  # seconds until all events must be acknowledged


@frozen
class Events:
    """Events that are ready to be sent.

    Attributes:
        ids: their ids.
        writes: their frames, many at once; a pong can go between two of these.
    """

    ids: list[str]
    writes: list[bytes]

    @classmethod
    def encode(cls, envelopes: Iterable[tuple[str, bytes]]) -> Self:
        """Encode envelopes, of which there are the ids and the texts."""
        ids: list[str] = []
        joined = [bytearray()]
        for identifier, text in envelopes:
            ids.append(identifier)
            joined[-1] += _frame(text)
            if len(joined[-1]) >= _WRITE:
                joined.append(bytearray())
        return cls(ids, [bytes(data) for data in joined if data])


class Pump:
    """A websocket to one client.

    Args:
        connection: the TCP connection.
        head: the request for the upgrade.
        pumps: where it puts itself, by its token, when it has that.
    """

    def __init__(self, connection: socket.socket, head: bytes, pumps: dict[str, Pump]) -> None:
        self._pumps = pumps
        self._socket = connection
        self._unsent: deque[bytes] = deque()
        self._has_unsent = threading.Semaphore(0)
        self._unacknowledged: set[str] = set()
        self._complete = threading.Event()
        key = re.search(rb"sec-websocket-key: *(\S+)", head, re.IGNORECASE)
        assert key is not None
        accept = base64.b64encode(hashlib.sha1(key[1] + _ACCEPT).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def serve(self) -> None:
        """Read until the client is gone."""
        threading.Thread(target=self._write, daemon=True).start()
        try:
            for opcode, payload in _frames(self._socket):
                if opcode == _TEXT:
                    self._take(payload)
                elif opcode == _PING:
                    self._send_first(_frame(payload, _PONG))
                elif opcode == _CLOSE:
                    self._send_first(_frame(payload, _CLOSE))
                    return
        finally:
            self._unsent.append(b"")
            self._has_unsent.release()

    def send_all(self, events: Events) -> None:
        """Send events, and wait until each was acknowledged."""
        self._unacknowledged = set(events.ids)
        self._complete.clear()  # the acknowledgement of the readiness had set it
        for data in events.writes:
            self._unsent.append(data)
            self._has_unsent.release()
        if not self._complete.wait(_LONGEST):
            raise SystemExit(f"{len(self._unacknowledged):,} events were not acknowledged")

    def _take(self, payload: bytes) -> None:
        message = json.loads(payload)
        if message["type"] == "ack":
            self._unacknowledged.discard(message["messageId"])
            if not self._unacknowledged:
                self._complete.set()
        elif message["type"] == "ping":
            self._send_first(_text({"id": message["id"], "type": "pong"}))
        elif message["type"] == "authorization":
            self._pumps[message["data"]["token"].removeprefix("Bearer ")] = self
            data = {"eventType": "mercury.buffer_state", "bufferState": {}}
            self._send_first(_text({"id": str(uuid.uuid4()), "data": data}))

    def _send_first(self, frame: bytes) -> None:
        self._unsent.appendleft(frame)
        self._has_unsent.release()

    def _write(self) -> None:
        try:
            while self._has_unsent.acquire():
                data = self._unsent.popleft()
                if not data:
                    self._socket.shutdown(socket.SHUT_RDWR)
                    return
                self._socket.sendall(data)
        except OSError:
            pass  # the client is gone


def _text(document: object) -> bytes:
    return _frame(json.dumps(document).encode())


def _frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def _frames(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Yield the opcode and the payload of each frame of a client; none of ours is fragmented."""
    data = b""
    while received := connection.recv(256 * 1024):
        data += received
        start = 0
        while len(data) >= start + 2:
            size, begin = data[start + 1] & 0x7F, start + 2
            if size == 126:
                size, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
            end = begin + 4 + size
            if size == 127 or len(data) < end or begin > len(data):
                break
            mask = data[begin : begin + 4] * (size // 4 + 1)
            masked = int.from_bytes(data[begin + 4 : end]) ^ int.from_bytes(mask[:size])
            yield data[start] & 0x0F, masked.to_bytes(size)
            start = end
        data = data[start:]
