"""What Mercury puts around an event, and what events tell."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from callhistory._records.timestamps import epoch_ms
from callhistory.sandbox._world.changes import Change, ChangeKind

Envelope = dict[str, Any]
_PREFIX = f"SANDBOX_{uuid4()}"
_numbers = itertools.count(1)
_NO_STATUS = 0  # as the events in Cisco's own fixtures have it


def write_envelope(data: Mapping[str, Any], now: datetime) -> Envelope:
    """Put an event into an envelope; its number on a connection is still missing."""
    return {
        "id": str(uuid4()),
        "data": data,
        "timestamp": epoch_ms(now),
        "trackingId": f"{_PREFIX}_{next(_numbers)}",
        "alertType": "none",
        "filterMessage": False,
        "headers": {},
    }


def buffer_state() -> Mapping[str, Any]:
    """Write the event that makes a connection usable."""
    return {
        "eventType": "mercury.buffer_state",
        "bufferState": {"conversation": "EMPTY", "locus": "EMPTY"},
    }


def event_of(change: Change) -> Mapping[str, Any]:
    """Write a change as an event."""
    match change.kind:
        case ChangeKind.VIEWED:
            read = [{"sessionId": session_id} for session_id in change.session_ids]
            payload: dict[str, Any] = {
                "userReadSessions": {"userReadSessions": read, "statusCode": _NO_STATUS}
            }
        case ChangeKind.DELETED:
            payload = {"deletedSessions": change.session_ids}
        case ChangeKind.RECENT | ChangeKind.RECENT_LEGACY:
            sessions = {"userSessions": change.sessions, "statusCode": _NO_STATUS}
            payload = {"userSessions": sessions}
    return {"eventType": change.kind, **payload}
