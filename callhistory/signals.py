"""The blinker signals: what happened, for receivers anywhere in a program.

Each is sent by a :class:`CallHistoryClient` that listens, from its dispatcher thread, one receiver
at a time, as ``receiver(client, event=event)``. ``connect(receiver)`` hears all clients,
``connect(receiver, sender=client)`` one of them. blinker holds a receiver weakly: a lambda that
nobody else holds is gone at once, and a bound method with its object, unless it is connected with
``weak=False``.

A receiver that raises does not affect the others: it reaches the log, without the exception's
text, and :data:`receiver_failed`.
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
        code: the close code, or the HTTP status that refused it; ``None`` when nothing was said.
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
        receiver: which.
        event: what it was called with.
        exception: what it raised.
    """

    receiver: Receiver
    event: Any
    exception: BaseException


class HistorySignal(blinker.NamedSignal):
    """A named blinker signal that a notebook's cell may connect to again and again."""

    def connect(self, receiver: Any, sender: Any = blinker.ANY, weak: bool = True) -> Any:
        """Connect a receiver, in place of its earlier self if a notebook's cell defined it again.

        Only a function defined at the top level of ``__main__`` has an earlier self, whatever
        sender it was connected for.

        Args:
            receiver: is called as ``receiver(client, event=event)``.
            sender: the client whose events to hear; by default every client's.
            weak: whether the signal lets the receiver go when nobody else holds it.

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
    "Calls began, went on or ended; ``event`` is a :class:`CallSessionEvent`.",
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
    "callhistory:online", "Live events are heard from now on; ``event`` is an :class:`Online`."
)
offline: HistorySignal = HistorySignal(
    "callhistory:offline", "Live events are not heard for now; ``event`` is an :class:`Offline`."
)
receiver_failed: HistorySignal = HistorySignal(
    "callhistory:receiver_failed",
    "A receiver or handler raised; ``event`` is a :class:`ReceiverFailed`. A receiver of this "
    "signal that raises itself is only logged.",
)
