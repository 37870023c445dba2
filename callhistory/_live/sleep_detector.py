"""Detecting that the machine has slept, after which the connection may be dead unnoticed."""

from __future__ import annotations

import time
from collections.abc import Callable

# If a wall clock gains or loses this many seconds at once, it was set or the machine has slept.
_JUMP = 5.0


class SleepDetector:
    """Detects that the machine has slept, or that its wall clock was set.

    Args:
        wall: a clock that runs while the machine sleeps.
        awake: a clock that stops meanwhile; the steady clock does not.
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
        """Return whether one clock has jumped relative to the other since the last call."""
        before, self._ahead = self._ahead, self._wall() - self._awake()
        return abs(self._ahead - before) > _JUMP
