"""The connected devices, and the envelopes that they have not acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from callhistory.sandbox._faults.script import ConnectionScript
from callhistory.sandbox._mercury.envelopes import Envelope
from callhistory.sandbox._recordings import Connection, Recordings
from callhistory.sandbox._sandbox_limits import SandboxLimits

if TYPE_CHECKING:
    from callhistory.sandbox._mercury.channel import Channel


class Unacknowledged:
    """The envelopes that devices have not acknowledged; any thread may use it.

    Args:
        limit: how many are kept for each device; of more, the oldest are forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._envelopes: dict[str, dict[str, Envelope]] = {}
        self._lock = Lock()

    def add(self, device_url: str, envelope: Envelope) -> None:
        """Keep an envelope that is sent to a device."""
        with self._lock:
            envelopes = self._envelopes.setdefault(device_url, {})
            envelopes[envelope["id"]] = envelope
            if len(envelopes) > self._limit:
                del envelopes[next(iter(envelopes))]

    def acknowledge(self, device_url: str, envelope_id: str) -> None:
        """Forget an envelope that a device has acknowledged."""
        with self._lock:
            self._envelopes.get(device_url, {}).pop(envelope_id, None)

    def includes(self, device_url: str, envelope: Envelope) -> bool:
        """Return whether a device has still to acknowledge an envelope."""
        with self._lock:
            return envelope["id"] in self._envelopes.get(device_url, {})

    def of(self, device_url: str) -> tuple[Envelope, ...]:
        """Return the envelopes of a device, the oldest first."""
        with self._lock:
            return tuple(self._envelopes.get(device_url, {}).values())

    def keep_only(self, device_urls: Iterable[str]) -> None:
        """Forget the envelopes of all other devices."""
        present = set(device_urls)
        with self._lock:
            for url in self._envelopes.keys() - present:
                del self._envelopes[url]


class Switchboard:
    """The open channels, and everything that outlives them; any thread may use it.

    Attributes:
        recordings: where connections and frames are recorded.
        ack_timeout: the seconds after which an unacknowledged envelope is sent again.
        limits: timeouts and sizes.
        script: the scripted faults of the next connections.
        unacknowledged: the envelopes that are still to be acknowledged.
        is_offline: whether there is an outage.
    """

    def __init__(self, recordings: Recordings, ack_timeout: float, limits: SandboxLimits) -> None:
        self.recordings = recordings
        self.ack_timeout = ack_timeout
        self.limits = limits
        self.script = ConnectionScript()
        self.unacknowledged = Unacknowledged(limits.unacknowledged)
        self._channels: tuple[Channel, ...] = ()
        self.is_offline = False
        self._lock = Lock()

    def add(self, channel: Channel) -> None:
        """Add a channel; drop it during an outage."""
        with self._lock:
            self._channels += (channel,)
        if self.is_offline:
            channel.websocket.drop()

    def remove(self, channel: Channel) -> None:
        """Remove a channel that has ended."""
        with self._lock:
            self._channels = tuple(other for other in self._channels if other is not channel)

    def channels(self, connection: Connection | None = None) -> tuple[Channel, ...]:
        """Return the open channels, or only the one of a connection, if it is still open."""
        return tuple(
            channel for channel in self._channels if connection in (None, channel.connection)
        )

    def replace_older(self, channel: Channel) -> None:
        """Close the older channels of a device that has a new one."""
        for other in self._channels:
            same_device = other.device.url == channel.device.url
            if same_device and other.connection.number < channel.connection.number:
                other.give_way()

    def deliver(self, envelope: Envelope, user_id: str) -> None:
        """Send an envelope to all devices of a user that are ready."""
        if self.is_offline:  # channels that were dropped may not have noticed it yet
            return
        for channel in self._channels:
            if channel.device.user_id == user_id:
                channel.deliver(envelope)

    def go_offline(self) -> None:
        """Begin an outage: drop every channel, and each that is added."""
        with self._lock:
            self.is_offline = True
        for channel in self._channels:
            channel.websocket.drop()

    def go_online(self) -> None:
        """End the outage."""
        with self._lock:
            self.is_offline = False
