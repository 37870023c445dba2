"""What is to be done later, done at its time."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from threading import Condition, Thread

_LONGEST_WAIT = 60.0  # seconds; a wait has an upper limit that not every system agrees on


class Agenda:
    """Does things at their time, one after the other, in a thread of its own.

    Args:
        name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        # The number keeps entries of the same time in order, and actions from being compared.
        self._entries: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something after so many seconds, unless it is closed before; inf is never."""
        if seconds == math.inf:
            return
        entry = (time.monotonic() + seconds, next(self._numbers), action)
        with self._changed:
            heapq.heappush(self._entries, entry)
            if self._entries[0] is entry:
                self._changed.notify()

    def close(self) -> None:
        """Do nothing more; what is being done is still finished."""
        with self._changed:
            self._closed = True
            self._entries.clear()
            self._changed.notify()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while (action := self._next()) is not None:
            action()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while not self._closed:
                wait = self._entries[0][0] - time.monotonic() if self._entries else _LONGEST_WAIT
                if wait <= 0:
                    return heapq.heappop(self._entries)[2]
                self._changed.wait(min(wait, _LONGEST_WAIT))
        return None
