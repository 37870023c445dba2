"""The fetch of missing sessions: all pages, each session once, and again when it fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from callhistory import ApiError, UserSession
from callhistory._clock import steady
from callhistory._http.session import Session
from callhistory._limits import USUAL
from callhistory._live.recovery import Recovery, pages
from callhistory._logging import NeverRaisingLog
from callhistory._webex.account import Account
from callhistory.sandbox import Sandbox
from tests.support.outages import HISTORY, place_calls

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LOG = NeverRaisingLog(logging.getLogger("callhistory"), {})
LIMITS = evolve(USUAL, longest_live_retry_after=20.0)


class Recovered:
    """Stands in for what takes the sessions, and for the state that knows when listening began."""

    began = LONG_AGO

    def __init__(self) -> None:
        self.ids: list[str] = []

    def receive_recovered(self, sessions: Iterable[UserSession], began: datetime) -> None:
        assert began == self.began
        self.ids += [session.session_id for session in sessions]


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Return a sandbox without sessions, so that a page is what the test puts there."""
    with Sandbox(sessions=0) as running:
        yield running


@pytest.fixture
def account(cloud: Sandbox) -> Iterator[Account]:
    with cloud.webex(max_retries=0) as webex:
        yield webex._account


@pytest.fixture
def session(account: Account) -> Iterator[Session]:
    session = account.open_http_session()
    yield session
    session.close()


@pytest.fixture
def recovered() -> Any:
    return Recovered()


@pytest.fixture
def recovery(account: Account, session: Session, recovered: Any) -> Recovery:
    return Recovery(account, session, recovered, recovered, LOG, LIMITS)


def fail(recovery: Recovery) -> float:
    """Run a recovery that fails; return in how many seconds it is due again, at least."""
    with pytest.raises(ApiError):
        recovery.run()
    return recovery.due - steady()


# --- pages ---


@pytest.mark.parametrize(
    ("count", "apart"),
    [(0, 0), (1, 0), *((count, apart) for count in (3, 4, 5, 8, 21) for apart in (0, 1, 7))],
)
def test_all_pages_are_fetched(
    cloud: Sandbox, account: Account, session: Session, count: int, apart: int
) -> None:
    """However many sessions there are, all are fetched, oldest first, each once."""
    ids = place_calls(cloud, count, apart)

    found = list(pages(account, session, LONG_AGO, LOG, limit=4, largest=32))

    assert [each.session_id for page in found for each in page] == ids
    assert all(found)
    assert {request.query["sort"] for request in cloud.requests_to(HISTORY)} == {"ASC"}


def test_millisecond_with_more_sessions_than_the_largest_page(
    cloud: Sandbox, account: Account, session: Session
) -> None:
    """What no page can hold does not make it ask for ever."""
    place_calls(cloud, 20, apart=0)

    found = list(pages(account, session, LONG_AGO, LOG, limit=4, largest=8))

    assert sum(map(len, found)) == 8
    limits = [request.query["limit"] for request in cloud.requests_to(HISTORY)]
    assert limits == ["4", "4", "8", "8"]


# --- when ---


def test_of_two_times_the_earlier_one_counts(cloud: Sandbox, recovery: Recovery) -> None:
    """Another outage does not make the first forgotten, neither before it nor after a failure."""
    recovery.run()  # nothing is missing yet, and nothing is asked for
    cloud.fail_next(HISTORY, status=500, times=2)
    for gap in (LONG_AGO + timedelta(days=1), LONG_AGO, datetime.now(UTC)):
        recovery.request(gap)
    fail(recovery)
    recovery.request(datetime.now(UTC))
    fail(recovery)
    recovery.run()

    assert [request.query["from"] for request in cloud.requests_to(HISTORY)] == [
        "2026-01-01T00:00:00.000Z"
    ] * 3


def test_request_during_a_run_is_not_forgotten(
    cloud: Sandbox, recovery: Recovery, recovered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing only since the run began is due after it."""
    monkeypatch.setattr(recovered, "receive_recovered", lambda *_: recovery.request(LONG_AGO))
    place_calls(cloud, 1)
    recovery.request(LONG_AGO)
    recovery.run()

    assert recovery.due < math.inf


# --- again ---


def test_failures_are_further_and_further_apart(
    cloud: Sandbox, recovery: Recovery, recovered: Any
) -> None:
    """It is due again after up to 1, 2, 4 ... 32 seconds, but at least half of it, for ever."""
    ids = place_calls(cloud, 1)
    for count in (30, 1):  # a success in between begins anew
        cloud.fail_next(HISTORY, status=500, times=count)
        recovery.request(LONG_AGO)
        for highest in (1.0, 2.0, 4.0, 8.0, 16.0, *[32.0] * 25)[:count]:
            before = steady()
            fail(recovery)
            assert before + highest / 2 <= recovery.due <= steady() + highest
        recovery.run()
        assert recovery.due == math.inf
    assert recovered.ids == ids * 2


@pytest.mark.parametrize(("asked", "least", "most"), [(7, 6, 7), (100, 19, 20)])
def test_retry_after_is_honoured(
    cloud: Sandbox, recovery: Recovery, asked: int, least: float, most: float
) -> None:
    """It is not due before the time that the history asks for, up to a limit."""
    cloud.fail_next(HISTORY, retry_after=asked)
    recovery.request(LONG_AGO)

    assert least < fail(recovery) <= most
