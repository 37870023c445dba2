"""The protocol of live events (Mercury), without sockets: frames in, frames and decisions out.

Time is passed in, in seconds of any steady clock.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from .._errors import DecodeError
from .._records.strict_json import read_json

# The first ping goes out at readiness, the next this long after each pong.
PING_INTERVAL = 15.0
# Without a pong for this long, the connection is dead, whatever the socket says.
PONG_TIMEOUT = 14.0
# After the machine may have slept, the pong has to come within this.
DOUBT_TIMEOUT = 4.0
# How long Webex may take from the authorization to readiness.
READY_TIMEOUT = 20.0

_DEEPEST = 20  # an override that reaches further down is none of Webex's
_READINESS = ("mercury.buffer_state", "mercury.registration_status")


@frozen
class Send:
    """Send this frame."""

    text: str = field(repr=False)


@frozen
class Ready:
    """The connection is usable from now on.

    Attributes:
        timestamp: what time it is at Webex, as it says.
    """

    timestamp: Any = field(default=None, eq=False)


@frozen
class Deliver:
    """An envelope came; it is acknowledged already."""

    envelope: dict[str, Any] = field(repr=False)


@frozen
class Counted:
    """A frame with the next number came.

    Attributes:
        timestamp: when Webex wrote it, as it says.
    """

    timestamp: Any = field(default=None, eq=False)


@frozen
class FramesLost:
    """The numbers of the frames jumped: some did not come."""


@frozen
class Malformed:
    """A frame came that is none of the protocol's; the connection stays."""

    what: str


@frozen
class GoingAway:
    """The server is about to go away."""


@frozen
class Dead:
    """The connection is of no use any more."""

    reason: str


Output = Send | Ready | Deliver | Counted | FramesLost | Malformed | GoingAway | Dead


class Mercury:
    """One connection, from its authorization on.

    Args:
        now: the time.
        new_id: gives the ids of frames.

    Attributes:
        due: when :meth:`tick` has something to do.
        certain: when the last ping went out that was answered: what was told before has come.
    """

    def __init__(self, now: float, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self._new_id = new_id
        self._ready = False
        self._ping: str | None = None
        self._pinged = now
        self._patience = PONG_TIMEOUT
        self.certain: float | None = None
        self._number: int | None = None
        self.due = now + READY_TIMEOUT

    def authorize(self, token: str) -> str:
        """Give the first frame, which holds the token."""
        return json.dumps(
            {
                "id": self._new_id(),
                "type": "authorization",
                "data": {"token": f"Bearer {token}"},
                "trackingId": f"callhistory_{self._new_id()}",
            }
        )

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        """Take a frame: text as ``str`` or undecoded ``bytes`` is read, the same for both kinds."""
        outputs: list[Output] = []
        document, problem = _read_frame(frame)
        if not isinstance(document, dict):
            return [Malformed(problem or "no object")]
        outputs += self._count(document)
        kind = document.get("type")
        if kind == "pong":
            return outputs + self._pong(document, now)
        identifier = document.get("id")
        if type(identifier) in (str, int) and kind != "ping":
            outputs.append(Send(json.dumps({"messageId": identifier, "type": "ack"})))
        if kind == "shutdown":
            return [*outputs, GoingAway()]
        data = document.get("data")
        if problem or not isinstance(data, dict):
            return [*outputs, Malformed(problem or "no data")]
        _apply_overrides(data)
        if data.get("eventType") in _READINESS and not self._ready:
            self._ready = True
            outputs += [Ready(document.get("timestamp")), *self._send_ping(now)]
        return [*outputs, Deliver(document)]

    def tick(self, now: float) -> list[Output]:
        """Do what is due by now; :attr:`due` says when to come again."""
        if now < self.due:
            return []
        if not self._ready:
            return [Dead(f"Webex did not accept the connection within {READY_TIMEOUT:.0f} s")]
        if self._ping is not None:
            return [Dead(f"no pong within {self._patience:.0f} s")]
        return self._send_ping(now)

    def doubt(self, now: float) -> list[Output]:
        """Find out soon whether the connection is still alive: the machine may have slept."""
        if not self._ready:
            return []
        outputs = self._send_ping(now) if self._ping is None else []
        self._patience = DOUBT_TIMEOUT
        self.due = min(self.due, now + DOUBT_TIMEOUT)
        return outputs

    def _send_ping(self, now: float) -> list[Output]:
        self._ping = self._new_id()
        self._pinged = now
        self._patience = PONG_TIMEOUT
        self.due = now + PONG_TIMEOUT
        return [Send(json.dumps({"id": self._ping, "type": "ping"}))]

    def _pong(self, document: dict[str, Any], now: float) -> list[Output]:
        if self._ping is not None and document.get("id") == self._ping:
            self._ping = None
            self.certain = self._pinged
            self.due = now + PING_INTERVAL
        return []

    def _count(self, document: dict[str, Any]) -> list[Output]:
        """Follow the numbers of the frames; a pong may carry one or not."""
        number = document.get("sequenceNumber")
        if type(number) is not int:
            return []
        last, self._number = self._number, number
        lost = last is not None and number > last + 1
        return [*([FramesLost()] if lost else []), Counted(document.get("timestamp"))]


def _read_frame(frame: str | bytes) -> tuple[Any, str]:
    """Read a frame as JSON; a binary one, too, for the id that wants to be acknowledged."""
    try:
        document = read_json(frame if isinstance(frame, bytes) else frame.encode())
    except (DecodeError, UnicodeEncodeError):
        return None, "no JSON"
    return document, "binary" if isinstance(frame, bytes) else ""


def _apply_overrides(data: dict[str, Any]) -> None:
    """Set what ``data.headers`` overrides: dotted paths in the data."""
    headers = data.get("headers")
    for path, value in list(headers.items()) if isinstance(headers, dict) else ():
        *parents, last = path.split(".")
        if len(parents) > _DEEPEST:
            continue
        place = data
        for parent in parents:
            inner = place.setdefault(parent, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
