"""What the clients of one user share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import (
    CallHistoryClient,
)
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"


def test_threads_share_one_catalog_and_one_device(cloud: Sandbox) -> None:
    """Eight threads with a fresh client make one catalog request and register one device."""
    client = CallHistoryClient(cloud.webex())
    start = threading.Barrier(8)

    def ask(_: int) -> bool:
        start.wait(10)
        return client.get_call_history_data().ok

    # They are slow enough for all threads to be there.
    cloud.fail_next("/catalog", delay=0.2)
    cloud.fail_next("/devices", delay=0.2)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))

    (device,) = cloud.devices
    assert len(cloud.requests_to("/catalog")) == 1
    assert len(cloud.requests_to("/devices", "POST")) == 1
    assert len(cloud.requests_to(HISTORY)) == 8

    client.close()
    (deletion,) = cloud.requests_to("/devices", "DELETE")
    assert device.url.endswith(deletion.path)
    assert cloud.devices == ()


@pytest.mark.parametrize("service", ["/catalog", "/devices"])
def test_failed_bootstrap_is_not_remembered(cloud: Sandbox, service: str) -> None:
    """What could not be had is asked for again by the next call, and only that."""
    with cloud.webex(max_retries=0) as webex, CallHistoryClient(webex) as client:
        cloud.fail_next(service, status=404)
        assert not client.get_call_history_data()
        assert client.get_call_history_data().ok
        assert client.get_call_history_data().ok

    method = "GET" if service == "/catalog" else "POST"
    assert len(cloud.requests_to(service, method)) == 2
    other = ("/devices", "POST") if service == "/catalog" else ("/catalog", "GET")
    assert len(cloud.requests_to(*other)) == 1


def test_close_deletes_no_other_device(cloud: Sandbox) -> None:
    """Of several devices of a user, each client deletes its own."""
    others = [CallHistoryClient(cloud.webex()) for _ in range(2)]
    for other in others:
        other.get_call_history_data()
    before = cloud.devices
    client = CallHistoryClient(cloud.webex())
    client.get_call_history_data()
    assert len(cloud.devices) == 3

    client.close()

    assert cloud.devices == before
    for other in others:
        other.close()
