"""What is to happen next, in order, and how often."""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Script(Generic[T]):
    """Things that are to happen one after the other; any thread may call it."""

    def __init__(self) -> None:
        self._scripted: list[tuple[T, int | None]] = []
        self._lock = Lock()

    def add(self, thing: T, times: int | None = 1) -> None:
        """Let something happen so many times after what is there; ``None`` is without end.

        Raises:
            ValueError: `times` is less than 1.
        """
        if times is not None and times < 1:
            raise ValueError("times must be at least 1")
        with self._lock:
            self._scripted.append((thing, times))

    def take(self) -> T | None:
        """Use up what is to happen next; ``None`` if it is nothing special."""
        with self._lock:
            if not self._scripted:
                return None
            thing, times = self._scripted[0]
            if times == 1:
                del self._scripted[0]
            elif times is not None:
                self._scripted[0] = thing, times - 1
            return thing

    def clear(self) -> None:
        """Forget what has not happened yet."""
        with self._lock:
            self._scripted.clear()
