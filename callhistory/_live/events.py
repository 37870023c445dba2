"""Live events: from an envelope off the websocket to the event that receivers get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._errors import DecodeError
from .._logging import Log
from .._records.decode import from_wire
from .._records.enums import CallHistoryEvent
from .._records.events import (
    CallSessionData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserReadSession,
    UserSessions,
)
from .._records.sessions import UserSession

Event = CallSessionEvent | CallSessionViewedEvent | CallSessionDeletedEvent

# Webex's own name of an event: the documentation's, the record, where its entries are, of what.
_KINDS: dict[str, tuple[CallHistoryEvent, type[Any], tuple[str, ...], type[Any]]] = {
    "janus.user_recent_sessions": (
        CallHistoryEvent.USER_RECENT_SESSIONS,
        CallSessionEvent,
        ("data", "userSessions", "userSessions"),
        UserSession,
    ),
    "janus.user_viewed_sessions": (
        CallHistoryEvent.USER_VIEWED_SESSIONS,
        CallSessionViewedEvent,
        ("data", "userReadSessions", "userReadSessions"),
        UserReadSession,
    ),
    "janus.user_sessions_deleted": (
        CallHistoryEvent.USER_SESSIONS_DELETED,
        CallSessionDeletedEvent,
        ("data", "deletedSessions"),
        str,
    ),
}
_KINDS["janus.user_sessions"] = _KINDS["janus.user_recent_sessions"]  # its older name


def read_event(envelope: dict[str, Any], log: Log) -> tuple[CallHistoryEvent, Event] | None:
    """Read an envelope; ``None`` when it is no event of the call history, or none that is readable.

    Of several sessions, those that can be read are kept. What cannot be read is said to the log,
    without its content.
    """
    data = envelope.get("data")
    kind = data.get("eventType") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    name, record, path, entry = _KINDS[kind]
    try:
        event: Event = from_wire(record, envelope)
    except DecodeError as error:
        log.warning("an event of %s cannot be read as a whole: %s", kind, error)
    else:
        return name, event
    readable = _with_readable_entries(envelope, path, _reads(entry))
    if readable is None:
        return None
    try:
        return name, from_wire(record, readable)
    except DecodeError:
        return None  # it was more than its entries


def _reads(entry: type[Any]) -> Callable[[Any], bool]:
    def reads(item: Any) -> bool:
        if entry is str:
            return isinstance(item, str)
        try:
            from_wire(entry, item)
        except DecodeError:
            return False
        return True

    return reads


def _with_readable_entries(
    document: Any, path: tuple[str, ...], reads: Callable[[Any], bool]
) -> Any:
    """Copy an envelope with only those of its entries that can be read; ``None`` if none can."""
    if not path:
        kept = [item for item in document if reads(item)] if isinstance(document, list) else []
        return kept or None
    if not isinstance(document, dict):
        return None
    inner = _with_readable_entries(document.get(path[0]), path[1:], reads)
    return None if inner is None else {**document, path[0]: inner}


def recovered_event(sessions: Iterable[UserSession]) -> CallSessionEvent:
    """Make the event for sessions that were fetched after an outage."""
    found = UserSessions(user_sessions=tuple(sessions))
    return CallSessionEvent(data=CallSessionData(user_sessions=found), recovered=True)


def session_ids(event: Event) -> list[str]:
    """List the ids of the sessions that a live event delivers."""
    if not isinstance(event, CallSessionEvent):
        return []
    return [session.session_id for session in event.data.user_sessions.user_sessions]
