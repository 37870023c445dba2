"""Scripted faults: what goes wrong with the next requests."""

from __future__ import annotations

import itertools
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from threading import TIMEOUT_MAX, Event, Lock
from typing import Any

import attrs
from werkzeug.wrappers import Response

# On, for zero seconds: what is left to send is dropped, and the other side gets a reset.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def _at_least(least: float) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
        if value is not None and not value >= least:
            raise ValueError(f"{attribute.name} must be at least {least}")

    return check


def _whole(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int:
        raise ValueError(f"{attribute.name} must be a whole number")


@attrs.frozen(kw_only=True)
class Fault:
    """One scripted fault, see `Sandbox.fail_next`."""

    path: str
    method: str | None = None
    status: int | None = None
    times: int = attrs.field(default=1, validator=[_whole, _at_least(1)])
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = None
    delay: float | None = attrs.field(default=None, validator=_at_least(0))
    reset: bool = False
    lose: bool = False
    raw: bytes | None = None
    truncate: bool = False
    drip: float | None = attrs.field(default=None, validator=_at_least(0))
    endless: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        spoiling = (self.truncate, self.drip is not None, self.endless)
        without = self.reset or self.lose or self.raw is not None
        if sum((*spoiling, without)) > 1:
            raise ValueError(
                "only one of truncate, drip and endless can be done to a reply, "
                "and none where reset, lose or raw let there be none"
            )
        if without and (self.status is not None or self.body is not None):
            raise ValueError("where reset, lose or raw let there be no reply, it has no status")
        if self.lose and self.raw is not None:
            raise ValueError("a reply is either lost, or raw bytes")

    def matches(self, method: str, path: str) -> bool:
        """Whether it is meant for such a request."""
        return self.path in path and self.method in (None, method)

    def pause(self, closing: Event) -> bool:
        """Wait as long as the script says; whether the server is closing now."""
        return bool(self.delay) and closing.wait(min(self.delay or 0.0, TIMEOUT_MAX))

    def answer(self) -> Response | None:
        """Give the scripted answer; ``None`` if it is the real one that is wanted."""
        if self.status is None and self.body is None:
            return None
        status = self.status or HTTPStatus.OK
        body = self.body
        if body is None:
            message = f"Scripted: {status}"
            body = json.dumps({"message": message, "errors": [{"description": message}]}).encode()
        empty = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        return Response(b"" if empty else body, status, content_type="application/json")

    def spoil(self, answer: Response, closing: Event) -> Response:
        """Do to an answer what the script says."""
        for name, value in self.headers.items():
            answer.headers[name] = value
        if self.truncate:
            _truncate(answer)
        elif self.drip is not None:
            answer.headers.remove("Content-Length")
            answer.response = _drip(answer.get_data(), self.drip, closing)
        elif self.endless:
            answer.headers.remove("Content-Length")
            answer.response = _endless(answer.get_data(), closing)
        return answer


class Faults:
    """The faults that are still to come; any thread may call it."""

    def __init__(self) -> None:
        self._scripted: list[Fault] = []
        self._lock = Lock()

    def script(self, fault: Fault) -> None:
        """Add a fault after those that are there."""
        with self._lock:
            self._scripted.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """Use up the first fault that is meant for a request."""
        with self._lock:
            for index, fault in enumerate(self._scripted):
                if fault.matches(method, path):
                    if fault.times > 1:
                        self._scripted[index] = attrs.evolve(fault, times=fault.times - 1)
                    else:
                        del self._scripted[index]
                    return fault
        return None

    def clear(self) -> None:
        """Forget all faults that have not happened yet."""
        with self._lock:
            self._scripted.clear()


def break_off(connection: socket.socket, raw: bytes, *, hard: bool) -> None:
    """Send what there is to send, and end a connection.

    Raises:
        ConnectionError: always; the server takes it for a client that has gone.
    """
    connection.sendall(raw)
    if hard:
        reset(connection)
    else:
        connection.shutdown(socket.SHUT_RDWR)  # the server would wait for another request
    raise ConnectionResetError


def reset(connection: socket.socket) -> None:
    """End a connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    # Its files would keep a closed socket open, and the server would end it in good order.
    socket.close(connection.detach())


def _truncate(answer: Response) -> None:
    whole = answer.get_data()
    answer.set_data(whole[: len(whole) // 2])
    answer.headers["Content-Length"] = str(max(len(whole), 1))


def _endless(body: bytes, closing: Event) -> Iterator[bytes]:
    yield body
    blanks = b" " * 65_536
    while not closing.is_set():
        yield blanks
    raise ConnectionAbortedError


def _drip(body: bytes, seconds: float, closing: Event) -> Iterator[bytes]:
    # Blanks may follow a JSON document: the end never comes.
    for byte in itertools.chain(body, itertools.repeat(ord(" "))):
        yield bytes([byte])
        if closing.wait(seconds):
            raise ConnectionAbortedError  # an end in good order would pass for a whole answer
