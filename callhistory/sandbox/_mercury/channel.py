"""The conversation with one connected device."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from functools import partial
from threading import RLock
from typing import Any
from uuid import uuid4

from callhistory.sandbox._faults.script import Closing
from callhistory.sandbox._mercury.envelopes import Envelope, buffer_state, write_envelope
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.websocket import WebSocket
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._timer import Timer
from callhistory.sandbox._world.devices import Device
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.session_json import write_json

_REPLACED = Closing(4000, "replaced")
GOING_AWAY = Closing(1001, "going away")
_BAD_FRAME = Closing(4400, "authorization expected")
_NOT_AUTHORIZED = Closing(4401, "not authorized")
_FORBIDDEN = Closing(4403, "this is the device of another user")
_DEVICE_GONE = Closing(4404, "there is no such device")


class Channel:
    """A device's connection: authorization, readiness, pings and acknowledgements.

    One thread reads from it, in `converse`; any thread may call the other methods, and none of
    them waits for the client for long.
    """

    def __init__(
        self,
        websocket: WebSocket,
        connection: Connection,
        device: Device,
        organization: Organization,
        switchboard: Switchboard,
        timer: Timer,
    ) -> None:
        self.websocket = websocket
        self.connection = connection
        self.device = device
        self._organization = organization
        self._switchboard = switchboard
        self._recordings = switchboard.recordings
        self._timer = timer
        self._lock = RLock()
        self._sequence_number = 0
        self._is_authorized = False
        self._is_ready = False
        self._linger = 0.0  # seconds that it stays open when the device has a new one
        self._replaced = _REPLACED

    def converse(self, messages: Iterable[object]) -> None:
        """Answer the messages of the device until the connection ends."""
        drop = self._switchboard.script.drops["upgrade"].take()
        if drop is not None:
            self.close(drop)
        self._timer.after(self._switchboard.limits.authorization_timeout, self._expire)
        for content in messages:
            if isinstance(content, str | bytes):
                self._receive(content)
        with self._lock:
            self._is_ready = False

    def _expire(self) -> None:
        if not self._is_authorized:
            self.close(_NOT_AUTHORIZED)

    def _receive(self, content: str | bytes) -> None:
        frame = _read(content)
        self._recordings.add_frame(self.connection, "received", frame_type(frame), content)
        if not self._is_authorized:
            self._authorize(frame)
        elif self._organization.devices.find(self.device.url) is None:
            self.close(_DEVICE_GONE)
        elif frame.get("type") == "ping":
            self.send({"id": frame.get("id"), "type": "pong"})
        elif frame.get("type") == "ack" and isinstance(frame.get("messageId"), str):
            self._switchboard.unacknowledged.acknowledge(self.device.url, frame["messageId"])

    def _authorize(self, frame: Mapping[str, Any]) -> None:
        if not self.websocket.is_open:
            return
        data = frame.get("data")
        bearer = data.get("token") if isinstance(data, dict) else None
        if frame.get("type") != "authorization" or not isinstance(bearer, str):
            self.close(_BAD_FRAME)
            return
        scheme, _, token = bearer.partition(" ")
        account = self._organization.account_of_token(token) if scheme == "Bearer" else None
        refusal = self._switchboard.script.refusals.take()
        if refusal is not None:
            self.close(refusal)
        elif account is None:
            self.close(_NOT_AUTHORIZED)
        elif account.id != self.device.user_id:
            self.close(_FORBIDDEN)
        else:
            self._is_authorized = True
            delay = self._switchboard.script.delays.take()
            if delay is None:
                self._become_ready()
            else:
                self._timer.after(delay, self._become_ready)

    def _become_ready(self) -> None:
        now = self._organization.clock()
        with self._lock:
            if not self.websocket.is_open:
                return
            missing = self._switchboard.unacknowledged.of(self.device.url)
            prelude = self._switchboard.script.preludes.take()
            if prelude is not None:
                self._deliver(write_envelope(prelude, now))
            self._post(write_envelope(buffer_state(), now))
            # From here on everything is delivered; the lock keeps later events behind this one.
            self._is_ready = True
            self._recordings.update(self.connection, ready_at=time.monotonic())
            for envelope in missing:
                self._deliver(envelope)
        self._switchboard.replace_older(self)
        drop = self._switchboard.script.drops["readiness"].take()
        if drop is not None:
            self.close(drop)

    def deliver(self, envelope: Envelope) -> None:
        """Send an envelope to a device that is ready, and repeat it until it is acknowledged."""
        with self._lock:
            if not self._is_ready:
                return
            if self._organization.devices.find(self.device.url) is None:
                self.close(_DEVICE_GONE)
            else:
                self._deliver(envelope)

    def _deliver(self, envelope: Envelope) -> None:
        self._switchboard.unacknowledged.add(self.device.url, envelope)
        self._post(envelope)
        self._timer.after(self._switchboard.ack_timeout, partial(self._redeliver, envelope))

    def _redeliver(self, envelope: Envelope) -> None:
        with self._lock:
            missing = self._switchboard.unacknowledged.includes(self.device.url, envelope)
            if self._is_ready and missing:
                self._deliver(envelope)

    def _post(self, envelope: Envelope) -> None:
        self._sequence_number += 1
        self.send({**envelope, "sequenceNumber": self._sequence_number})

    def send(self, frame: object, *, as_text: bool | None = None) -> None:
        """Send a frame, see `Sandbox.send_frame`."""
        if isinstance(frame, str | bytes):
            content, kind = frame, frame_type(_read(frame))
        else:
            content, kind = write_json(frame), frame_type(frame)
        if as_text is None:
            as_text = isinstance(content, str)
        record = partial(self._recordings.add_frame, self.connection, "sent", kind, content)
        self.websocket.send(content, as_text=as_text, record=record)

    def close(self, closing: Closing) -> None:
        """Send a close frame."""
        self.websocket.close(closing.code, closing.reason)

    def announce_shutdown(self, linger: float, closing: Closing, at_latest: float) -> None:
        """Ask the device to open a new connection, see `Sandbox.announce_shutdown`."""
        with self._lock:
            self._linger, self._replaced = linger, closing
            # The JavaScript SDK acknowledges it, and fails if it has no id.
            self.send({"id": str(uuid4()), "type": "shutdown"})
        self._timer.after(at_latest, partial(self.close, GOING_AWAY))

    def give_way(self) -> None:
        """Deliver nothing more and close, as the device has a new connection."""
        with self._lock:
            self._is_ready = False
        if self._linger:
            self._timer.after(self._linger, partial(self.close, self._replaced))
        else:
            self.close(self._replaced)


def _read(content: str | bytes) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {}
    try:
        frame = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def frame_type(frame: object) -> str | None:
    """Return the type of a frame, or else the type of the event in it."""
    if isinstance(frame, Mapping):
        data = frame.get("data")
        event_type = data.get("eventType") if isinstance(data, Mapping) else None
        for found in (frame.get("type"), event_type):
            if isinstance(found, str):
                return str(found)
    return None
