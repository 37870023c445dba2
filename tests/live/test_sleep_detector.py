"""Noticing that the machine has slept, or that its wall clock was set."""

from __future__ import annotations

import time

import pytest

from callhistory._clock import steady
from callhistory._live.sleep_detector import SleepDetector


class Machine:
    """A machine's clocks; it may sleep, or have its wall clock set."""

    def __init__(self) -> None:
        self.wall = 1_772_355_600.0
        self.awake = 500.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.awake += seconds

    def sleep_detector(self) -> SleepDetector:
        return SleepDetector(lambda: self.wall, lambda: self.awake)


@pytest.mark.parametrize("seconds", [3600.0, 5.1, -5.1, 2.0, -2.0])
def test_jump_of_the_wall_clock_is_noticed_once(seconds: float) -> None:
    """A jump of more than 5 s, by a sleep or by hand, is noticed, by the next call only."""
    machine = Machine()
    sleep = machine.sleep_detector()
    machine.pass_by(1000)
    assert not sleep.has_jumped()

    machine.wall += seconds
    assert sleep.has_jumped() == (abs(seconds) > 5)
    machine.pass_by(1000)
    assert not sleep.has_jumped()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_sleep_is_noticed_although_the_steady_clock_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock that the wall clock is compared with stands still in a sleep; steady() does not."""
    wall, steady_clock, slept = time.time, time.clock_gettime, 0.0
    monkeypatch.setattr(time, "time", lambda: wall() + slept)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: steady_clock(clock) + slept)
    sleep = SleepDetector(time.time)
    before = steady()
    assert not sleep.has_jumped()

    slept = 3600.0

    assert steady() - before >= 3600
    assert sleep.has_jumped()
