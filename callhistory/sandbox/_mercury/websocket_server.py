"""The server of the websockets: it accepts connections and answers upgrades."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from threading import Event, Thread
from urllib.parse import parse_qsl

from requests.structures import CaseInsensitiveDict
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from callhistory.sandbox._faults.http_faults import Fault
from callhistory.sandbox._faults.script import Script
from callhistory.sandbox._mercury.channel import GOING_AWAY, Channel
from callhistory.sandbox._mercury.envelopes import write_envelope
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.websocket import WebSocket
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._timer import Timer
from callhistory.sandbox._world.announcements import LiveEvent
from callhistory.sandbox._world.devices import Device
from callhistory.sandbox._world.organization import Organization

_GOODBYE = 0.3  # seconds for the clients' close frames when the server ends
_POLL = 0.25  # seconds after which the accepting thread checks whether it is to end


class WebsocketServer:
    """Serves websockets at a loopback port, with one thread for each connection."""

    def __init__(
        self,
        listening: socket.socket,
        organization: Organization,
        switchboard: Switchboard,
        faults: Script[Fault],
        timer: Timer,
        closing: Event,
    ) -> None:
        listening.settimeout(_POLL)
        self._listening = listening
        self._organization = organization
        self._switchboard = switchboard
        self._faults = faults
        self._timer = timer
        self._closing = closing
        self._name = f"callhistory-sandbox-{organization.addresses.port}"
        self._thread = Thread(target=self._accept, name=f"{self._name}-mercury", daemon=True)
        # Used by the accepting thread, and after its end by the one that closes the server.
        self._connections: list[tuple[Thread, WebSocket]] = []

    def start(self) -> None:
        """Start the accepting thread, and deliver events from now on."""
        self._organization.announcements.subscribe(self._deliver)
        self._thread.start()

    def close(self, deadline: float) -> None:
        """Stop, and end every connection by a ``time.monotonic()`` at the latest."""
        self._organization.announcements.unsubscribe(self._deliver)
        self._closing.set()
        # A new connection wakes the accepting thread, which otherwise checks only now and then.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listening.getsockname(), timeout=_POLL).close()
        self._thread.join()
        self._listening.close()
        leaving = [
            thread
            for thread, websocket in self._connections
            if websocket.close_unless_blocked(GOING_AWAY.code, GOING_AWAY.reason)
        ]
        _join(leaving, min(deadline, time.monotonic() + _GOODBYE))
        for _, websocket in self._connections:
            websocket.hang_up()
        _join((thread for thread, _ in self._connections), deadline)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                self._closing.wait(_POLL)  # perhaps too many open files, which may pass
                continue
            try:
                websocket = WebSocket(connection, self._switchboard.limits.client_timeout)
            except OSError:
                connection.close()  # the client has gone already
                continue
            thread = Thread(
                target=self._serve,
                args=(websocket,),
                name=f"{self._name}-connection",
                daemon=True,
            )
            self._connections = [known for known in self._connections if known[0].is_alive()]
            thread.start()
            self._connections.append((thread, websocket))

    def _serve(self, websocket: WebSocket) -> None:
        timeout = self._switchboard.limits.upgrade_timeout
        self._timer.after(timeout, partial(_hang_up_unless_asked, websocket))
        connection = channel = None
        events = websocket.events()
        try:
            request = next(events, None)
            if isinstance(request, Request):
                connection, channel = self._answer(websocket, request)
                if channel is not None:
                    channel.converse(events)
                for _ in events:
                    pass  # it was refused, and the client is to hang up
        finally:
            websocket.release()
            if channel is not None:
                self._switchboard.remove(channel)
            if connection is not None:
                self._record_end(connection, websocket)

    def _answer(self, websocket: WebSocket, request: Request) -> tuple[Connection, Channel | None]:
        path, _, query = request.path.partition("?")
        organization, switchboard = self._organization, self._switchboard
        device = organization.devices.at_websocket(organization.addresses.websocket(path))
        connection = switchboard.recordings.add_connection(
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=CaseInsensitiveDict(request.headers.raw_items()),
            device_url=None if device is None else device.url,
        )
        fault = self._faults.take(lambda fault: fault.matches("GET", path)) or Fault(path=path)
        fault.pause(self._closing)
        if fault.reset:
            websocket.drop()
            return connection, None
        response = _scripted(fault) or self._refusal(device) or websocket.accept(request)
        for name, value in fault.headers.items():
            response.headers.pop(name, None)
            response.headers[name] = value
        channel = None
        if device is not None and response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            channel = Channel(websocket, connection, device, organization, switchboard, self._timer)
            switchboard.add(channel)
        # Recorded before it is sent: a client that has the answer finds it among the recordings.
        switchboard.recordings.update(connection, status=response.status_code)
        websocket.respond(response)
        return connection, channel

    def _refusal(self, device: Device | None) -> Response | None:
        if self._switchboard.is_offline:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable", b"")
        if device is None:
            return _response(HTTPStatus.NOT_FOUND, "Not Found", b"")
        return None

    def _record_end(self, connection: Connection, websocket: WebSocket) -> None:
        registered = (device.url for device in self._organization.devices.of())
        self._switchboard.unacknowledged.keep_only(registered)
        code, reason, closed_by = websocket.ending
        was_open = connection.is_open
        self._switchboard.recordings.update(
            connection,
            closed_at=time.monotonic(),
            close_code=code if was_open else None,
            close_reason=reason if was_open else None,
            closed_by=closed_by,
        )

    def _deliver(self, user_id: str, event: LiveEvent) -> None:
        self._switchboard.deliver(write_envelope(event, self._organization.clock()), user_id)


def _scripted(fault: Fault) -> Response | None:
    reply = fault.reply()
    if reply is None:
        return None
    phrase = reply.status.partition(" ")[2]
    return _response(reply.status_code, phrase, reply.get_data())


def _response(status: int, phrase: str, body: bytes) -> Response:
    headers = Headers({"Connection": "close", "Content-Length": str(len(body))})
    return Response(status, phrase, headers, body)


def _hang_up_unless_asked(websocket: WebSocket) -> None:
    if not websocket.was_asked:
        websocket.hang_up()


def _join(threads: Iterable[Thread], deadline: float) -> None:
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
