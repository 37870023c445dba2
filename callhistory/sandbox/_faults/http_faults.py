"""Scripted faults of HTTP replies: the part of `Sandbox` that lets the next requests fail."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from threading import TIMEOUT_MAX, Event
from typing import Any

import attrs
from werkzeug.wrappers import Response

from callhistory.sandbox._faults.script import Script

# On, for zero seconds: unsent data is dropped, and the other side receives a reset.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def _not_negative(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not value >= 0:
        raise ValueError(f"{attribute.name} must be at least 0")


@attrs.frozen(kw_only=True)
class Fault:
    """One scripted fault; `HttpFaults.fail_next` explains its attributes."""

    path: str
    method: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = None
    delay: float | None = attrs.field(default=None, validator=_not_negative)
    reset: bool = False
    lose: bool = False
    raw: bytes | None = None
    truncate: bool = False
    drip: float | None = attrs.field(default=None, validator=_not_negative)
    endless: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        has_no_reply = self.reset or self.lose or self.raw is not None
        if sum((self.truncate, self.drip is not None, self.endless, has_no_reply)) > 1:
            raise ValueError(
                "truncate, drip and endless cannot be combined with each other, "
                "nor with reset, lose or raw, after which there is no reply"
            )
        if has_no_reply and (self.status is not None or self.body is not None):
            raise ValueError("status and body cannot be combined with reset, lose or raw")
        if self.lose and self.raw is not None:
            raise ValueError("lose cannot be combined with raw")

    def matches(self, method: str, path: str) -> bool:
        """Return whether it applies to a request."""
        return self.path in path and self.method in (None, method)

    def pause(self, closing: Event) -> bool:
        """Wait for the scripted delay, and return whether the server is closing."""
        return bool(self.delay) and closing.wait(min(self.delay or 0.0, TIMEOUT_MAX))

    def reply(self) -> Response | None:
        """Return the scripted reply, or ``None`` if the request is to be carried out."""
        if self.status is None and self.body is None:
            return None
        status = self.status or HTTPStatus.OK
        body = self.body
        if body is None:
            message = f"Scripted: {status}"
            body = json.dumps({"message": message, "errors": [{"description": message}]}).encode()
        empty = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        return Response(b"" if empty else body, status, content_type="application/json")

    def spoil(self, reply: Response, closing: Event) -> Response:
        """Return a reply with the scripted headers, and its body cut short or without an end."""
        for name, value in self.headers.items():
            reply.headers[name] = value
        if self.truncate:
            whole = reply.get_data()
            reply.set_data(whole[: len(whole) // 2])
            reply.headers["Content-Length"] = str(max(len(whole), 1))
        elif self.drip is not None:
            reply.headers.remove("Content-Length")
            reply.response = _drip(reply.get_data(), self.drip, closing)
        elif self.endless:
            reply.headers.remove("Content-Length")
            reply.response = _endless(reply.get_data(), closing)
        return reply


class HttpFaults:
    """What a test can let go wrong with HTTP requests."""

    _faults: Script[Fault]

    def fail_next(
        self,
        path: str,
        *,
        method: str | None = None,
        status: int | None = None,
        times: int = 1,
        retry_after: float | str | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        delay: float | None = None,
        reset: bool = False,
        lose: bool = False,
        raw: bytes | None = None,
        truncate: bool = False,
        drip: float | None = None,
        endless: bool = False,
    ) -> None:
        """Script faults of the next requests to a path.

        With a `status` or a `body`, the reply consists of these and the request has no other
        effect. Without them the request is carried out, and the other arguments change its real
        reply. Faults of the same requests are used one after the other, in the order of the calls.

        Args:
            path: a text that the path contains. This includes the upgrades of websockets, see
                `Sandbox.fail_upgrades`.
            method: a method such as ``POST``; ``None`` means any.
            status: the status of the reply; without a `body` the reply has a JSON message.
            times: the number of requests.
            retry_after: the ``Retry-After`` header, in seconds or as text; alone it implies
                status 429.
            headers: headers to set on the reply.
            body: the body of the reply: bytes, text, or a value that is written as JSON; alone it
                implies status 200.
            delay: seconds to wait before anything happens.
            reset: end the connection with a TCP reset; the request is not carried out.
            lose: carry out the request, then end the connection without a reply; together with
                `reset`, end it with a TCP reset.
            raw: bytes to send in place of a reply before the connection ends; the request is not
                carried out.
            truncate: announce the whole body, send half of it, and end the connection.
            drip: send the body byte by byte, with this many seconds in between, followed by
                spaces without end.
            endless: send spaces without end after the body, as fast as they are read.

        Raises:
            ValueError: an argument is out of its range, or cannot be combined with another.
        """
        headers = dict(headers or {})
        for name, value in headers.items():
            if re.search(r"[\r\n]", name + value):
                raise ValueError(f"headers: {name!r} must be one line")
        if retry_after is not None:
            if re.search(r"[\r\n]", str(retry_after)):
                raise ValueError("retry_after must be one line")
            headers["Retry-After"] = str(retry_after)
            if status is None and body is None:
                status = 429
        fault = Fault(
            path=path,
            method=method,
            status=status,
            headers=headers,
            body=_body(body),
            delay=delay,
            reset=reset,
            lose=lose,
            raw=raw,
            truncate=truncate,
            drip=drip,
            endless=endless,
        )
        self._faults.add(fault, times)

    def clear_faults(self) -> None:
        """Delete the scripted faults that have not happened yet; an outage continues."""
        self._faults.clear()


def break_off(connection: socket.socket, raw: bytes, *, hard: bool) -> None:
    """Send some bytes and end a connection, perhaps with a TCP reset.

    Raises:
        ConnectionError: always; the server then treats the client as gone.
    """
    connection.sendall(raw)
    if hard:
        reset(connection)
    else:
        connection.shutdown(socket.SHUT_RDWR)  # otherwise the server waits for another request
    raise ConnectionResetError


def reset(connection: socket.socket) -> None:
    """End a connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    # close() would wait for the files made of the socket, and the server would end them normally.
    socket.close(connection.detach())


def _body(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _endless(body: bytes, closing: Event) -> Iterator[bytes]:
    yield body
    spaces = b" " * 65_536
    while not closing.is_set():
        yield spaces
    raise ConnectionAbortedError


def _drip(body: bytes, seconds: float, closing: Event) -> Iterator[bytes]:
    # Spaces may follow a JSON document, so a client cannot tell that the body is complete.
    for byte in itertools.chain(body, itertools.repeat(ord(" "))):
        yield bytes([byte])
        if closing.wait(seconds):
            raise ConnectionAbortedError  # a normal end would look like a complete reply
