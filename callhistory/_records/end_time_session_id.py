"""The pair that names a session to Webex: its end time and its id."""

from __future__ import annotations

import re
from datetime import datetime

from attrs import field, frozen

from .timestamps import in_utc, read_time


def _end_time(value: object) -> datetime:
    """Take an ISO 8601 text with an offset, or an aware datetime, into UTC."""
    if isinstance(value, datetime):
        return _aware(value)
    if not isinstance(value, str):
        raise TypeError(
            f"end_time: expected an ISO 8601 text or an aware datetime, not {type(value).__name__}"
        )
    try:
        return read_time(value)
    except ValueError:
        raise ValueError(
            f"end_time: {_shown_time(value)} is no ISO 8601 time with an offset, "
            "such as 2026-01-31T09:30:00.000Z"
        ) from None


def _aware(moment: datetime) -> datetime:
    try:
        if moment.utcoffset() is not None:
            return in_utc(moment)
    except ValueError:  # what pandas takes for a missing time raises it too
        raise ValueError(
            f"end_time: {moment.isoformat()} is no time in the years 1 to 9999 of UTC"
        ) from None
    raise ValueError(
        f"end_time: {moment.isoformat()} has no time zone; "
        "give it one, such as datetime(..., tzinfo=timezone.utc)"
    )


def _shown_time(text: str) -> str:
    """Show what was meant as a time, unless it may be an id, a number or a name gone astray."""
    if re.match(r"\d{4}-\d\d(-|$)", text) and not re.search(r"[A-SU-Ya-su-y]", text):
        return repr(text[:40])
    if re.fullmatch(r"[a-z -]{0,40}", text):
        return repr(text)
    return f"a text of {len(text)} characters"


@frozen
class EndTimeSessionId:
    """The pair that names a session in ``update_missed_calls`` and ``delete_call_history_records``.

    ``UserSession.end_time_session_id`` is a session's own.

    Attributes:
        end_time: the session's end: an ISO 8601 text with an offset (``Z``, ``+02:00``), or an
            aware ``datetime``. Kept in UTC.
        session_id: the session's id.

    Raises:
        TypeError: an argument of another type.
        ValueError: a malformed or naive time, an empty session id. The error shows no session id.
    """

    end_time: datetime = field(converter=_end_time)
    session_id: str

    def __attrs_pre_init__(self, end_time: object, session_id: object) -> None:
        if not isinstance(session_id, str):
            raise TypeError(f"session_id: expected a text, not {type(session_id).__name__}")
        if not session_id.strip():
            raise ValueError("session_id: is empty")
        if isinstance(end_time, str) and _is_time(session_id) and not _is_time(end_time):
            raise ValueError("end_time and session_id are in each other's place")


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True
