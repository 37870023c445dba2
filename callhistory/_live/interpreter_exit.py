"""The end of a program that has not closed its clients: their threads start nothing more."""

from __future__ import annotations

import atexit
import threading
import weakref

_stops: weakref.WeakSet[threading.Event] = weakref.WeakSet()
_lock = threading.Lock()


def set_at_exit(stop: threading.Event) -> None:
    """Set an event when the interpreter exits, unless it is gone; nothing waits for threads."""
    with _lock:
        _stops.add(stop)


@atexit.register
def _stop_all() -> None:
    # Not for ever: in a forked child, a thread of the parent may hold the lock.
    if _lock.acquire(timeout=1.0):
        for stop in list(_stops):
            stop.set()
