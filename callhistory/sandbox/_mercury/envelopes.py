"""The envelopes that Mercury puts around events."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from callhistory._records.timestamps import epoch_ms

Envelope = dict[str, Any]
_PREFIX = f"SANDBOX_{uuid4()}"
_numbers = itertools.count(1)


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
