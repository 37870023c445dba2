"""Online and offline, and from when on sessions may be missing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from callhistory._live.dispatcher import Dispatcher
from callhistory._live.online_offline import ConnectionState
from callhistory._live.reconnect import Ended
from callhistory._live.webex_clock import WebexClock
from tests.support.listening_clients import ONLINE, offline
from tests.support.waiting import wait_until

START = datetime(2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC)
BEGAN = START.replace(microsecond=123_000)
LOST = Ended(reason="lost", accepted_for=1.0)


class Sent:
    """Stands in for a dispatcher, and records what it is to deliver."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.is_closed = False

    def put(self, signal: Any, event: Any) -> None:
        self.events.append(event)

    def close(self, last: tuple[Any, Any] | None = None) -> None:
        self.is_closed = True
        if last is not None:
            self.events.append(last[1])


class Clock:
    """Stands in for Webex's clock: it was `START` when the first moment was asked for."""

    def __init__(self) -> None:
        self.zero: float | None = None

    def at(self, moment: float) -> datetime:
        if self.zero is None:
            self.zero = moment
        return START + timedelta(seconds=moment - self.zero)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(sent: Sent, clock: Clock) -> ConnectionState:
    minute = timedelta(seconds=60)
    made = ConnectionState(cast(Dispatcher, sent), cast(WebexClock, clock), minute)
    assert made.began == BEGAN
    return made


@pytest.fixture
def at(state: ConnectionState, clock: Clock) -> Callable[[float], float]:
    """Return the function from seconds after the beginning to a moment of the steady clock."""
    zero = clock.zero
    assert zero is not None
    return lambda seconds: zero + seconds


def test_connection_after_an_outage_returns_the_gap(
    state: ConnectionState, sent: Sent, at: Callable[[float], float]
) -> None:
    """The gap of an outage begins a minute before the last frame, and is returned once."""
    state.connected()
    state.note_complete_until(at(300))
    state.note_complete_until(at(100))
    state.note_complete_until(None)
    state.disconnected(LOST)

    assert state.connected() == START + timedelta(seconds=240)
    assert state.connected() is None
    assert sent.events == [ONLINE, offline(None, "lost"), ONLINE]


@pytest.mark.parametrize("seconds", [0, 30, 59.9])
def test_gap_never_begins_before_the_listener(
    state: ConnectionState, at: Callable[[float], float], seconds: float
) -> None:
    """A gap begins with the listener at the earliest, in whole milliseconds."""
    state.connected()
    state.note_complete_until(at(seconds))
    state.disconnected(LOST)

    assert state.connected() == state.gap_start_if_lost_now == state.began == BEGAN


def test_gap_of_a_jump_begins_with_the_last_number(
    state: ConnectionState, at: Callable[[float], float]
) -> None:
    """Whatever pongs came since: what is lost may be as old as the last frame with a number."""
    state.connected()
    state.note_numbered_frame(at(300))
    state.note_complete_until(at(5300))

    assert state.gap_start_if_numbers_jump == START + timedelta(seconds=240)
    state.note_numbered_frame(None)  # of a frame that does not say when it was written
    assert state.gap_start_if_numbers_jump == state.gap_start_if_lost_now


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (Ended(code=1001, reason="why"), 1001),
        (Ended(status=429, reason="why"), 429),
        (Ended(code=0, status=429, reason="why"), 0),
        (Ended(reason="why"), None),
    ],
)
def test_offline_has_the_code_or_the_status(
    state: ConnectionState, sent: Sent, ended: Ended, code: int | None
) -> None:
    """Offline has the close code, or else the HTTP status, and whether it will come back."""
    state.connected()
    state.disconnected(ended)
    state.refused(ended)
    state.disconnected(ended)  # an end that was counted already says nothing
    state.connected()

    assert sent.events[1:] == [
        offline(code, "why"),
        offline(code, "why", reconnecting=False),
        ONLINE,
    ]


def test_online_does_not_overtake_offline(clock: Clock) -> None:
    """A connection that is accepted while the last one ends is online after it was offline."""
    ending = threading.Event()

    class Slow(Sent):
        def put(self, signal: Any, event: Any) -> None:
            if event != ONLINE:
                ending.set()
                wait_until(lambda: len(self.events) > 1, 0.1)  # time enough to be overtaken
            super().put(signal, event)

    sent: Any = Slow()
    state = ConnectionState(sent, cast(WebexClock, clock), timedelta(seconds=60))
    state.connected()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(state.disconnected, LOST)
        assert ending.wait(10)
        state.connected()

    assert sent.events == [ONLINE, offline(None, "lost"), ONLINE]
