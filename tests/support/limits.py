"""Limits for tests: a pause that a test does not look at takes milliseconds."""

from __future__ import annotations

from typing import Any

from callhistory import Webex
from callhistory._limits import Limits
from callhistory.sandbox import Sandbox

# Every pause before something is tried again; timeouts are as usual.
BRISK = Limits(
    first_backoff=0.002,
    first_reconnect_backoff=0.001,
    longest_backoff=0.032,
    first_recovery_backoff=0.001,
)


class BriskSandbox(Sandbox):
    """A sandbox whose clients try again after milliseconds."""

    def webex(self, **options: Any) -> Webex:
        """Return a Webex with short pauses, unless other limits are passed."""
        return super().webex(**({"_limits": BRISK} | options))


class Jitter:
    """Stands in for the jitter of reconnections: notes its bounds, and draws the shortest pause.

    Attributes:
        bounds: the shortest and the longest that each pause might have been.
    """

    def __init__(self) -> None:
        self.bounds: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        """Note the bounds, and return the lower one."""
        if low == 0:  # the pauses of requests and of recoveries have another lower bound
            self.bounds.append((low, high))
        return 0.0
