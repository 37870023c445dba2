"""Typed events, from the envelopes of the websocket and from recovered sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import signals
from .._errors import DecodeError
from .._records.decode import read_record
from .._records.events import (
    CallSessionData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserReadSession,
    UserSessions,
)
from .._records.sessions import UserSession

if TYPE_CHECKING:
    from .._logging import Log

Event = CallSessionEvent | CallSessionViewedEvent | CallSessionDeletedEvent

# By Webex's own name of an event: the signal, the record, and the path and class of its entries.
_KINDS: dict[str, tuple[signals.HistorySignal, type[Any], tuple[str, ...], type[Any]]] = {
    "janus.user_recent_sessions": (
        signals.user_recent_sessions,
        CallSessionEvent,
        ("data", "userSessions", "userSessions"),
        UserSession,
    ),
    "janus.user_viewed_sessions": (
        signals.user_viewed_sessions,
        CallSessionViewedEvent,
        ("data", "userReadSessions", "userReadSessions"),
        UserReadSession,
    ),
    "janus.user_sessions_deleted": (
        signals.user_sessions_deleted,
        CallSessionDeletedEvent,
        ("data", "deletedSessions"),
        str,
    ),
}
_KINDS["janus.user_sessions"] = _KINDS["janus.user_recent_sessions"]  # its older name


def read_event(envelope: dict[str, Any], log: Log) -> tuple[signals.HistorySignal, Event] | None:
    """Return an envelope's event and the signal for it; ``None`` for any other envelope.

    The event has those sessions that can be read. What cannot be read is logged, without its
    content.
    """
    data = envelope.get("data")
    kind = data.get("eventType") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    signal, record, path, entry = _KINDS[kind]
    try:
        event: Event = read_record(record, envelope)
    except DecodeError as error:
        log.warning("an event %s cannot be read in full: %s", kind, error)
    else:
        return signal, event
    readable = _with_readable_entries(envelope, path, _can_read(entry))
    if readable is None:
        return None
    try:
        return signal, read_record(record, readable)
    except DecodeError:
        return None  # not only its entries are unreadable


def _can_read(entry: type[Any]) -> Callable[[Any], bool]:
    def can_read(item: Any) -> bool:
        if entry is str:
            return isinstance(item, str)
        try:
            read_record(entry, item)
        except DecodeError:
            return False
        return True

    return can_read


def _with_readable_entries(
    document: Any, path: tuple[str, ...], can_read: Callable[[Any], bool]
) -> Any:
    """Return a copy of an envelope with the entries that can be read; ``None`` if none can."""
    if not path:
        kept = [item for item in document if can_read(item)] if isinstance(document, list) else []
        return kept or None
    if not isinstance(document, dict):
        return None
    inner = _with_readable_entries(document.get(path[0]), path[1:], can_read)
    return None if inner is None else {**document, path[0]: inner}


def recovered_event(sessions: Iterable[UserSession]) -> CallSessionEvent:
    """Return the event for sessions that were fetched after an outage."""
    found = UserSessions(user_sessions=tuple(sessions))
    return CallSessionEvent(data=CallSessionData(user_sessions=found), recovered=True)


def session_ids(event: Event) -> list[str]:
    """Return the ids of the sessions that an event delivers."""
    if not isinstance(event, CallSessionEvent):
        return []
    return [session.session_id for session in event.data.user_sessions.user_sessions]
