"""The blinker signals: what happened, for receivers anywhere in a program.

A :class:`CallHistoryClient` that listens sends each of them from its dispatcher thread, to one
receiver at a time, as ``receiver(client, event=event)``. ``connect(receiver)`` receives the events
of all clients, ``connect(receiver, sender=client)`` those of one. blinker keeps only a weak
reference to a receiver: without ``weak=False``, a lambda that nothing else refers to is gone at
once, and a bound method is gone with its object.

A receiver that raises does not affect the others: the failure is logged, without the exception's
text, and sent to :data:`receiver_failed`.
"""

import weakref
from collections.abc import Callable
from typing import Any

import blinker
from attrs import frozen

from ._records.enums import CallHistoryEvent
from ._redefined_functions import replaces

__all__ = [
    "HistorySignal",
    "Offline",
    "Online",
    "Receiver",
    "ReceiverFailed",
    "offline",
    "online",
    "receiver_failed",
    "user_recent_sessions",
    "user_sessions_deleted",
    "user_viewed_sessions",
]

Receiver = Callable[..., Any]


@frozen(kw_only=True)
class Online:
    """The connection for live events is up."""


@frozen(kw_only=True)
class Offline:
    """The connection for live events is down.

    Attributes:
        code: the close code, or the HTTP status of the refusal; ``None`` if there was neither.
        reason: why, in words.
        reconnecting: whether it will come back by itself.
    """

    code: int | None
    reason: str
    reconnecting: bool


@frozen(kw_only=True)
class ReceiverFailed:
    """A receiver or a handler raised.

    Attributes:
        receiver: the receiver or handler.
        event: the event that it was called with.
        exception: the exception that it raised.
    """

    receiver: Receiver
    event: Any
    exception: BaseException


class HistorySignal(blinker.NamedSignal):
    """A named blinker signal that a notebook cell may connect to again and again."""

    def connect(self, receiver: Any, sender: Any = blinker.ANY, weak: bool = True) -> Any:
        """Connect a receiver; if a notebook cell has defined it again, replace the earlier version.

        This applies only to functions defined at the top level of ``__main__``, whatever sender
        they were connected to.

        Args:
            receiver: is called as ``receiver(client, event=event)``.
            sender: the client whose events to receive; by default, every client's.
            weak: whether to keep only a weak reference to the receiver.

        Returns:
            The receiver.
        """
        for reference in list(self.receivers.values()):
            is_weak = isinstance(reference, weakref.ref)
            earlier: Any = reference() if is_weak else reference
            if replaces(receiver, earlier):
                self.disconnect(earlier)
        return super().connect(receiver, sender, weak)


user_recent_sessions: HistorySignal = HistorySignal(
    CallHistoryEvent.USER_RECENT_SESSIONS,
    "Calls began, continued or ended; ``event`` is a :class:`CallSessionEvent`.",
)
user_viewed_sessions: HistorySignal = HistorySignal(
    CallHistoryEvent.USER_VIEWED_SESSIONS,
    "Sessions were marked read; ``event`` is a :class:`CallSessionViewedEvent`.",
)
user_sessions_deleted: HistorySignal = HistorySignal(
    CallHistoryEvent.USER_SESSIONS_DELETED,
    "Sessions were deleted; ``event`` is a :class:`CallSessionDeletedEvent`.",
)
online: HistorySignal = HistorySignal(
    "callhistory:online", "Live events arrive from now on; ``event`` is an :class:`Online`."
)
offline: HistorySignal = HistorySignal(
    "callhistory:offline", "Live events do not arrive for now; ``event`` is an :class:`Offline`."
)
receiver_failed: HistorySignal = HistorySignal(
    "callhistory:receiver_failed",
    "A receiver or handler raised; ``event`` is a :class:`ReceiverFailed`. If a receiver "
    "of this signal raises, that is only logged.",
)
