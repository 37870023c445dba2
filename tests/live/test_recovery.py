"""Errands over HTTP while live events are heard: the device is kept, an outage is made good."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import requests

from callhistory import ApiError, UserSession, Webex, signals
from callhistory._live.recovery import Errands
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import listening
from tests.support.waiting import wait_until

HISTORY = "/history/userSessions"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.define
class Jitter:
    """Notes the bounds that delays are drawn from, and draws none."""

    bounds: list[tuple[float, float]] = attrs.field(factory=list)

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append((low, high))
        return 0.0


@attrs.define
class Running:
    """Errands that run, and what they delivered."""

    errands: Errands
    stop: threading.Event
    pages: list[tuple[UserSession, ...]] = attrs.field(factory=list)

    @property
    def ids(self) -> list[str]:
        return [session.session_id for page in self.pages for session in page]


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Give a sandbox without sessions, so that a page is what the test puts there."""
    with Sandbox(sessions=0) as running:
        yield running


@pytest.fixture
def make(cloud: Sandbox) -> Iterator[Callable[..., Running]]:
    """Give a function that lets errands run."""
    made: list[Running] = []
    with cloud.webex(max_retries=0) as webex:

        def start(webex: Webex = webex) -> Running:
            stop = threading.Event()
            pages: list[tuple[UserSession, ...]] = []
            log = logging.getLogger("callhistory")
            errands = Errands(webex, webex.open_transport(stop), stop, pages.append, log)
            made.append(Running(errands, stop, pages))
            return made[-1]

        yield start
        for running in made:
            running.stop.set()
            running.errands.wake()
            running.errands.join(10)
            assert running.errands._thread is None


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Jitter:
    noted = Jitter()
    monkeypatch.setattr("callhistory._live.recovery.random", noted)
    return noted


def place_calls(cloud: Sandbox, count: int, apart: int = 1) -> list[str]:
    """Let calls happen, so many milliseconds apart, and give their ids in the history's order."""
    now = datetime.now(UTC)
    calls = [
        cloud.place_call(ended_at=now + timedelta(milliseconds=number * apart))
        for number in range(count)
    ]
    return [call.session_id for call in sorted(calls, key=lambda c: (c.end_time, c.session_id))]


# --- an outage ---


@pytest.mark.parametrize(
    ("count", "apart"),
    [(0, 0), (1, 0), *((count, apart) for count in (3, 4, 5, 8, 21) for apart in (0, 1, 7))],
)
def test_all_pages_are_fetched(
    cloud: Sandbox,
    make: Callable[[], Running],
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    apart: int,
) -> None:
    """However many sessions there are, all are fetched, the oldest first, each once."""
    monkeypatch.setattr("callhistory._live.recovery._PAGE", 4)
    monkeypatch.setattr("callhistory._live.recovery._LARGEST_PAGE", 32)
    ids = place_calls(cloud, count, apart)
    running = make()
    running.errands.recover(LONG_AGO)
    last = cloud.wait_for_requests(HISTORY)[-1]
    assert wait_until(lambda: len(running.ids) == count)
    running.errands.recover(datetime.now(UTC) + timedelta(hours=1))
    assert wait_until(lambda: cloud.requests_to(HISTORY)[-1].query["from"] > "2026-02")

    assert running.ids == ids
    assert all(page for page in running.pages)
    assert last.query["sort"] == "ASC"


