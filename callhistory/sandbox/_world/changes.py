"""Changes of call histories, and who is informed of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from threading import Lock

import attrs

from callhistory.sandbox._world.session_json import Wire


class ChangeKind(StrEnum):
    """The kinds of change; each value is the type of the event that announces it."""

    RECENT = "janus.user_recent_sessions"
    RECENT_LEGACY = "janus.user_sessions"
    VIEWED = "janus.user_viewed_sessions"
    DELETED = "janus.user_sessions_deleted"


@attrs.frozen(kw_only=True)
class Change:
    """A change of a user's history.

    Attributes:
        kind: what happened.
        user_id: whose history changed.
        session_ids: the sessions that changed.
        sessions: the sessions themselves, if they are new.
    """

    kind: ChangeKind
    user_id: str
    session_ids: tuple[str, ...]
    sessions: tuple[Wire, ...] = ()


Subscriber = Callable[[Change], None]


class Changes:
    """Calls its subscribers with every change, in the thread that caused it."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._lock = Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call a function with every change from now on."""
        with self._lock:
            self._subscribers += (subscriber,)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Call a function no more."""
        with self._lock:
            self._subscribers = tuple(s for s in self._subscribers if s != subscriber)

    def publish(self, change: Change) -> None:
        """Call all subscribers."""
        for subscriber in self._subscribers:
            subscriber(change)
