"""The thread for HTTP requests while live events are heard: device and recovery."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from attrs import evolve

from callhistory import signals
from callhistory._clock import steady
from callhistory._limits import USUAL
from callhistory._live.http_tasks import DeviceRefresh
from callhistory._webex.device import DEVICE_TTL
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK
from tests.support.listening_clients import library_threads, listening
from tests.support.outages import HISTORY
from tests.support.waiting import wait_until

SOON = evolve(BRISK, device_refresh=0.03, longest_backoff=0.01, silence_check=0.01)
NAME = "callhistory-http-tasks"


# --- threads ---


def test_listening_client_has_two_threads(cloud: Sandbox) -> None:
    """One keeps the connection and reads it, one runs the receivers."""
    with listening(cloud) as (_, heard):
        cloud.place_call()
        heard.wait_for_sessions(1)
        assert sorted(library_threads()) == ["callhistory-mercury", "callhistory-receivers"]


def test_third_thread_is_there_only_while_there_is_work(cloud: Sandbox) -> None:
    """After an outage a third thread fetches what is missing, and ends."""
    with listening(cloud) as (_, heard):
        cloud.fail_next(HISTORY, delay=0.2)
        with cloud.outage():
            cloud.place_call()
        cloud.wait_for_requests(HISTORY)
        assert NAME in library_threads()
        heard.wait_for_sessions(1)
        assert wait_until(lambda: len(library_threads()) == 2)


def test_nothing_begins_after_the_end(cloud: Sandbox) -> None:
    """A recovery that is asked for after the end starts no thread."""
    with listening(cloud) as (client, _):
        loop = client._listener._loop
        assert loop is not None
        client.close()
        loop._http_tasks.recover(datetime.now(UTC))
        assert NAME not in library_threads()


# --- the device ---


def test_device_is_refreshed(cloud: Sandbox) -> None:
    """While a client listens, its device is refreshed again and again, and stays the same."""
    with listening(cloud, _limits=SOON):
        (device,) = cloud.devices
        refreshes = cloud.wait_for_requests("/devices/", "PUT", count=4)

        assert {request.json["ttl"] for request in refreshes} == {1800}
        assert [known.url for known in cloud.devices] == [device.url]
        assert len(cloud.attempts) == 1


def test_device_is_refreshed_in_time() -> None:
    """The refresh is due well before Webex forgets the device."""
    assert DEVICE_TTL / 2 <= USUAL.device_refresh <= DEVICE_TTL * 0.6


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_sleep_counts_for_the_refresh_of_the_device(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Webex counts while the machine sleeps: after a sleep the refresh is due at once."""
    clock, slept = time.clock_gettime, 0.0
    monkeypatch.setattr(time, "clock_gettime", lambda which: clock(which) + slept)
    with listening(cloud, _limits=evolve(BRISK, silence_check=0.01)):
        cloud.wait_for_frames("pong")
        assert not cloud.requests_to("/devices/", "PUT")

        slept = BRISK.device_refresh

        cloud.wait_for_requests("/devices/", "PUT")


def test_next_refresh_is_a_whole_interval_later(cloud: Sandbox) -> None:
    """After a refresh the next one is due as long after it as the first after the beginning."""
    with cloud.webex(_limits=USUAL) as webex:
        account = webex._account
        refresh = DeviceRefresh(account, account.open_http_session(), USUAL)
        before = steady()
        refresh.run()

        assert before <= refresh.due - USUAL.device_refresh <= steady()


def test_pause_follows_a_slow_failure() -> None:
    """A refresh that fails slowly is due again after a pause that begins with the failure."""

    class SlowAccount:
        def refresh_device(self, _http: object) -> None:
            failed_at.append(steady())
            raise TimeoutError

    failed_at: list[float] = []
    limits = evolve(USUAL, device_refresh=0.0, longest_backoff=60.0)
    refresh = DeviceRefresh(SlowAccount(), None, limits)  # type: ignore[arg-type] # all that it uses
    with pytest.raises(TimeoutError):
        refresh.run()

    assert refresh.due >= failed_at[0] + 60


def test_forgotten_device_is_registered_anew(cloud: Sandbox) -> None:
    """When Webex has forgotten the device, another is registered, which gets the events."""
    with listening(cloud, _limits=SOON) as (_, heard):
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


@pytest.mark.parametrize(
    "fault", [{"status": 403}, {"reset": True}, {"body": "nonsense"}, {"body": {"url": 5}}], ids=str
)
def test_refresh_that_fails_is_tried_again(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    """A refresh that fails is tried again soon, and the log has the reason."""
    with listening(cloud, max_retries=0, _limits=SOON):
        cloud.fail_next("/devices/", method="PUT", times=3, **fault)
        cloud.wait_for_requests("/devices/", "PUT", count=5)
    assert caplog.text.count("the device was not refreshed, trying again: ") == 3


@pytest.mark.parametrize("error", [OSError, SystemExit])
def test_token_function_that_fails_is_called_again(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """Whatever the function for the token raises, it is called again; its text is not logged."""
    failures: list[BaseException] = []

    def source() -> str:
        if failures:
            raise failures.pop()
        return cloud.issue_token()

    with listening(cloud, access_token=source, _limits=SOON) as (_, heard):
        failures += [error("sEcReT") for _ in range(3)]
        cloud.expire_token()
        assert wait_until(lambda: caplog.text.count(f"trying again: {error.__name__}") == 3)
        with cloud.outage():
            missed = cloud.place_call()
        assert wait_until(lambda: missed.session_id in heard.session_ids)
    assert "sEcReT" not in caplog.text


def test_refresh_and_recovery_do_not_starve_each_other(cloud: Sandbox) -> None:
    """While the history fails, the device is refreshed all the same."""
    cloud.fail_next(HISTORY, status=500, times=10_000)
    with listening(cloud, max_retries=0, _limits=SOON) as (_, heard):
        cloud.drop_connections()
        heard.wait_for(signals.Online, 2)
        refreshed = len(cloud.requests_to("/devices/", "PUT"))

        cloud.wait_for_requests("/devices/", "PUT", count=refreshed + 3)
        cloud.wait_for_requests(HISTORY, count=3)
