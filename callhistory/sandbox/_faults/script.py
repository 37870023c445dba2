"""What is to happen next, in order, and how often."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Script(Generic[T]):
    """Entries that are used one after the other; any thread may use it."""

    def __init__(self) -> None:
        self._entries: list[tuple[T, int | None]] = []
        self._lock = Lock()

    def add(self, entry: T, times: int = 1) -> None:
        """Append an entry that is used a number of times.

        Raises:
            ValueError: `times` is not a whole number of at least 1.
        """
        if type(times) is not int:
            raise ValueError("times must be a whole number")
        if times < 1:
            raise ValueError("times must be at least 1")
        with self._lock:
            self._entries.append((entry, times))

    def add_endless(self, entry: T) -> None:
        """Append an entry that is used until the script is cleared."""
        with self._lock:
            self._entries.append((entry, None))

    def take(self, fits: Callable[[T], bool] = lambda _: True) -> T | None:
        """Use the first entry that fits and return it; ``None`` if there is none."""
        with self._lock:
            for index, (entry, times) in enumerate(self._entries):
                if fits(entry):
                    if times == 1:
                        del self._entries[index]
                    elif times is not None:
                        self._entries[index] = entry, times - 1
                    return entry
        return None

    def clear(self) -> None:
        """Delete the entries that are left."""
        with self._lock:
            self._entries.clear()
