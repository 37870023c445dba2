"""Clients that share a Webex, and threads that share a client: nobody is told another's trouble."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import (
    CallHistoryClient,
    EndTimeSessionId,
    TransportError,
    Webex,
)
from callhistory._concurrency import Once
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of
from tests.support.waiting import wait_until
from tests.support.wire_server import Connection, WireServer, answer

TOKEN = "sEcReT"
CATALOG = answer(b'{"serviceLinks": {}, "hostCatalog": {}}')

HISTORY = "/history/userSessions"
PAIR = EndTimeSessionId("2026-01-31T09:30:00Z", "x")


def test_what_a_thread_was_handling_is_in_no_other_threads_error(cloud: Sandbox) -> None:
    """Two threads share a failed catalog; neither error has what the other was handling."""
    cloud.fail_next("/catalog", delay=0.3, reset=True)
    errors: dict[str, BaseException] = {}
    gate = threading.Barrier(2)

    def ask(client: CallHistoryClient, name: str) -> None:
        try:
            raise LookupError(name)
        except LookupError:
            gate.wait(10)
            errors[name] = failure_of(client.get_call_history_data)

    with CallHistoryClient(cloud.webex(max_retries=0)) as client, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: ask(client, name), ["one", "two"]))

    assert len(cloud.requests_to("/catalog")) == 1
    assert errors["one"] is not errors["two"]
    for name, error in errors.items():
        assert isinstance(error, TransportError)
        assert isinstance(error.__cause__, ConnectionResetError)
        handled = error.__context__
        assert handled is None or handled is error.__cause__ or str(handled) == name


def test_error_that_cannot_be_copied_is_shared_as_it_is() -> None:
    """An error of somebody else's class, which refuses to be copied, is raised all the same."""

    class OddError(Exception):
        def __reduce__(self) -> str:
            raise RuntimeError("no copies")

    once: Once[int] = Once()
    entered, leave = threading.Event(), threading.Event()

    def fetch() -> int:
        entered.set()
        assert leave.wait(10)
        raise OddError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.get, fetch)
        assert entered.wait(10)
        second = pool.submit(once.get, fetch)
        assert wait_until(lambda: second.running())
        leave.set()
        assert isinstance(first.exception(10), OddError)
        assert isinstance(second.exception(10), OddError)


def test_interrupted_bootstrap_is_somebody_elses(cloud: Sandbox) -> None:
    """When the thread that fetches is interrupted, a thread that waits takes its place."""
    once: Once[str] = Once()
    fetching, waiting = threading.Event(), threading.Event()
    values = []

    def interrupted() -> str:
        fetching.set()
        assert waiting.wait(10)
        raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            once.get(interrupted)

    def second() -> None:
        values.append(once.get(lambda: "value"))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert fetching.wait(10)
    assert once.peek() is None
    threads[1].start()
    assert wait_until(lambda: once._flight is not None and once._flight._condition._waiters)  # type: ignore[attr-defined] # the second one waits
    waiting.set()
    for thread in threads:
        thread.join(10)

    assert values == ["value"]
    assert once.peek() == "value"


def test_value_that_is_taken_meanwhile_is_told() -> None:
    """A value that comes when it has been given up is handed over, and not kept."""
    once: Once[str] = Once()
    late: list[str] = []

    def fetch() -> str:
        assert once.take() is None
        return "value"

    assert once.get(fetch, late.append) == "value"
    assert late == ["value"]
    assert once.peek() is None
    assert once.get(fetch) == "value"
    assert once.peek() is None


def test_value_is_replaced_only_if_it_is_still_there() -> None:
    """Replacing a value that somebody else has replaced changes nothing."""
    once: Once[str] = Once()
    once.get(lambda: "first")

    once.replace("second", "third")
    assert once.peek() == "first"
    once.replace("first", "second")
    assert once.peek() == "second"
    once.replace("second", None)
    assert once.peek() is None
    assert once.take() is None


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
