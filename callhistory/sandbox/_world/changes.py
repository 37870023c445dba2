"""What changed in a history, told to whoever carries it to the user's devices."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from threading import Lock

import attrs

from callhistory.sandbox._world.session_json import Wire


class ChangeKind(StrEnum):
    """The kinds of change, by the event type that tells of them."""

    RECENT = "janus.user_recent_sessions"
    RECENT_LEGACY = "janus.user_sessions"
    VIEWED = "janus.user_viewed_sessions"
    DELETED = "janus.user_sessions_deleted"


@attrs.frozen(kw_only=True)
class Change:
    """A change in a user's history.

    Attributes:
        kind: what happened.
        user_id: whose history it is.
        session_ids: the sessions it happened to.
        sessions: the sessions themselves, where they are new.
    """

    kind: ChangeKind
    user_id: str
    session_ids: tuple[str, ...]
    sessions: tuple[Wire, ...] = ()


Subscriber = Callable[[Change], None]


class Changes:
    """Passes every change on to those who asked for it, in the thread that caused it."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._lock = Lock()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Ask for the changes; what comes back ends it."""
        with self._lock:
            self._subscribers += (subscriber,)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    def publish(self, change: Change) -> None:
        """Tell everybody of a change."""
        for subscriber in self._subscribers:
            subscriber(change)
