"""The clock that goes on while the machine sleeps."""

from __future__ import annotations

import time

from callhistory._clock import steady


def test_steady_clock_goes_on() -> None:
    """It is a clock of seconds that does not go back."""
    first = steady()
    assert 0 <= steady() - first < 5


def test_steady_clock_of_a_system_without_one() -> None:
    """Where no clock goes on while the machine sleeps, the one that stands still is taken."""
    assert abs(steady(None) - time.monotonic()) < 1
