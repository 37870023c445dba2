"""What time it is at Webex, and whether this machine has slept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from callhistory._clock import steady
from callhistory._live.webex_clock import Wakefulness, WebexClock
from callhistory._records.timestamps import epoch_ms

CLOSE = timedelta(seconds=1)


def stamp(moment: datetime) -> int:
    return epoch_ms(moment)


def test_without_a_word_of_webex_it_is_this_machines() -> None:
    """Until Webex gives the time, this machine's is taken for it."""
    assert abs(WebexClock().at(steady()) - datetime.now(UTC)) < CLOSE


@pytest.mark.parametrize("minutes", [-10, 10, 60 * 24 * 365 * 20])
def test_webexs_time_counts(minutes: int) -> None:
    """However wrong this machine's clock is, Webex's time is told, also of moments before."""
    told = WebexClock()
    theirs = datetime.now(UTC) - timedelta(minutes=minutes)
    told.set(stamp(theirs))

    assert abs(told.at(steady()) - theirs) < CLOSE
    assert abs(told.at(steady() - 300) - (theirs - timedelta(minutes=5))) < CLOSE


@pytest.mark.parametrize(
    "timestamp", [None, "1772355600250", 1.5, True, -1, 0, 10**30, -(10**30), 253402300799999, []]
)
def test_what_is_no_time_is_left_alone(timestamp: object) -> None:
    """What Webex says is taken for the time only if it can be one."""
    told = WebexClock()
    told.set(timestamp)

    assert abs(told.at(steady()) - datetime.now(UTC)) < CLOSE
    assert told.moment_of(timestamp) is None


def test_moment_of_a_timestamp() -> None:
    """A frame that was written five minutes ago is told apart from one of now; none is of later."""
    told = WebexClock()
    theirs = datetime(2030, 1, 1, tzinfo=UTC)
    told.set(stamp(theirs))

    early = told.moment_of(stamp(theirs - timedelta(minutes=5)))
    late = told.moment_of(stamp(theirs + timedelta(minutes=5)))
    assert early is not None
    assert late is not None
    assert abs(steady() - 300 - early) < 1
    assert abs(steady() - late) < 1


def test_clock_that_is_set_is_noticed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that jumps, in either direction, is noticed the next time it is asked for."""
    real, ahead = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    awake = Wakefulness()
    assert not awake.has_jumped()
    for moved in (3600.0, 0.0, -60.0):
        ahead = moved
        assert awake.has_jumped()
        assert not awake.has_jumped()
    ahead += 2.0
    assert not awake.has_jumped(), "a clock may be corrected a little"
