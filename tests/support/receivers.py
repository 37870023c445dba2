"""Receivers that count, and calls that reach them."""

from __future__ import annotations

import threading
from typing import Any, Self

from callhistory import CallHistoryClient, CallSessionEvent, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import Heard


class Calls:
    """Counts what it is called with."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def handle(self, event: Any) -> None:
        """Take an event as a handler does."""
        self.events.append(event)

    def receive(self, client: CallHistoryClient, event: Any) -> None:
        """Take an event as a receiver does."""
        self.events.append(event)


class Blocker:
    """A handler that blocks, until it is released or the block is left."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._released = threading.Event()

    def handle(self, event: Any) -> None:
        """Take an event, and do not return."""
        self.entered.set()
        self._released.wait(30)

    def release(self) -> None:
        """Let it return, now and from then on at once."""
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()


def place_calls(cloud: Sandbox, heard: Heard, count: int = 1) -> list[CallSessionEvent]:
    """Let calls happen, and wait until they were delivered to everybody."""
    known = len(heard.session_ids)
    for _ in range(count):
        cloud.place_call()
    heard.wait_for_sessions(known + count)
    # What comes after them in the queue is delivered when all receivers are through with them.
    through = threading.Event()

    def note(client: CallHistoryClient, event: Any) -> None:
        through.set()

    with signals.user_sessions_deleted.connected_to(note):
        data = {"eventType": "janus.user_sessions_deleted", "deletedSessions": []}
        cloud.send_frame({"data": data})
        assert through.wait(10)
    return heard.of(CallSessionEvent)
