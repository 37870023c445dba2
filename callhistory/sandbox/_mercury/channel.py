"""The conversation with one connected device."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from callhistory.sandbox._faults.connection_script import Closing
from callhistory.sandbox._mercury.envelopes import Envelope, buffer_state, write_envelope
from callhistory.sandbox._mercury.websocket import WebSocket
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._timer import Agenda
from callhistory.sandbox._world.devices import Device
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.session_json import write_json

if TYPE_CHECKING:
    from callhistory.sandbox._mercury.switchboard import Switchboard

_AUTHORIZATION_TIMEOUT = 5.0  # seconds
_REPLACED = Closing(4000, "replaced")
GOING_AWAY = Closing(1001, "going away")
_BAD_FRAME = Closing(4400, "authorization expected")
_NOT_AUTHORIZED = Closing(4401, "not authorized")
_FORBIDDEN = Closing(4403, "this is the device of another user")
_DEVICE_GONE = Closing(4404, "there is no such device")


@attrs.frozen
class HandOver:
    """What becomes of a connection whose device was told to get another one.

    Attributes:
        seconds: how long it stays when there is another one.
        closing: how it is closed then.
    """

    seconds: float
    closing: Closing


class Channel:
    """A device's websocket: authorization, readiness, pings and acknowledgements.

    Its thread reads from it; any thread may send to it, and none has to wait for the client.
    """

    def __init__(
        self,
        websocket: WebSocket,
        connection: Connection,
        device: Device,
        organization: Organization,
        switchboard: Switchboard,
        agenda: Agenda,
    ) -> None:
        self.websocket = websocket
        self.connection = connection
        self.device = device
        self._organization = organization
        self._switchboard = switchboard
        self._log = switchboard.log
        self._agenda = agenda
        self._lock = RLock()
        self._sequence_number = 0
        self._is_authorized = False
        self._is_ready = False
        self._hand_over: HandOver | None = None

    def converse(self, messages: Iterable[object]) -> None:
        """Answer what the device says, until it says no more."""
        drop = self._switchboard.faults.drops["upgrade"].take()
        if drop is not None:
            self.close(drop)
        self._agenda.after(_AUTHORIZATION_TIMEOUT, self._expire)
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
        self._log.record(self.connection, "received", frame_type(frame), content)
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
        refusal = self._switchboard.faults.refusals.take()
        if refusal is not None:
            self.close(refusal)
        elif account is None:
            self.close(_NOT_AUTHORIZED)
        elif account.id != self.device.user_id:
            self.close(_FORBIDDEN)
        else:
            self._is_authorized = True
            delay = self._switchboard.faults.delays.take()
            if delay is None:
                self._become_ready()
            else:
                self._agenda.after(delay, self._become_ready)

    def _become_ready(self) -> None:
        now = self._organization.clock()
        with self._lock:
            if not self.websocket.is_open:
                return
            missing = self._switchboard.unacknowledged.of(self.device.url)
            prelude = self._switchboard.faults.preludes.take()
            if prelude is not None:
                self._deliver(write_envelope(prelude, now))
            self._post(write_envelope(buffer_state(), now))
            # From here on everything that happens is delivered: nothing falls in between.
            self._is_ready = True
            self._log.note(self.connection, ready_at=time.monotonic())
            for envelope in missing:
                self._deliver(envelope)
        self._switchboard.replace_older(self)
        drop = self._switchboard.faults.drops["readiness"].take()
        if drop is not None:
            self.close(drop)

    def deliver(self, envelope: Envelope) -> None:
        """Send an envelope, again and again until it is acknowledged, if the device is ready."""
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
        self._agenda.after(self._switchboard.ack_timeout, partial(self._redeliver, envelope))

    def _redeliver(self, envelope: Envelope) -> None:
        with self._lock:
            missing = self._switchboard.unacknowledged.includes(self.device.url, envelope)
            if self._is_ready and missing:
                self._deliver(envelope)

    def _post(self, envelope: Envelope) -> None:
        self._sequence_number += 1
        self.send({**envelope, "sequenceNumber": self._sequence_number})

    def send(self, frame: object, *, as_text: bool | None = None) -> None:
        """Send a frame: text and bytes as they are, anything else as JSON.

        Args:
            frame: the frame.
            as_text: whether it is a text frame; ``None`` is as it suits it.
        """
        if isinstance(frame, str | bytes):
            content, kind = frame, frame_type(_read(frame))
        else:
            content, kind = write_json(frame), frame_type(frame)
        if as_text is None:
            as_text = isinstance(content, str)
        note = partial(self._log.record, self.connection, "sent", kind, content)
        self.websocket.send(content, as_text=as_text, note=note)

    def close(self, closing: Closing) -> None:
        """Begin to close."""
        self.websocket.close(closing.code, closing.reason)

    def announce_shutdown(self, hand_over: HandOver, at_latest: float) -> None:
        """Tell the device to get another connection; this one ends then, or after so long."""
        with self._lock:
            self._hand_over = hand_over
            # With an id: the JavaScript SDK acknowledges it, and fails without one.
            self.send({"id": str(uuid4()), "type": "shutdown"})
        self._agenda.after(at_latest, partial(self.close, GOING_AWAY))

    def give_way(self) -> None:
        """Deliver nothing more, as the device has another connection now, and close."""
        with self._lock:
            self._is_ready = False
            hand_over = self._hand_over
        if hand_over is None:
            self.close(_REPLACED)
        else:
            self._agenda.after(hand_over.seconds, partial(self.close, hand_over.closing))


def _read(content: str | bytes) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {}
    try:
        frame = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def frame_type(frame: object) -> str | None:
    """Give the type of a frame, or else that of the event in it."""
    if isinstance(frame, Mapping):
        data = frame.get("data")
        event_type = data.get("eventType") if isinstance(data, Mapping) else None
        for found in (frame.get("type"), event_type):
            if isinstance(found, str):
                return str(found)
    return None
