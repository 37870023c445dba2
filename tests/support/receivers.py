"""Receivers that record or block, and a listening client whose receivers are looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

import attrs

from callhistory import CallHistoryClient, CallSessionDeletedEvent, CallSessionEvent
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import Heard

Receiver = Callable[..., object]


class Calls:
    """Records what it is called with."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def handle(self, event: Any) -> None:
        """Record an event, as a handler."""
        self.events.append(event)

    def receive(self, client: CallHistoryClient, event: Any) -> None:
        """Record an event, as a receiver."""
        self.events.append(event)


class Blocker:
    """A handler that blocks until it is released or the block is left."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._released = threading.Event()

    def handle(self, event: Any) -> None:
        """Block, as a handler."""
        self.entered.set()
        self._released.wait(30)

    def release(self) -> None:
        """Return from the call that blocks; later calls return at once."""
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()


@attrs.frozen
class LiveClient:
    """A client that listens to a sandbox.

    Attributes:
        cloud: the sandbox.
        client: the client.
        heard: what its signals carried.
    """

    cloud: Sandbox
    client: CallHistoryClient
    heard: Heard

    def deliver(self, count: int = 1) -> list[CallSessionEvent]:
        """Place calls, wait until all receivers have returned, and return the calls' events."""
        known = len(self.heard.session_ids)
        deletions = len(self.heard.of(CallSessionDeletedEvent))
        for _ in range(count):
            self.cloud.place_call()
        self.heard.wait_for_sessions(known + count)
        # An event that is queued behind them is delivered after the last receiver has returned.
        data = {"eventType": "janus.user_sessions_deleted", "deletedSessions": []}
        self.cloud.send_frame({"data": data})
        self.heard.wait_for(CallSessionDeletedEvent, deletions + 1)
        return self.heard.of(CallSessionEvent)[-count:]


@attrs.frozen
class Subscription:
    """One of the two ways to subscribe to an event: as a handler or as a receiver."""

    connect: Callable[[Receiver], object]
    disconnect: Callable[[Receiver], object]
