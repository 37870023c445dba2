"""A device of the sandbox with a plain websocket client."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from callhistory.sandbox import Account, Sandbox
from tests.sandbox.http_client import DEVICE_BODY, Http

SILENT = logging.Logger("silent")
SILENT.disabled = True
RECENT = "janus.user_recent_sessions"


class Line:
    """The client's end of a websocket."""

    def __init__(self, websocket: ClientConnection, token: str) -> None:
        self.websocket = websocket
        self.token = token

    def say(self, frame: object) -> None:
        """Send text and bytes as they are, anything else as JSON."""
        self.websocket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def hear(self, timeout: float = 5) -> Any:
        """Receive a frame, and read it as JSON."""
        return json.loads(self.websocket.recv(timeout))

    def hear_event(self) -> dict[str, Any]:
        """Receive the next event, and acknowledge it."""
        envelope: dict[str, Any] = self.hear()
        self.acknowledge(envelope)
        return envelope

    def authorize(self, token: str | None = None) -> None:
        """Send the authorization."""
        bearer = {"token": f"Bearer {self.token if token is None else token}"}
        self.say({"id": str(uuid4()), "type": "authorization", "data": bearer})

    def acknowledge(self, envelope: dict[str, Any]) -> None:
        """Acknowledge an envelope."""
        self.say({"messageId": envelope["id"], "type": "ack"})

    def ping(self) -> Any:
        """Send a ping, and receive what comes next."""
        self.say({"id": str(uuid4()), "type": "ping"})
        return self.hear()

    def ending(self) -> tuple[int, str]:
        """Receive until the end and return its code and reason; 1006 without a close frame."""
        while True:
            try:
                self.websocket.recv(5)
            except ConnectionClosed as closed:
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


class Device:
    """A registered device."""

    def __init__(self, cloud: Sandbox, user: Account | None = None) -> None:
        self._token = cloud.access_token if user is None else user.access_token
        with Http(cloud, user) as http:
            answer = http("POST", http.devices, json=DEVICE_BODY)
            assert answer.status_code == 200
            self.url: str = answer.json()["url"]
            self.websocket_url: str = answer.json()["webSocketUrl"]

    @contextmanager
    def open(self, query: str = "", **options: Any) -> Iterator[Line]:
        """Open its websocket and send nothing."""
        usual: dict[str, Any] = {
            "ping_interval": None,
            "close_timeout": 0.1,
            "max_queue": None,
            "proxy": None,
            "logger": SILENT,
        }
        with connect(self.websocket_url + query, **(usual | options)) as websocket:
            yield Line(websocket, self._token)

    def refusal(self) -> Response:
        """Ask for an upgrade, and return the answer that refuses it."""
        with pytest.raises(InvalidStatus) as refused, self.open():
            pass
        return refused.value.response

    def connect(self) -> None:
        """Connect successfully, and close the connection."""
        with self.connected():
            pass

    @contextmanager
    def connected(self, **options: Any) -> Iterator[Line]:
        """Open its websocket, authorize, and acknowledge what makes it ready."""
        with self.open(**options) as line:
            line.authorize()
            ready = line.hear_event()
            assert ready["data"]["eventType"] == "mercury.buffer_state"
            yield line


def event_type(envelope: dict[str, Any]) -> str:
    found: str = envelope["data"]["eventType"]
    return found


def session_ids(envelope: dict[str, Any]) -> list[str]:
    """Return the ids of the sessions in an event of a new call."""
    sessions = envelope["data"]["userSessions"]["userSessions"]
    return [session["sessionId"] for session in sessions]
