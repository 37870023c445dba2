"""The functions that a program passed to ``client.on``, by event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .._arguments import member
from .._records.enums import CallHistoryEvent
from .._redefined_functions import replaces

Handler = Callable[[Any], Any]


class Handlers:
    """Handlers, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_event: dict[CallHistoryEvent, tuple[Handler, ...]] = {}

    def add(self, name: CallHistoryEvent | str, handler: Handler) -> None:
        """Add a handler once; replace its earlier version if a notebook cell has defined it again.

        Raises:
            TypeError: the handler is not callable, or the name is not a string.
            ValueError: no event has this name.
        """
        event = member(name, CallHistoryEvent, "name")
        if not callable(handler):
            raise TypeError(f"handler: expected a function, not {type(handler).__name__}")
        with self._lock:
            handlers = list(self._by_event.get(event, ()))
            for place, other in enumerate(handlers):
                if other == handler or replaces(handler, other):
                    handlers[place] = handler
                    break
            else:
                handlers.append(handler)
            self._by_event[event] = tuple(handlers)

    def remove(self, name: CallHistoryEvent | str, handler: Handler) -> None:
        """Remove a handler, if it was added.

        Raises:
            TypeError, ValueError: no event has this name.
        """
        event = member(name, CallHistoryEvent, "name")
        with self._lock:
            handlers = self._by_event.get(event, ())
            self._by_event[event] = tuple(other for other in handlers if other != handler)

    def of(self, event: str) -> tuple[Handler, ...]:
        """Return the handlers of an event; none if no event has this name."""
        return self._by_event.get(event, ())  # type: ignore[call-overload, no-any-return] # any event may be asked
