"""Each event is delivered once, live or recovered, however often Webex sends it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import signals
from .event_reader import read_event, recovered_event, session_ids

if TYPE_CHECKING:
    from .._logging import Log
    from .._records.sessions import UserSession
    from .dispatcher import Dispatcher


class RecentIds:
    """A set of the most recently added ids; any thread may use it.

    Args:
        size: how many ids it remembers.
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


class Deduplicator:
    """Dispatches the events of new envelopes and of new recovered sessions.

    Args:
        dispatcher: delivers the events.
        log: logs what cannot be read.
        remembered: how many delivered envelopes and sessions are remembered.
    """

    def __init__(self, dispatcher: Dispatcher, log: Log, remembered: int) -> None:
        self._dispatcher = dispatcher
        self._log = log
        self._envelopes = RecentIds(remembered)
        self._sessions = RecentIds(remembered)

    def receive(self, envelope: dict[str, Any]) -> None:
        """Dispatch an envelope's event, unless the envelope is a repeat or has no event."""
        identifier = envelope.get("id")
        if type(identifier) in (str, int) and not self._envelopes.add(identifier):
            return
        found = read_event(envelope, self._log)
        if found is None:
            return
        signal, event = found
        # Now, not when the event is delivered: a recovery may run in between.
        for session_id in session_ids(event):
            self._sessions.add(session_id)
        self._dispatcher.put(signal, event)

    def receive_recovered(self, sessions: Iterable[UserSession], began: datetime) -> None:
        """Dispatch the sessions that ended since ``began`` and are new, as one event."""
        unknown = [
            session
            for session in sessions
            if session.end_time >= began and self._sessions.add(session.session_id)
        ]
        if unknown:
            self._dispatcher.put(signals.user_recent_sessions, recovered_event(unknown))
