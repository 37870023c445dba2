"""Actions that run later, each at its time."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from threading import Condition, Thread

_LONGEST_WAIT = 60.0  # seconds; systems differ in how long a wait may be


class Timer:
    """Runs actions at their times, one after the other, in its own thread.

    Args:
        name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        # The number keeps actions of the same time in order, and avoids comparing them.
        self._entries: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run an action after some seconds, unless the timer is closed first; inf means never."""
        if seconds == math.inf:
            return
        entry = (time.monotonic() + seconds, next(self._numbers), action)
        with self._changed:
            heapq.heappush(self._entries, entry)
            if self._entries[0] is entry:
                self._changed.notify()

    def close(self) -> None:
        """Start no more actions; one that is running is finished."""
        with self._changed:
            self._closed = True
            self._entries.clear()
            self._changed.notify()

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread, at most `timeout` seconds."""
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
