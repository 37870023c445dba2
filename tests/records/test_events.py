"""The events: their envelope, and where their sessions are."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callhistory import (
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    from_wire,
    to_wire,
)
from tests.records.samples import sample
from tests.support.wire_samples import a_session, wire_form


def test_an_event_off_the_wire_is_a_live_one() -> None:
    """An event that is read is not a recovered one, and none is written as one."""
    event = from_wire(CallSessionEvent, wire_form(CallSessionEvent) | {"recovered": True})

    assert event.recovered is False
    assert "recovered" not in to_wire(attrs.evolve(sample(CallSessionEvent), recovered=True))


def test_the_sessions_of_an_event_are_where_the_documentation_has_them() -> None:
    """Each event leads to its sessions, or to their ids, by the documented path."""
    recent = sample(CallSessionEvent)
    viewed = sample(CallSessionViewedEvent)
    deleted = sample(CallSessionDeletedEvent)

    assert [session.id for session in recent.data.user_sessions.user_sessions] == [
        a_session()["id"],
        "3",
    ]
    assert recent.data.user_sessions.status_code == 200
    assert recent.data.event_type == "janus.user_recent_sessions"
    assert viewed.data.user_read_sessions.user_read_sessions[0].session_id == "session-1"
    assert deleted.data.deleted_sessions == ("session-1", "session-2")


@pytest.mark.parametrize(
    "timestamp", ["2026-03-01T09:00:00Z", 1.5, True, [], 10**30, -(10**400), 253_402_300_800_000]
)
def test_an_unreadable_time_of_an_event_is_put_aside(timestamp: Any) -> None:
    """An event whose timestamp is not a readable number of milliseconds is read without it."""
    form = wire_form(CallSessionEvent) | {"timestamp": timestamp}

    event = from_wire(CallSessionEvent, form)

    assert event.timestamp is None
    assert event.extra == {"timestamp": timestamp}
    assert to_wire(event) == form
