"""Webex's time, and whether this machine has slept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from callhistory._clock import steady
from callhistory._live.webex_clock import SleepDetector, WebexClock
from callhistory._records.timestamps import epoch_ms

A_SECOND = timedelta(seconds=1)


def test_first_it_is_this_machines_time() -> None:
    """Until Webex sends a timestamp, it is this machine's time."""
    assert abs(WebexClock().at(steady()) - datetime.now(UTC)) < A_SECOND


@pytest.mark.parametrize("minutes", [-10, 10, 60 * 24 * 365 * 20])
def test_webexs_time_counts(minutes: int) -> None:
    """However wrong this machine's clock is, it is Webex's time, also of moments before."""
    clock = WebexClock()
    webex = datetime.now(UTC) - timedelta(minutes=minutes)
    clock.set(epoch_ms(webex))

    assert abs(clock.at(steady()) - webex) < A_SECOND
    assert abs(clock.at(steady() - 300) - (webex - timedelta(minutes=5))) < A_SECOND


@pytest.mark.parametrize(
    "timestamp", [None, "1772355600250", 1.5, True, -1, 0, 10**30, -(10**30), 253402300799999, []]
)
def test_invalid_timestamp_changes_nothing(timestamp: object) -> None:
    """Only a timestamp that can be one sets the clock, or has a moment."""
    clock = WebexClock()
    clock.set(timestamp)

    assert abs(clock.at(steady()) - datetime.now(UTC)) < A_SECOND
    assert clock.moment_of(timestamp) is None


def test_moment_of_a_timeepoch_ms() -> None:
    """The moment of a timestamp is when it was written, and never later than now."""
    clock = WebexClock()
    webex = datetime(2030, 1, 1, tzinfo=UTC)
    clock.set(epoch_ms(webex))

    early = clock.moment_of(epoch_ms(webex - timedelta(minutes=5)))
    late = clock.moment_of(epoch_ms(webex + timedelta(minutes=5)))
    assert early is not None
    assert late is not None
    assert abs(steady() - 300 - early) < 1
    assert abs(steady() - late) < 1


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


@pytest.mark.parametrize("seconds", [3600.0, -60.0, 5.1, -5.1])
def test_jump_of_the_wall_clock_is_noticed_once(seconds: float) -> None:
    """After a sleep, or when the wall clock was set, it has jumped, for the next call only."""
    machine = Machine()
    sleep = machine.sleep_detector()
    machine.pass_by(1000)
    assert not sleep.has_jumped()

    machine.wall += seconds
    assert sleep.has_jumped()
    machine.pass_by(1000)
    assert not sleep.has_jumped()


@pytest.mark.parametrize("seconds", [2.0, -2.0])
def test_small_correction_of_the_wall_clock_is_no_jump(seconds: float) -> None:
    """A wall clock may be corrected a little."""
    machine = Machine()
    sleep = machine.sleep_detector()
    machine.wall += seconds

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
