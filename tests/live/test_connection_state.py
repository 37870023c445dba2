"""Whether live events are heard: what is said of it, and which time has to be made good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from callhistory._live.connection_state import Presence
from callhistory._live.dispatcher import Dispatcher
from callhistory._live.reconnect import Ended
from callhistory._live.webex_clock import WebexClock
from tests.support.listening_clients import ONLINE, offline

START = datetime(2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC)
BEGAN = START.replace(microsecond=123_000)
LOST = Ended(reason="lost", accepted_for=1.0)


class Told:
    """What a dispatcher is told to deliver."""

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
    """Stands in for Webex's clock, and shows the time it is set to."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def at(self, moment: float) -> datetime:
        return START + timedelta(seconds=moment - 1000.0)

    def steady(self) -> float:
        return self.moment

    def pass_by(self, seconds: float) -> datetime:
        self.moment += seconds
        return self.at(self.moment)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("callhistory._live.connection_state.steady", made.steady)
    return made


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def presence(clock: Clock, told: Told) -> Presence:
    return Presence(cast(Dispatcher, told), cast(WebexClock, clock))


def test_first_connection_is_no_end_of_an_outage(presence: Presence, told: Told) -> None:
    """The first connection makes it online, and there is nothing to make good."""
    assert presence.come_up() is None
    assert told.events == [ONLINE]


def test_connection_after_an_outage_says_since_when(
    presence: Presence, told: Told, clock: Clock
) -> None:
    """The connection after an outage makes it good, from a minute before the last frame, once."""
    presence.come_up()
    last = clock.pass_by(300)
    presence.heard(clock.moment)
    presence.heard(clock.moment - 200)
    presence.heard(None)
    clock.pass_by(1000)
    presence.go_down(LOST)
    clock.pass_by(1000)

    assert presence.come_up() == last - timedelta(seconds=60)
    assert presence.come_up() is None
    assert told.events == [ONLINE, offline(None, "lost"), ONLINE]


@pytest.mark.parametrize("seconds", [0, 30, 59.9])
def test_nothing_is_made_good_from_before_the_beginning(
    presence: Presence, clock: Clock, seconds: float
) -> None:
    """The time to make good never begins before the listener did, in whole milliseconds."""
    presence.come_up()
    clock.pass_by(seconds)
    presence.heard(clock.moment)
    presence.go_down(LOST)

    assert presence.come_up() == presence.since == presence.began == BEGAN


def test_jump_of_numbers_is_made_good_from_the_number_before(
    presence: Presence, clock: Clock
) -> None:
    """However many pongs came since: what is lost may be as old as the last frame with a number."""
    presence.come_up()
    counted = clock.pass_by(300)
    presence.counted(clock.moment)
    clock.pass_by(5000)
    presence.heard(clock.moment)

    assert presence.since_counted == counted - timedelta(seconds=60)
    presence.counted(None)  # of a frame that does not say when it was written
    assert presence.since_counted == presence.since


def test_one_of_two_connections_that_ends_is_no_outage(presence: Presence, told: Told) -> None:
    """As long as there is another connection, nothing is said, and nothing has to be made good."""
    presence.come_up()
    presence.come_up()
    presence.go_down(LOST)
    assert told.events == [ONLINE]

    presence.go_down(LOST)
    assert told.events == [ONLINE, offline(None, "lost")]


def test_end_without_a_beginning_is_nothing(presence: Presence, told: Told) -> None:
    """What was not up cannot go down."""
    presence.go_down(LOST)
    presence.come_up()
    presence.go_down(LOST)
    presence.go_down(LOST)

    assert told.events == [ONLINE, offline(None, "lost")]


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
    presence: Presence, told: Told, ended: Ended, code: int | None
) -> None:
    """Offline says the close code, or else the HTTP status, and whether it will come back."""
    presence.come_up()
    presence.go_down(ended)
    presence.give_up(ended)

    assert told.events[1:] == [
        offline(code, "why"),
        offline(code, "why", reconnecting=False),
    ]


@pytest.mark.parametrize("connections", [0, 1, 2])
def test_giving_up_is_said_once(presence: Presence, told: Told, connections: int) -> None:
    """After it was given up, connections that end say no more."""
    for _ in range(connections):
        presence.come_up()
    told.events.clear()
    presence.give_up(LOST)
    for _ in range(connections):
        presence.go_down(LOST)

    assert told.events == [offline(None, "lost", reconnecting=False)]


@pytest.mark.parametrize("connections", [0, 1, 2])
def test_closing_is_said_if_there_was_a_connection(
    presence: Presence, told: Told, connections: int
) -> None:
    """The last event is offline, unless it is that already; then nothing is said any more."""
    for _ in range(connections):
        presence.come_up()
    told.events.clear()
    presence.close()

    assert told.is_closed
    assert told.events == [offline(None, "closed", reconnecting=False)] * (connections > 0)
    presence.go_down(LOST)
    assert len(told.events) == (connections > 0)


def test_connections_may_come_and_go_in_any_thread(presence: Presence, told: Told) -> None:
    """Threads that count at once count right: online and offline take turns."""

    def come_and_go(_: int) -> None:
        for _ in range(200):
            presence.come_up()
            presence.heard(1000.0)
            presence.go_down(LOST)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))

    count = len(told.events)
    presence.come_up()
    assert told.events[count:] == [ONLINE]
    assert told.events.count(ONLINE) == told.events.count(offline(None, "lost")) + 1
