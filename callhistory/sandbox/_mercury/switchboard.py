"""Which devices are connected, and what is to go wrong with that."""

from __future__ import annotations

from threading import Lock

from callhistory.sandbox._faults.connection_script import ConnectionFaults
from callhistory.sandbox._mercury.channel import Channel
from callhistory.sandbox._mercury.envelopes import Envelope
from callhistory.sandbox._mercury.unacknowledged import Unacknowledged
from callhistory.sandbox._recordings import Connection, ConnectionLog


class Switchboard:
    """The open channels, and all that outlives them; any thread may call it.

    Attributes:
        ack_timeout: the seconds after which what was not acknowledged is delivered again.
        log: what there was.
        faults: what is still to go wrong.
        unacknowledged: what devices are still to acknowledge.
    """

    def __init__(self, ack_timeout: float) -> None:
        self.ack_timeout = ack_timeout
        self.log = ConnectionLog()
        self.faults = ConnectionFaults()
        self.unacknowledged = Unacknowledged()
        self._channels: tuple[Channel, ...] = ()
        self._is_offline = False
        self._lock = Lock()

    @property
    def is_offline(self) -> bool:
        """Whether nobody can connect."""
        return self._is_offline

    def add(self, channel: Channel) -> None:
        """Take in a channel; it is dropped if nobody can connect."""
        with self._lock:
            self._channels += (channel,)
        if self._is_offline:
            channel.websocket.drop()

    def remove(self, channel: Channel) -> None:
        """Forget a channel that has ended."""
        with self._lock:
            self._channels = tuple(other for other in self._channels if other is not channel)

    def channels(self, connection: Connection | None = None) -> tuple[Channel, ...]:
        """Give the open channels, or the one of a connection, if it is still open."""
        return tuple(
            channel for channel in self._channels if connection in (None, channel.connection)
        )

    def replace_older(self, channel: Channel) -> None:
        """Let older channels of the same device give way to one that is ready."""
        for other in self._channels:
            same_device = other.device.url == channel.device.url
            if same_device and other.connection.number < channel.connection.number:
                other.give_way()

    def deliver(self, envelope: Envelope, user_id: str) -> None:
        """Send an envelope to all devices of a user that are ready."""
        if self.is_offline:  # the channels that were dropped may not have noticed it yet
            return
        for channel in self._channels:
            if channel.device.user_id == user_id:
                channel.deliver(envelope)

    def go_offline(self) -> None:
        """Drop every channel, and take in none."""
        with self._lock:
            self._is_offline = True
        for channel in self._channels:
            channel.websocket.drop()

    def go_online(self) -> None:
        """Take in channels again."""
        with self._lock:
            self._is_offline = False
