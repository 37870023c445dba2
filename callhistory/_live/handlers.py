"""The functions that a program passed to ``client.on``, by the event they are for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .._arguments import member
from .._records.enums import CallHistoryEvent
from .._redefined_functions import replaces

Handler = Callable[[Any], Any]


class Handlers:
    """Handlers, held strongly, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_event: dict[CallHistoryEvent, tuple[Handler, ...]] = {}

    def add(self, name: CallHistoryEvent | str, handler: Handler) -> None:
        """Add a handler, once; or replace it, if a notebook's cell has defined it again.

        Raises:
            TypeError: the handler cannot be called, or the name is no text.
            ValueError: there is no event of this name.
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
        """Remove a handler, if it is there.

        Raises:
            TypeError, ValueError: there is no event of this name.
        """
        event = member(name, CallHistoryEvent, "name")
        with self._lock:
            handlers = self._by_event.get(event, ())
            self._by_event[event] = tuple(other for other in handlers if other != handler)

    def of(self, event: str) -> tuple[Handler, ...]:
        """Return the handlers of an event; none for a name that is no event's."""
        return self._by_event.get(event, ())  # type: ignore[call-overload, no-any-return]
