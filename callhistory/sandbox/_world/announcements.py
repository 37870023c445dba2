"""The live events that announce changes of a history, and who receives them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from callhistory.sandbox._world.session_json import Wire

LiveEvent = dict[str, Any]
Subscriber = Callable[[str, LiveEvent], None]
_NO_STATUS = 0  # as in the events of Cisco's own fixtures


def recent_session(session: Wire, *, legacy: bool = False) -> LiveEvent:
    """Return the event of a new session, perhaps by its older name."""
    return {
        "eventType": "janus.user_sessions" if legacy else "janus.user_recent_sessions",
        "userSessions": {"userSessions": [session], "statusCode": _NO_STATUS},
    }


def viewed_sessions(session_ids: list[str]) -> LiveEvent:
    """Return the event of sessions that were marked as read."""
    read = [{"sessionId": session_id} for session_id in session_ids]
    return {
        "eventType": "janus.user_viewed_sessions",
        "userReadSessions": {"userReadSessions": read, "statusCode": _NO_STATUS},
    }


def deleted_sessions(session_ids: list[str]) -> LiveEvent:
    """Return the event of sessions that were deleted."""
    return {"eventType": "janus.user_sessions_deleted", "deletedSessions": session_ids}


class Announcements:
    """Passes every event and its user's id to the subscribers, in the thread that caused it."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._lock = Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call a function with every event from now on."""
        with self._lock:
            self._subscribers += (subscriber,)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Stop calling a function."""
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s != subscriber)

    def publish(self, user_id: str, event: LiveEvent) -> None:
        """Call all subscribers."""
        for subscriber in self._subscribers:
            subscriber(user_id, event)