def test_millisecond_with_more_sessions_than_the_largest_page(
    cloud: Sandbox, make: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no page can hold does not make it ask for ever."""
    monkeypatch.setattr("callhistory._live.recovery._PAGE", 4)
    monkeypatch.setattr("callhistory._live.recovery._LARGEST_PAGE", 8)
    place_calls(cloud, 20, apart=0)
    running = make()
    running.errands.recover(LONG_AGO)

    assert wait_until(lambda: len(running.ids) == 8)
    limits = [request.query["limit"] for request in cloud.wait_for_requests(HISTORY, count=4)]
    assert limits == ["4", "4", "8", "8"]


def test_of_two_times_the_earlier_one_counts(
    cloud: Sandbox, make: Callable[[], Running], jitter: Jitter
) -> None:
    """While sessions could not be fetched, another outage does not make the first forgotten."""
    cloud.fail_next(HISTORY, status=500, times=10_000)
    running = make()
    running.errands.recover(LONG_AGO)
    cloud.wait_for_requests(HISTORY, count=2)
    running.errands.recover(datetime.now(UTC))
    running.errands.recover(LONG_AGO + timedelta(days=1))
    known = len(cloud.requests_to(HISTORY))
    fetches = cloud.wait_for_requests(HISTORY, count=known + 3)

    assert fetches[-1].query["from"] == "2026-01-01T00:00:00.000Z"


def test_fetches_that_fail_are_further_and_further_apart(
    cloud: Sandbox, make: Callable[[], Running], jitter: Jitter
) -> None:
    """A fetch is tried again after up to 1, 2, 4 ... 32 seconds, but at least half of it."""
    cloud.fail_next(HISTORY, status=500, times=8)
    ids = place_calls(cloud, 1)
    running = make()
    running.errands.recover(LONG_AGO)

    assert wait_until(lambda: running.ids == ids)
    highs = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0, 32.0]
    assert jitter.bounds == [(high / 2, high) for high in highs]


def test_fetch_is_tried_again_for_days(
    cloud: Sandbox,
    make: Callable[[], Running],
    jitter: Jitter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However often it fails, it is tried again."""
    from callhistory._webex import history_api as janus

    fetch, failures = janus.fetch, iter(range(2000))

    def fail(*arguments: Any, **options: Any) -> Any:
        if next(failures, None) is not None:
            raise ApiError(500, "words")
        return fetch(*arguments, **options)

    monkeypatch.setattr("callhistory._webex.history_api.fetch", fail)
    ids = place_calls(cloud, 1)
    running = make()
    running.errands.recover(LONG_AGO)

    assert wait_until(lambda: running.ids == ids)
    assert caplog.text.count("not fetched, trying again: 500: words") == 2000


def test_wait_for_another_fetch_ends_with_the_errands(
    cloud: Sandbox, make: Callable[[], Running]
) -> None:
    """Errands that wait to be tried again can be stopped; then they say nothing more."""
    cloud.fail_next(HISTORY, status=500)
    running = make()
    running.errands.recover(LONG_AGO)
    cloud.wait_for_requests(HISTORY)
    running.stop.set()
    running.errands.wake()
    running.errands.join(10)

    assert running.errands._thread is None


def test_errand_that_fails_as_it_is_stopped_is_not_reported(
    cloud: Sandbox, make: Callable[[], Running], caplog: pytest.LogCaptureFixture
) -> None:
    """A fetch that ends because everything does is no trouble for the log."""
    cloud.fail_next(HISTORY, delay=0.2, status=500)
    running = make()
    running.errands.recover(LONG_AGO)
    cloud.wait_for_requests(HISTORY)
    running.stop.set()
    running.errands.wake()
    running.errands.join(10)

    assert "trying again" not in caplog.text


# --- the device ---


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callhistory._live.recovery._REFRESH_INTERVAL", 0.03)
    monkeypatch.setattr("callhistory._live.reader._LOOK_UP", 0.01)


@pytest.mark.usefixtures("_soon")
def test_device_is_refreshed(cloud: Sandbox) -> None:
    """While a client listens, its device is refreshed again and again, and stays the same."""
    with listening(cloud):
        (device,) = cloud.devices
        refreshes = cloud.wait_for_requests("/devices/", "PUT", count=4)

        assert {request.json["ttl"] for request in refreshes} == {1800}
        assert [known.url for known in cloud.devices] == [device.url]
        assert len(cloud.attempts) == 1


def test_device_is_refreshed_in_time(cloud: Sandbox) -> None:
    """The refresh is due well before Webex forgets the device."""
    from callhistory._live.recovery import _REFRESH_INTERVAL
    from callhistory._webex.device import DEVICE_TTL

    assert DEVICE_TTL / 2 <= _REFRESH_INTERVAL <= DEVICE_TTL * 0.6


@pytest.mark.usefixtures("_soon")
def test_forgotten_device_is_registered_anew(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When Webex has forgotten the device, there is another one, and events come to that."""
    with listening(cloud) as (_, heard):
        (device,) = cloud.devices
        token = {"Authorization": f"Bearer {cloud.access_token}"}
        requests.delete(device.url, headers=token, timeout=5).raise_for_status()
        assert wait_until(lambda: cloud.devices)
        (fresh,) = cloud.devices
        assert fresh.url != device.url
        cloud.place_call()

        heard.wait_for(signals.Online, 2)
        session = cloud.place_call()
        assert wait_until(lambda: session.session_id in heard.session_ids)
        assert cloud.attempts[-1].device_url == fresh.url


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 403}, {"reset": True}, {"body": "nonsense"}, {"body": {"url": 5}}],
    ids=str,
)
def test_refresh_that_fails_is_tried_again(
    cloud: Sandbox,
    make: Callable[[], Running],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """A refresh that fails is tried again soon, and the log says why."""
    monkeypatch.setattr("callhistory._live.recovery.LONGEST_BACKOFF", 0.01)
    cloud.fail_next("/devices", times=3, **fault)
    running = make()

    assert wait_until(lambda: running.errands.look() and len(cloud.requests_to("/devices")) >= 5)
    assert caplog.text.count("the device was not refreshed, trying again: ") == 3


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("error", [OSError, RuntimeError, SystemExit])
def test_source_of_tokens_that_fails_does_not_end_errands(
    cloud: Sandbox,
    make: Callable[[Webex], Running],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    """Whatever the function for the token raises, it is asked again; the log has no text of it."""
    monkeypatch.setattr("callhistory._live.recovery.LONGEST_BACKOFF", 0.01)
    failures: list[BaseException] = [error("sEcReT") for _ in range(3)]

    def source() -> str:
        if failures:
            raise failures.pop()
        return cloud.access_token

    with cloud.webex(access_token=source) as webex:
        running = make(webex)
        ids = place_calls(cloud, 1)
        assert wait_until(lambda: running.errands.look() and cloud.requests_to("/devices", "POST"))
        running.errands.recover(LONG_AGO)
        assert wait_until(lambda: running.ids == ids)
        assert caplog.text.count(f"trying again: {error.__name__}") == 3
        assert "sEcReT" not in caplog.text


@pytest.mark.usefixtures("_soon")
def test_refresh_and_recovery_do_not_starve_each_other(
    cloud: Sandbox, make: Callable[[], Running], jitter: Jitter
) -> None:
    """While the history fails, the device is refreshed all the same."""
    cloud.fail_next(HISTORY, status=500, times=10_000)
    running = make()
    running.errands.recover(LONG_AGO)

    cloud.wait_for_requests("/devices/", "PUT", count=3)
    cloud.wait_for_requests(HISTORY, count=3)
