"""Random faults that pass: what a run of chaos does to a sandbox."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from callhistory.sandbox import Connection, Sandbox
from callhistory.sandbox._mercury.envelopes import Envelope
from callhistory.sandbox._mercury.switchboard import Switchboard, Unacknowledged
from callhistory.sandbox._sandbox_limits import SandboxLimits
from tests.support.waiting import wait_until

# What the sandbox records grows with the run: it is kept short.
_LIMITS = SandboxLimits(requests=200, connections=200, frames=500)
_HISTORY = "/history/userSessions"
_DEVICES = "/devices"
_TOKENS = "/access_token"
_RECENT = "janus.user_recent_sessions"

# Every code after which the client comes back, but those for the token and the device. 1000 is
# the server's own, 1005 a close frame without a code, 1006 no close frame at all.
PASSING_CODES = (1000, 1001, 1005, 1006, 1008, 1011, 1012, 1013, 1014, 3333, 4321)

_JUNK: tuple[object, ...] = (
    "",
    "no JSON",
    "{",
    "null",
    "[1, 2]",
    "17",
    b"\x00\xff\xfe",
    b'{"id": "binary", "data": {}}',
    "[" * 5_000,
    {"id": "without data"},
    {"id": "odd data", "data": 3},
    {"id": {"an": "object"}, "data": {"eventType": _RECENT}},
    {"id": "no sessions", "data": {"eventType": _RECENT, "userSessions": None}},
    {"id": "odd", "data": {"eventType": _RECENT, "userSessions": {"userSessions": [None, 1]}}},
    {"id": "other", "data": {"eventType": "locus.difference"}},
    {"id": "far", "data": {"headers": {"a.b.c": 1, ".": 2, "": 3}}, "headers": {"x": []}},
)


@attrs.define
class Losses:
    """What gets lost on the way; a sandbox cannot script it.

    Attributes:
        frames: how many of the next events are lost.
        acknowledgements: whether acknowledgements are lost.
    """

    frames: int = 0
    acknowledgements: bool = False


class _LossyUnacknowledged(Unacknowledged):
    def __init__(self, limit: int, losses: Losses) -> None:
        super().__init__(limit)
        self._losses = losses

    def acknowledge(self, device_url: str, envelope_id: str) -> None:
        if not self._losses.acknowledgements:
            super().acknowledge(device_url, envelope_id)


class _LossySwitchboard(Switchboard):
    def __init__(self, likewise: Switchboard, losses: Losses) -> None:
        super().__init__(likewise.recordings, likewise.ack_timeout, likewise.limits)
        self.unacknowledged = _LossyUnacknowledged(likewise.limits.unacknowledged, losses)
        self._losses = losses

    def deliver(self, envelope: Envelope, user_id: str) -> None:
        if self._losses.frames and envelope["data"].get("eventType") == _RECENT:
            self._losses.frames -= 1
            for channel in self.channels():
                with channel._lock:
                    channel._sequence_number += 1
        else:
            super().deliver(envelope, user_id)


class LossySandbox(Sandbox):
    """A sandbox that can lose frames and acknowledgements, and soon forgets what tests ask for.

    Args:
        ack_timeout: the seconds after which what was not acknowledged is delivered again.

    Attributes:
        losses: what gets lost on the way.
    """

    def __init__(self, ack_timeout: float) -> None:
        super().__init__(sessions=0, device_limit=10_000, ack_timeout=ack_timeout, _limits=_LIMITS)
        self.losses = Losses()
        self._switchboard = _LossySwitchboard(self._switchboard, self.losses)


class Mischief:
    """Causes one fault after another in a sandbox whose client has to survive them all.

    A fault that needs a connection waits for one. Two refusals of the token never follow each
    other without an accepted connection in between: that would be permanent.

    Args:
        cloud: the sandbox.
        rng: decides the details of a fault.
        place: places so many calls at once.
    """

    def __init__(self, cloud: LossySandbox, rng: Random, place: Callable[[int], None]) -> None:
        self._cloud = cloud
        self._rng = rng
        self._place = place
        self._moving: set[int] = set()  # connections whose end was announced

    # --- connections that end ---

    def close(self) -> str:
        code = self._rng.choice(PASSING_CODES)
        self._cloud.close_connections(code)
        return f"closed with {code}"

    def close_with_news(self) -> str:
        self._place(self._rng.randint(1, 5))
        code = self._rng.choice(PASSING_CODES)
        self._cloud.close_connections(code)
        return "closed right after events"

    def reset(self) -> str:
        self._maybe_forget()
        self._cloud.drop_connections()
        return "TCP reset"

    def go_offline(self) -> str:
        with self._cloud.outage():
            self._maybe_forget()
            self._place(self._rng.choice((0, 0, 5, 60)))
            self._pause(0.5)
        return "outage"

    def accept_and_drop(self) -> str:
        self._cloud.drop_at_once(
            after=self._rng.choice(("upgrade", "readiness")),
            code=self._rng.choice((1000, 1001, 1006, 1011)),
            times=self._rng.randint(1, 3),
        )
        self._cloud.drop_connections()
        return "accepted and dropped"

    # --- connections that say nothing ---

    def be_half_open(self) -> str:
        connection = self._ready()
        # One whose end was announced would be closed cleanly, as if nothing had been lost on it.
        if connection is not None and connection.number not in self._moving:
            self._cloud.go_silent(connection=connection)
            self._place(self._rng.randint(1, 4))
            self._maybe_forget()
            # Nothing else happens until the client notices: another end would hide that it did not.
            wait_until(lambda: not connection.is_open, 4)
        return "half-open"

    def be_silent(self) -> str:
        connection = self._ready()
        if connection is not None:
            self._cloud.go_silent(connection=connection)
            self._pause(0.3)
            self._cloud.speak_again(connection=connection)
        return "silence that passed"

    # --- frames ---

    def be_slow(self) -> str:
        connection = self._ready()
        if connection is not None:
            self._cloud.slow_down(0.002, connection=connection)
            self._place(self._rng.randint(1, 3))
            self._cloud.slow_down(0, connection=connection)
        return "slow frames"

    def lose_acknowledgements(self) -> str:
        self._cloud.losses.acknowledgements = True
        self._place(3)
        self._pause(0.8)
        self._cloud.losses.acknowledgements = False
        return "acknowledgements lost"

    def repeat(self) -> str:
        connection = self._ready()
        sent = self._cloud.frames_of(_RECENT, direction="sent")
        for frame in self._rng.sample(sent, min(len(sent), self._rng.randint(1, 10))):
            # Not with the number that it had on another connection: that would hide a jump.
            envelope = {**frame.json, "sequenceNumber": None}
            self._cloud.send_frame(envelope, connection=connection)
        return "envelopes repeated"

    def send_junk(self) -> str:
        connection = self._ready()
        for frame in self._rng.sample(_JUNK, 4):
            self._cloud.send_frame(frame, connection=connection)
        return "malformed frames"

    def lose_frames(self) -> str:
        connection = self._ready()
        if connection is not None and connection.number not in self._moving:
            count = self._rng.randint(1, 3)
            self._cloud.losses.frames = count
            self._place(count)
            self._cloud.losses.frames = 0
            self._place(1)  # its number shows that frames are missing
        return "jump of sequenceNumber"

    def send_early(self) -> str:
        data = {"eventType": self._rng.choice(("locus.difference", _RECENT))}
        self._cloud.precede_readiness(data)
        self._cloud.close_connections(1001)
        return "frame before readiness"

    # --- connections that do not come about ---

    def refuse_upgrade(self) -> str:
        faults: tuple[dict[str, Any], ...] = (
            {"status": 503},
            {"status": 502},
            {"status": 500},
            {"status": 404},
            {"status": 503, "retry_after": "nonsense"},
            {"retry_after": 0},
            {"retry_after": 1},
            {"reset": True},
            {"delay": 0.3},
            {"delay": 0.2, "status": 503},
        )
        fault = self._rng.choice(faults)
        most = 1 if fault.get("retry_after") == 1 else 3
        self._cloud.fail_upgrades(**fault, times=self._rng.randint(1, most))
        self._cloud.drop_connections()
        what = fault.get("status") or ("429" if "retry_after" in fault else "reset or late")
        return f"upgrade: {what}"

    def be_slow_to_get_ready(self) -> str:
        self._cloud.delay_readiness(self._rng.choice((0.1, 0.5, math.inf)))
        self._cloud.close_connections(1012)
        return "late readiness"

    # --- tokens ---

    def refuse_token(self) -> str:
        connection = self._ready()
        if connection is None:
            return "token: not now"
        accepted = self._accepted()
        # A refresh may have to be tried more than once.
        if failures := self._rng.randint(0, 6):
            self._cloud.fail_next(_TOKENS, status=503, times=failures)
        kind = self._rng.choice(("expired", "4401", "1008", "401 at the upgrade", "refused"))
        if kind == "expired":
            self._cloud.expire_token()
            self._cloud.drop_connections()
        elif kind == "4401":
            self._cloud.close_connections(4401, "expired")
        elif kind == "1008":
            self._cloud.close_connections(1008, "token expired")
        elif kind == "401 at the upgrade":
            self._cloud.fail_upgrades(status=401)
            self._cloud.drop_connections()
        else:
            self._cloud.fail_authorizations(self._rng.choice((4401, 1008)), "not authorized")
            self._cloud.drop_connections()
        wait_until(lambda: self._accepted() > accepted, 10)
        return f"token: {kind}"

    # --- devices ---

    def retire_address(self) -> str:
        self._cloud.retire_websockets()
        self._cloud.drop_connections()
        return "device: address retired"

    def delete_device(self) -> str:
        devices = self._cloud._organization.devices
        for device in devices.of():
            devices.delete(device.url, device.user_id)
        self._cloud.drop_connections()
        return "device: vanished"

    def say_device_gone(self) -> str:
        self._cloud.close_connections(4404)
        return "device: 4404"

    # --- HTTP ---

    def spoil_replies(self) -> str:
        path, method = self._rng.choice(
            ((_HISTORY, "GET"), (_HISTORY, "GET"), (_DEVICES, "PUT"), (_DEVICES, "POST"))
        )
        faults: tuple[dict[str, Any], ...] = (
            {"status": 503},
            {"status": 500},
            {"retry_after": 0},
            {"retry_after": 1},
            {"reset": True},
            {"truncate": True},
            {"lose": True},
            {"delay": 0.4},
            {"body": "no JSON"},
        )
        fault = self._rng.choice(faults)
        most = 2 if fault.get("retry_after") else 12  # these are whole seconds
        self._cloud.fail_next(path, method=method, times=self._rng.randint(1, most), **fault)
        if path == _DEVICES:
            self._cloud.retire_websockets()
        self._cloud.drop_connections()
        self._place(self._rng.choice((1, 60)))
        return f"reply: {_name_of(fault)}"

    # --- a server that goes away ---

    def announce_shutdown(self) -> str:
        connection = self._ready()
        if connection is not None:
            self._moving.add(connection.number)
        self._cloud.announce_shutdown(
            linger=self._rng.uniform(0, 0.3),
            code=self._rng.choice((4000, 1001)),
            reason="replaced",
            at_latest=self._rng.choice((0.02, 0.5)),
        )
        self._place(self._rng.randint(0, 3))
        return "shutdown announced"

    def announce_and_go_half_open(self) -> str:
        connection = self._ready()
        if connection is not None and connection.number not in self._moving:
            self._moving.add(connection.number)
            self._cloud.fail_upgrades(delay=0.2)
            self._cloud.announce_shutdown(linger=30, at_latest=30)
            self._cloud.go_silent(connection=connection)
            self._place(2)
            self._maybe_forget()
            wait_until(lambda: not connection.is_open, 4)
        return "shutdown, then half-open"

    # --- in between, and in the end ---

    def breathe(self) -> None:
        """Wait a moment before the next fault, and now and then for the client to be back."""
        if self._rng.random() < 0.4:
            self._ready()
        time.sleep(min(self._rng.expovariate(6), 1.0))

    def accept_and_drop_for(self, seconds: float) -> int:
        """Accept and drop every connection for a while; return how many attempts there were."""
        self._calm()
        self._cloud.drop_at_once(after="readiness", code=1001)
        before = self._attempts()
        self._cloud.drop_connections()
        time.sleep(seconds)
        attempts = self._attempts() - before
        self._calm()
        return attempts

    def last_outage(self) -> None:
        """Place more calls in an outage than a page holds."""
        self._calm()
        self._ready()
        with self._cloud.outage():
            wait_until(lambda: not self._open())
            self._place(60)
        connection = self._ready()
        if connection is not None:
            # When it sends its first ping, the client has begun to fetch what is missing.
            wait_until(lambda: self._has_pinged(connection))

    def last_half_open(self) -> None:
        """Leave a connection half-open that nobody closes, and place calls."""
        connection = self._ready()
        if connection is not None:
            self._cloud.go_silent(connection=connection)
            self._place(5)
            self._forget()

    # --- parts ---

    def _calm(self) -> None:
        self._cloud.go_online()
        self._cloud.clear_faults()

    def _pause(self, longest: float) -> None:
        time.sleep(self._rng.uniform(0, longest))

    def _open(self) -> list[Connection]:
        return [connection for connection in self._cloud.connections if connection.is_open]

    def _ready(self) -> Connection | None:
        """Return an accepted connection; ``None`` if there is none within 10 seconds."""
        found: list[Connection] = []

        def look() -> list[Connection]:
            found[:] = [c for c in self._open() if c.ready_at is not None]
            return found

        wait_until(look, 10)
        return found[-1] if found else None

    def _has_pinged(self, connection: Connection) -> bool:
        pings = self._cloud.frames_of("ping", direction="received", connection=connection)
        return bool(pings) or not connection.is_open

    def _accepted(self) -> int:
        numbers = [c.number for c in self._cloud.connections if c.ready_at is not None]
        return max(numbers, default=0)

    def _attempts(self) -> int:
        attempts = self._cloud.attempts
        return attempts[-1].number if attempts else 0

    def _maybe_forget(self) -> None:
        if self._rng.random() < 0.5:
            self._forget()

    def _forget(self) -> None:
        """Make the server deliver nothing again: Webex does not promise to."""
        self._cloud._switchboard.unacknowledged.keep_only(())


def _name_of(fault: dict[str, Any]) -> str:
    if "status" in fault:
        return str(fault["status"])
    return "429" if "retry_after" in fault else next(iter(fault))


Fault = Callable[[Mischief], str]

FAMILIES: dict[str, tuple[Fault, ...]] = {
    "closing": (
        Mischief.close,
        Mischief.close_with_news,
        Mischief.reset,
        Mischief.go_offline,
        Mischief.accept_and_drop,
    ),
    "silence": (Mischief.be_half_open, Mischief.be_silent),
    "frames": (
        Mischief.be_slow,
        Mischief.lose_acknowledgements,
        Mischief.repeat,
        Mischief.send_junk,
        Mischief.lose_frames,
        Mischief.send_early,
    ),
    "upgrades": (Mischief.refuse_upgrade, Mischief.be_slow_to_get_ready),
    "tokens": (Mischief.refuse_token,),
    "devices": (Mischief.retire_address, Mischief.delete_device, Mischief.say_device_gone),
    "replies": (Mischief.spoil_replies,),
    "shutdown": (Mischief.announce_shutdown, Mischief.announce_and_go_half_open),
}
