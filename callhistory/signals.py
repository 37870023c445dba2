"""The blinker signals: what happened, for receivers anywhere in a program.

Each is sent by a :class:`CallHistoryClient` that listens, from its dispatcher thread, one receiver
at a time, as ``receiver(client, event=event)``. ``connect(receiver)`` hears all clients,
``connect(receiver, sender=client)`` one of them. blinker holds a receiver weakly: a lambda that
nobody else holds is gone at once, and a bound method with its object, unless it is connected with
``weak=False``.

A receiver that raises stops nobody else: it reaches the log, without the exception's text, and
:data:`receiver_failed`.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import blinker
from attrs import frozen

from ._logging import Log
from ._records.enums import CallHistoryEvent

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
        """
        for held in list(self.receivers.values()):
            earlier: Any = held() if isinstance(held, weakref.ref) else held
            if replaces(receiver, earlier):
                self.disconnect(earlier)
        return super().connect(receiver, sender, weak)


def replaces(receiver: Any, earlier: Any) -> bool:
    """Tell whether a function takes an earlier one's place: a notebook's cell defined it again.

    Lambdas, closures and methods never do: two of the same name need not be the same. Nor does a
    decorated function that of another decorated form of the very same one.
    """
    if not (_is_at_top_level(receiver) and _is_at_top_level(earlier)):
        return False
    same_name: bool = receiver.__qualname__ == earlier.__qualname__
    return same_name and inspect.unwrap(receiver) is not inspect.unwrap(earlier)


def _is_at_top_level(receiver: Any) -> bool:
    if not isinstance(receiver, FunctionType) or receiver.__module__ != "__main__":
        return False
    return receiver.__qualname__.isidentifier()  # no lambda, nor of a class or a function


user_recent_sessions = HistorySignal(
    CallHistoryEvent.USER_RECENT_SESSIONS,
    "Calls began, went on or ended; ``event`` is a :class:`CallSessionEvent`.",
)
user_viewed_sessions = HistorySignal(
    CallHistoryEvent.USER_VIEWED_SESSIONS,
    "Sessions were marked read; ``event`` is a :class:`CallSessionViewedEvent`.",
)
user_sessions_deleted = HistorySignal(
    CallHistoryEvent.USER_SESSIONS_DELETED,
    "Sessions were deleted; ``event`` is a :class:`CallSessionDeletedEvent`.",
)
online = HistorySignal(
    "callhistory:online", "Live events are heard from now on; ``event`` is an :class:`Online`."
)
offline = HistorySignal(
    "callhistory:offline", "Live events are not heard for now; ``event`` is an :class:`Offline`."
)
receiver_failed = HistorySignal(
    "callhistory:receiver_failed",
    "A receiver or handler raised; ``event`` is a :class:`ReceiverFailed`. A receiver of this "
    "signal that raises itself is only logged.",
)

BY_NAME = {
    CallHistoryEvent.USER_RECENT_SESSIONS: user_recent_sessions,
    CallHistoryEvent.USER_VIEWED_SESSIONS: user_viewed_sessions,
    CallHistoryEvent.USER_SESSIONS_DELETED: user_sessions_deleted,
}


def deliver(
    signal: blinker.NamedSignal,
    sender: Any,
    event: Any,
    log: Log,
    handlers: Iterable[Receiver] = (),
) -> None:
    """Call handlers with an event, then the signal's receivers, each whatever the others do."""
    for handler in handlers:
        failure = _failure_of(handler, event)
        if failure is not None:
            _report(handler, event, failure, sender, log)
    for receiver in () if signal.is_muted else list(signal.receivers_for(sender)):
        failure = _failure_of(receiver, sender, event=event)
        if failure is not None and signal is not receiver_failed:
            _report(receiver, event, failure, sender, log)
        elif failure is not None:
            _log_failure(receiver, failure, log)


def _failure_of(receiver: Receiver, *args: Any, **kwargs: Any) -> BaseException | None:
    try:
        returned = receiver(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - also SystemExit is its own affair
        return error
    if inspect.iscoroutine(returned):
        returned.close()
        return TypeError("a receiver is called from a thread, without an event loop: not async")
    return None


def _report(receiver: Receiver, event: Any, failure: BaseException, sender: Any, log: Log) -> None:
    _log_failure(receiver, failure, log)
    failed = ReceiverFailed(receiver=receiver, event=event, exception=failure)
    deliver(receiver_failed, sender, failed, log)


def _log_failure(receiver: Receiver, failure: BaseException, log: Log) -> None:
    """Say which receiver failed and where; not how: an exception's text may tell of a person."""
    traceback = failure.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = ""
    if traceback is not None:
        code = traceback.tb_frame.f_code
        where = f" in {code.co_name}, {code.co_filename}:{traceback.tb_lineno}"
    name = getattr(receiver, "__qualname__", type(receiver).__name__)
    log.error("receiver %s raised %s%s", name, type(failure).__name__, where)
