"""Who gets a websocket, and who does not."""

from __future__ import annotations

from http import HTTPStatus
from threading import Event
from urllib.parse import parse_qsl

from requests.structures import CaseInsensitiveDict
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from callhistory.sandbox._faults.http_faults import Fault, Faults
from callhistory.sandbox._mercury.channel import Channel
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.websocket import WebSocket
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._timer import Agenda
from callhistory.sandbox._world.devices import Device
from callhistory.sandbox._world.organization import Organization


class Upgrades:
    """Answers the requests for an upgrade."""

    def __init__(
        self,
        organization: Organization,
        switchboard: Switchboard,
        faults: Faults,
        agenda: Agenda,
        closing: Event,
    ) -> None:
        self._organization = organization
        self._switchboard = switchboard
        self._faults = faults
        self._agenda = agenda
        self._closing = closing

    def answer(self, websocket: WebSocket, request: Request) -> tuple[Connection, Channel | None]:
        """Note a request and answer it; if it is accepted, there is a channel then."""
        path, _, query = request.path.partition("?")
        organization, switchboard = self._organization, self._switchboard
        device = organization.devices.at_websocket(organization.addresses.websocket(path))
        connection = switchboard.log.open(
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=CaseInsensitiveDict(request.headers.raw_items()),
            device_url=None if device is None else device.url,
        )
        fault = self._faults.take("GET", path) or Fault(path=path)
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
            channel = Channel(
                websocket, connection, device, organization, switchboard, self._agenda
            )
            switchboard.add(channel)
        # First noted, then told: who has been told finds it in the log.
        switchboard.log.note(connection, status=response.status_code)
        websocket.respond(response)
        return connection, channel

    def _refusal(self, device: Device | None) -> Response | None:
        if self._switchboard.is_offline:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable", b"")
        if device is None:
            return _response(HTTPStatus.NOT_FOUND, "Not Found", b"")
        return None


def _scripted(fault: Fault) -> Response | None:
    answer = fault.answer()
    if answer is None:
        return None
    phrase = answer.status.partition(" ")[2]
    return _response(answer.status_code, phrase, answer.get_data())


def _response(status: int, phrase: str, body: bytes) -> Response:
    headers = Headers({"Connection": "close", "Content-Length": str(len(body))})
    return Response(status, phrase, headers, body)
