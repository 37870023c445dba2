"""Envelopes become events here, and each event is delivered once, live or recovered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any

from .. import signals
from .._errors import DecodeError
from .._logging import Log
from .._records.decode import from_wire
from .._records.events import (
    CallSessionData,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserReadSession,
    UserSessions,
)
from .._records.sessions import UserSession
from .dispatcher import Dispatcher

Event = CallSessionEvent | CallSessionViewedEvent | CallSessionDeletedEvent

# Webex's own name of an event: its signal, the record, where its entries are, and of what class.
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


class RecentIds:
    """A set of the ids that were added last; any thread may use it.

    Args:
        size: how many it remembers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._ids: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, identifier: Hashable) -> bool:
        """Remember an id as the newest; return whether it is new."""
        with self._lock:
            is_new = identifier not in self._ids
            self._ids[identifier] = None
            self._ids.move_to_end(identifier)
            if len(self._ids) > self._size:
                self._ids.popitem(last=False)
            return is_new


class Inbox:
    """Reads envelopes and recovered sessions, and dispatches what is new in them.

    Args:
        dispatcher: delivers the events.
        log: where it is said what cannot be read.
        remembered: how many envelopes and sessions are known as delivered.
    """

    def __init__(self, dispatcher: Dispatcher, log: Log, remembered: int) -> None:
        self._dispatcher = dispatcher
        self._log = log
        self._envelopes = RecentIds(remembered)
        self._sessions = RecentIds(remembered)

    def receive(self, envelope: dict[str, Any]) -> None:
        """Dispatch an envelope's event, unless the envelope came before or holds none."""
        identifier = envelope.get("id")
        if type(identifier) in (str, int) and not self._envelopes.add(identifier):
            return
        found = read_event(envelope, self._log)
        if found is None:
            return
        signal, event = found
        # Here, and not when it is delivered: a recovery may come in between.
        for session_id in session_ids(event):
            self._sessions.add(session_id)
        self._dispatcher.put(signal, event)

    def receive_recovered(self, sessions: Iterable[UserSession], began: datetime) -> None:
        """Dispatch the sessions that ended since ``began`` and are not known yet, as one event."""
        unknown = [
            session
            for session in sessions
            if session.end_time >= began and self._sessions.add(session.session_id)
        ]
        if unknown:
            self._dispatcher.put(signals.user_recent_sessions, recovered_event(unknown))


def read_event(envelope: dict[str, Any], log: Log) -> tuple[signals.HistorySignal, Event] | None:
    """Return an envelope's event and the signal for it; ``None`` for any other envelope.

    Of several sessions, those that can be read are in it. What cannot be read is logged, without
    its content.
    """
    data = envelope.get("data")
    kind = data.get("eventType") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    signal, record, path, entry = _KINDS[kind]
    try:
        event: Event = from_wire(record, envelope)
    except DecodeError as error:
        log.warning("an event of %s cannot be read as a whole: %s", kind, error)
    else:
        return signal, event
    readable = _with_readable_entries(envelope, path, _can_read(entry))
    if readable is None:
        return None
    try:
        return signal, from_wire(record, readable)
    except DecodeError:
        return None  # not only its entries are unreadable


def _can_read(entry: type[Any]) -> Callable[[Any], bool]:
    def can_read(item: Any) -> bool:
        if entry is str:
            return isinstance(item, str)
        try:
            from_wire(entry, item)
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
