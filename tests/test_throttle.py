"""Hundreds of clients that start together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import Webex
from callhistory.sandbox import Sandbox
from tests.support.wire_server import Connection, WireServer, answer

CATALOG = answer(b'{"serviceLinks": {}, "hostCatalog": {}}')


class Crowd:
    """Counts how many requests are answered at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        connection.send(CATALOG)


def test_clients_that_start_together_ask_few_at_once() -> None:
    """Of forty clients that need the catalog at once, eight ask for it at a time."""
    crowd = Crowd()
    with WireServer(crowd) as server, ThreadPoolExecutor(40) as pool:
        webexes = [Webex(access_token="t", u2c_url=server.url) for _ in range(40)]
        list(pool.map(lambda webex: webex.catalog(), webexes))
        for webex in webexes:
            webex.close()

    assert 1 < crowd.most <= 8
    assert len(server.requests) == 40


def test_service_that_hangs_holds_nobody_up_for_long(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all who have their turn wait for an answer, others go on after a little while."""
    monkeypatch.setattr("callhistory._throttle._PATIENCE", 0.1)
    cloud.fail_next("/catalog", delay=30, times=8)
    hung = [cloud.webex(max_retries=0) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(webex.catalog) for webex in hung]
        cloud.wait_for_requests("/catalog", count=8)
        with cloud.webex() as another:
            assert another.catalog().link("janus")
        for webex in hung:
            webex.close()
        assert all(call.exception(10) for call in calls)
