"""Noticing that the machine has slept: the connection may be dead, and nothing else would tell."""

from __future__ import annotations

import time
from collections.abc import Callable

# A wall clock that gains or loses so many seconds at once was set, or the machine has slept.
_JUMP = 5.0


class SleepDetector:
    """Notices that the machine has slept, or that its wall clock was set.

    Args:
        wall: a clock that goes on while the machine sleeps.
        awake: a clock that stands still meanwhile. The steady clock would not do: it goes on.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        awake: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._awake = awake
        self._ahead = wall() - awake()

    def has_jumped(self) -> bool:
        """Return whether one clock has jumped against the other since the last call."""
        before, self._ahead = self._ahead, self._wall() - self._awake()
        return abs(self._ahead - before) > _JUMP
