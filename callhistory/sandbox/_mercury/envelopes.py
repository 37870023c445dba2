"""Live events as Mercury writes them, and the envelopes around them."""

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
_NO_STATUS = 0  # as in the events of Cisco's own fixtures


def write_envelope(data: Mapping[str, Any], now: datetime) -> Envelope:
    """Return an event in an envelope, without the sequence number of a connection."""
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
    """Return the event that tells a device that its connection is ready."""
    return {
        "eventType": "mercury.buffer_state",
        "bufferState": {"conversation": "EMPTY", "locus": "EMPTY"},
    }


def event_of(change: Change) -> Mapping[str, Any]:
    """Return the event that announces a change."""
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
