"""Outages of a sandbox, the calls that come in meanwhile, and their recovery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callhistory import CallSessionEvent
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import Heard, ids_of
from tests.support.waiting import wait_until

HISTORY = "/history/userSessions"


def go_offline(cloud: Sandbox) -> None:
    """Begin an outage, and wait until nothing can be delivered any more."""
    cloud.go_offline()
    cloud.wait_until(lambda: not any(connection.is_open for connection in cloud.connections))


def place_calls(cloud: Sandbox, count: int, apart: int = 1) -> list[str]:
    """Place calls, so many milliseconds apart, and return their ids in the history's order."""
    now = datetime.now(UTC)
    calls = [
        cloud.place_call(ended_at=now + timedelta(milliseconds=number * apart))
        for number in range(count)
    ]
    return [call.session_id for call in sorted(calls, key=lambda c: (c.end_time, c.session_id))]


def split(heard: Heard) -> tuple[list[str], list[str]]:
    """Return the ids of the sessions that were delivered live, and of those recovered."""
    events = heard.of(CallSessionEvent)
    live = [session_id for event in events if not event.recovered for session_id in ids_of(event)]
    recovered = [session_id for event in events if event.recovered for session_id in ids_of(event)]
    return live, recovered


def wait_for_recovery(cloud: Sandbox, heard: Heard) -> None:
    """Wait for the end of all recoveries: for the calls of one more outage."""
    go_offline(cloud)
    last = cloud.place_call().session_id
    cloud.go_online()
    assert wait_until(lambda: last in heard.session_ids)
