"""Webex's time, as its timestamps have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callhistory._clock import steady
from callhistory._live.webex_clock import WebexClock
from callhistory._records.timestamps import epoch_ms

A_SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("minutes", [-10, 10, 60 * 24 * 365 * 20])
def test_webexs_time_counts(minutes: int) -> None:
    """However wrong this machine's clock is, it is Webex's time, also of moments before."""
    clock = WebexClock()
    webex = datetime.now(UTC) - timedelta(minutes=minutes)
    clock.set(epoch_ms(webex))

    assert abs(clock.at(steady()) - webex) < A_SECOND
    assert abs(clock.at(steady() - 300) - (webex - timedelta(minutes=5))) < A_SECOND


@pytest.mark.parametrize(
    "timestamp", [None, "1772355600250", 1.5, True, 0, 10**30, -(10**30), 253402300799999]
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
