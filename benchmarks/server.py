"""A Webex whose answers are ready before anybody asks, so that it is faster than every client.

It serves the catalog, devices, pages of the call history and lines over HTTP, and events over a
websocket, all on one port. As it runs in a process of its own, it costs the clients nothing.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.generated_sessions import UCM_LINE, envelopes, page
from benchmarks.websocket_pump import Events, Pump
from callhistory.sandbox._world.addresses import HOST, JANUS, U2C, UCMGMT, WDM, Addresses

_ORG = "5d4c3b2a-0000-4000-8000-000000000001"
_USER = "5d4c3b2a-0000-4000-8000-000000000002"
# An access token for each calling backend; whatever is put before it makes another user of it.
TOKENS = {
    "WEBEX_CALLING": f"calling_A_{_ORG}",
    "UCM_CALLING": f"unified_A_{_ORG}",
}
_LINES = [{"dnorpattern": UCM_LINE, "index": 1, "label": None}]


class Server:
    """The server; it runs until its process ends."""

    def __init__(self) -> None:
        self._listening = socket.create_server((HOST, 0), backlog=64)
        self._addresses = Addresses(*[self._listening.getsockname()[1]] * 2)
        self._pumps: dict[str, Pump] = {}
        self._history = functools.cache(_history)
        self._events = functools.cache(lambda count: Events.encode(envelopes(count)))
        threading.Thread(target=self._accept, daemon=True).start()

    def users(self, sessions: int) -> dict[str, dict[str, str]]:
        """Return the address and the token of a user of each backend; get their pages ready."""
        for backend in TOKENS:
            self.body_size(sessions, backend)
        url = self._addresses.http(U2C)
        return {backend: {"u2c_url": url, "token": token} for backend, token in TOKENS.items()}

    def where(self) -> dict[str, Any]:
        """Return the address of the catalog, and the tokens."""
        return {"u2c_url": self._addresses.http(U2C), "tokens": TOKENS}

    def body_size(self, limit: int, backend: str) -> int:
        """Return the size in bytes of a page; from then on it is ready."""
        answer = self._history(limit, is_ucm=backend == "UCM_CALLING")
        return len(answer.partition(b"\r\n\r\n")[2])

    def prepare(self, count: int) -> int:
        """Generate so many events; from then on they are ready."""
        return len(self._events(count).ids)

    def send_events(self, token: str, count: int) -> int:
        """Send events over the latest websocket of a token; wait until all are acknowledged."""
        self._pumps[token].send_all(self._events(count))
        return count

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        with contextlib.suppress(OSError), connection:
            for head in _requests(connection):
                if b"upgrade: websocket" in head.lower():
                    Pump(connection, head, self._pumps).serve()
                    return
                connection.sendall(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        path, _, query = target.partition("?")
        is_ucm = TOKENS["UCM_CALLING"].encode() in head
        routes: dict[tuple[str, str], Callable[[], bytes]] = {
            ("GET", rf"{U2C}(/limited)?/catalog"): self._catalog,
            ("POST", rf"{WDM}/devices"): lambda: self._device(is_ucm=is_ucm),
            ("PUT", rf"{WDM}/devices/.*"): lambda: self._device(is_ucm=is_ucm),
            ("GET", rf"{WDM}/devices"): lambda: _answer({"devices": []}),
            ("DELETE", rf"{WDM}/devices/.*"): lambda: _answer(None, "204 No Content"),
            ("GET", rf"{JANUS}/history/userSessions"): lambda: self._history(
                _limit(query), is_ucm=is_ucm
            ),
            ("GET", rf"{UCMGMT}/v1/uc/config/people/.*/lines"): _lines,
            ("POST", r"/metrics/.*"): lambda: _answer(None, "204 No Content"),
        }
        for (wanted, pattern), answer in routes.items():
            if method == wanted and re.fullmatch(pattern, path):
                return answer()
        return _answer({"message": "not found"}, "404 Not Found")

    def _catalog(self) -> bytes:
        return _answer(self._addresses.catalog())

    def _device(self, *, is_ucm: bool) -> bytes:
        key = "basic" if is_ucm else "bc-sp-standard"
        return _answer(
            {
                "url": self._addresses.http(f"{WDM}/devices/{uuid.uuid4()}"),
                "webSocketUrl": self._addresses.registration(str(uuid.uuid4())),
                "userId": _USER,
                "orgId": _ORG,
                "deviceType": "WEB",
                "callingBehavior": (
                    "NATIVE_SIP_CALL_TO_UCM" if is_ucm else "NATIVE_WEBEX_TEAMS_CALLING"
                ),
                "features": {
                    "developer": [],
                    "entitlement": [{"key": key, "val": "true", "type": "ENTITLEMENT"}],
                    "user": [],
                },
                "services": {},
                "serviceHostMap": self._addresses.catalog(),
            }
        )


def _requests(connection: socket.socket) -> Iterator[bytes]:
    """Yield the head of each request on a connection."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                return
            data += received
        head, _, data = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        while length and len(data) < int(length[1]):
            data += connection.recv(65536)
        data = data[int(length[1]) :] if length else data
        yield head


def _answer(document: object, status: str = "200 OK") -> bytes:
    return _with_head(b"" if document is None else json.dumps(document).encode(), status)


def _history(limit: int, *, is_ucm: bool) -> bytes:
    return _with_head(page(limit, ucm=is_ucm))


def _limit(query: str) -> int:
    return int(query.partition("limit=")[2].partition("&")[0])


def _with_head(body: bytes, status: str = "200 OK") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json;charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\ntrackingid: BENCHMARK_1\r\n\r\n"
    )
    return head.encode() + body


def _lines() -> bytes:
    return _answer({"devices": [{"name": "SEP00005E0053AF", "model": 503, "lines": _LINES}]})


_server = Server()
ORDERS = {
    "users": _server.users,
    "where": _server.where,
    "body_size": _server.body_size,
    "prepare": _server.prepare,
    "send_events": _server.send_events,
}
