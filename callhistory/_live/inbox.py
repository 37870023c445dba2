"""What was delivered already: each event goes to the receivers once, live or recovered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import signals
from .._logging import Log
from .._records.sessions import UserSession
from .dispatcher import Dispatcher
from .events import read_event, recovered_event, session_ids
from .seen import Seen

_REMEMBERED = 10_000


class Inbox:
    """Takes envelopes and fetched sessions, and lets what is new in them be delivered.

    Args:
        dispatcher: delivers the events.
        log: where to say what cannot be read.
    """

    def __init__(self, dispatcher: Dispatcher, log: Log) -> None:
        self.dispatcher = dispatcher
        self._log = log
        self._envelopes = Seen(_REMEMBERED)
        self._sessions = Seen(_REMEMBERED)

    def take(self, envelope: dict[str, Any]) -> None:
        """Let an envelope's event be delivered, unless it was."""
        identifier = envelope.get("id")
        if type(identifier) in (str, int) and self._envelopes.meet(identifier):
            return
        found = read_event(envelope, self._log)
        if found is None:
            return
        name, event = found
        # Here, and not when it is delivered: a recovery may come in between.
        for session_id in session_ids(event):
            self._sessions.meet(session_id)
        self.dispatcher.put(signals.BY_NAME[name], event)

    def take_recovered(self, sessions: Iterable[UserSession], began: datetime) -> None:
        """Let those sessions be delivered that ended since a time, and are not known."""
        fresh = [
            session
            for session in sessions
            if session.end_time >= began and not self._sessions.meet(session.session_id)
        ]
        if fresh:
            self.dispatcher.put(signals.user_recent_sessions, recovered_event(fresh))
