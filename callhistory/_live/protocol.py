"""The protocol of live events (Mercury), without sockets: frames in, frames and decisions out.

Times are arguments, in seconds of the steady clock.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from .._errors import DecodeError
from .._limits import USUAL, Limits
from .._records.strict_json import read_json
from .sequence_numbers import SequenceNumbers

_DEEPEST = 20  # Webex's own overrides are never deeper
_READINESS = ("mercury.buffer_state", "mercury.registration_status")


@frozen
class Send:
    """A frame to send.

    Attributes:
        text: the frame.
    """

    text: str = field(repr=False)


@frozen
class Ready:
    """The connection is usable from now on.

    Attributes:
        timestamp: Webex's time, as it was sent.
    """

    timestamp: Any = field(default=None, eq=False)


@frozen
class Deliver:
    """An envelope arrived; its acknowledgement is among the frames to send.

    Attributes:
        envelope: the envelope.
    """

    envelope: dict[str, Any] = field(repr=False)


@frozen
class Counted:
    """A frame with a sequence number arrived.

    Attributes:
        timestamp: the time at which Webex wrote it, as it was sent.
    """

    timestamp: Any = field(default=None, eq=False)


@frozen
class FramesLost:
    """The sequence numbers jumped: frames were lost."""


@frozen
class Malformed:
    """A frame arrived that does not follow the protocol; the connection stays open.

    Attributes:
        what: what is wrong with the frame.
    """

    what: str


@frozen
class GoingAway:
    """The server is about to close the connection."""


@frozen
class Dead:
    """The connection is no longer usable.

    Attributes:
        reason: why.
    """

    reason: str


Output = Send | Ready | Deliver | Counted | FramesLost | Malformed | GoingAway | Dead


class Mercury:
    """The protocol of one connection, from its authorization on.

    Args:
        now: the time.
        limits: the time between pings, and the timeouts of pongs and of the acceptance.
        new_id: returns a new id for a frame.

    Attributes:
        due: the time of the next call of :meth:`tick`.
        confirmed: when the last answered ping was sent: all frames before it have arrived.
    """

    def __init__(
        self,
        now: float,
        limits: Limits = USUAL,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._limits = limits
        self._new_id = new_id
        self._ready = False
        self._ping: str | None = None
        self._pinged = now
        self._pong_timeout = limits.pong_timeout
        self.confirmed: float | None = None
        self._numbers = SequenceNumbers()
        self.due = now + limits.ready_timeout

    def authorize(self, token: str) -> str:
        """Return the first frame, which contains the token."""
        return json.dumps(
            {
                "id": self._new_id(),
                "type": "authorization",
                "data": {"token": f"Bearer {token}"},
                "trackingId": f"callhistory_{self._new_id()}",
            }
        )

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        """Return the outputs for a frame.

        Args:
            frame: a text frame as ``str``; a binary one, or text that is not UTF-8, as ``bytes``.
            now: the time.
        """
        document, problem = _read_frame(frame)
        if not isinstance(document, dict):
            return [Malformed(problem or "no object")]
        outputs = self._count(document)
        kind = document.get("type")
        if kind == "pong":
            return outputs + self._pong(document, now)
        answers: list[Output] = []
        identifier = document.get("id")
        if type(identifier) in (str, int) and kind != "ping":
            answers.append(Send(f'{{"messageId": {json.dumps(identifier)}, "type": "ack"}}'))
        if kind == "shutdown":
            return [*outputs, *answers, GoingAway()]
        data = document.get("data")
        if problem or not isinstance(data, dict):
            return [*outputs, *answers, Malformed(problem or "no data")]
        _apply_overrides(data)
        if data.get("eventType") in _READINESS and not self._ready:
            self._ready = True
            outputs.append(Ready(document.get("timestamp")))
            answers += self._send_ping(now)
        # First, as the receivers' thread can then run while the acknowledgement is sent.
        outputs.append(Deliver(document))
        return outputs + answers

    def tick(self, now: float) -> list[Output]:
        """Return the outputs that are due; call this again at :attr:`due`."""
        if now < self.due:
            return []
        if not self._ready:
            return [
                Dead(
                    f"Webex did not accept the connection within {self._limits.ready_timeout:.0f} s"
                )
            ]
        if self._ping is not None:
            return [Dead(f"no pong within {self._pong_timeout:.0f} s")]
        return self._send_ping(now)

    def doubt(self, now: float) -> list[Output]:
        """Return the outputs that soon reveal a dead connection, as the machine may have slept."""
        if not self._ready:
            return []
        outputs = self._send_ping(now) if self._ping is None else []
        self._pong_timeout = self._limits.doubt_timeout
        self.due = min(self.due, now + self._limits.doubt_timeout)
        return outputs

    def _send_ping(self, now: float) -> list[Output]:
        self._ping = self._new_id()
        self._pinged = now
        self._pong_timeout = self._limits.pong_timeout
        self.due = now + self._pong_timeout
        return [Send(json.dumps({"id": self._ping, "type": "ping"}))]

    def _pong(self, document: dict[str, Any], now: float) -> list[Output]:
        if self._ping is not None and document.get("id") == self._ping:
            self._ping = None
            self.confirmed = self._pinged
            self.due = now + self._limits.ping_interval
        return []

    def _count(self, document: dict[str, Any]) -> list[Output]:
        """Return the outputs for the sequence number of a frame, if it has one."""
        number = document.get("sequenceNumber")
        if type(number) is not int:
            return []
        counted = Counted(document.get("timestamp"))
        return [counted] if self._numbers.follows(number) else [FramesLost(), counted]


def _read_frame(frame: str | bytes) -> tuple[Any, str]:
    """Read a frame as JSON; return its value, and what is wrong with it.

    A binary frame is read, too, as its id must be acknowledged.
    """
    try:
        document = read_json(frame)
    except DecodeError:
        return None, "no JSON"
    return document, "binary" if isinstance(frame, bytes) else ""


def _apply_overrides(data: dict[str, Any]) -> None:
    """Apply the overrides in ``data.headers``, whose names are dotted paths in ``data``."""
    headers = data.get("headers")
    for path, value in list(headers.items()) if isinstance(headers, dict) else ():
        *parents, name = path.split(".")
        if len(parents) > _DEEPEST:
            continue
        place = data
        for parent in parents:
            child = place.setdefault(parent, {})
            if not isinstance(child, dict):
                break
            place = child
        else:
            place[name] = value
