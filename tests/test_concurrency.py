"""Work that threads share: a value that is fetched once, a lock of a function, few at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory._concurrency import ErrorCheckingLock, SingleFlight, Throttle, TooLate
from callhistory._webex.account import Account
from callhistory._webex.catalog import Catalog
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of
from tests.support.limits import BRISK
from tests.support.wire_server import Connection, WireServer, answer

GOING_ON = threading.Event()  # nobody is being closed


# --- a single flight ---


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set when a thread waits for what another one fetches."""
    event = threading.Event()
    outcome = Future.exception

    def note(future: Future[Any], timeout: float | None = None) -> BaseException | None:
        if not future.done():
            event.set()
        return outcome(future, timeout)

    monkeypatch.setattr(Future, "exception", note)
    return event


class OddError(Exception):
    """An error of somebody else's class, which refuses to be copied."""

    def __reduce__(self) -> str:
        raise RuntimeError("no copies")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OddError(), ValueError("no")], ids=repr)
@pytest.mark.parametrize("closing", [True, False])
def test_failure_of_a_flight(waiting: threading.Event, error: BaseException, closing: bool) -> None:
    """Who waits shares a failure; an interrupt, or one of a client that is closed, is not shared.

    The thread that waits takes the place of the one that was interrupted.
    """
    flight: SingleFlight[str] = SingleFlight()
    fetching, stop = threading.Event(), threading.Event()

    def fail() -> str:
        fetching.set()
        assert waiting.wait(10)
        if closing:
            stop.set()
        raise error

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(failure_of_get, flight, fail, stop)
        assert fetching.wait(10)
        assert flight.peek() is None
        second = pool.submit(failure_of_get, flight, lambda: "value", GOING_ON)
        assert first.result(10) is error
        shared = second.result(10)

    if closing or isinstance(error, KeyboardInterrupt):
        assert shared is None
        assert flight.peek() == "value"
    else:
        assert type(shared) is type(error)
        assert (shared is error) == isinstance(error, OddError)
        assert flight.get(lambda: "next", GOING_ON) == "next", "a failure is not remembered"


def failure_of_get(
    flight: SingleFlight[str], fetch: Any, stop: threading.Event
) -> BaseException | None:
    try:
        flight.get(fetch, stop)
    except BaseException as error:  # noqa: BLE001 - also an interrupt
        return error
    return None


def test_value_that_is_taken_meanwhile_is_too_late() -> None:
    """A value that comes when it has been given up is handed over, and not kept."""
    flight: SingleFlight[str] = SingleFlight()

    def fetch() -> str:
        assert flight.take() is None
        return "value"

    for _ in range(2):
        with pytest.raises(TooLate) as caught:
            flight.get(fetch, GOING_ON)
        assert caught.value.value == "value"
        assert flight.peek() is None


def test_value_is_replaced_only_if_it_is_still_there() -> None:
    """Replacing a value that somebody else has replaced changes nothing."""
    flight: SingleFlight[str] = SingleFlight()
    flight.get(lambda: "first", GOING_ON)

    flight.replace("second", "third")
    assert flight.peek() == "first"
    flight.replace("first", "second")
    assert flight.peek() == "second"
    flight.replace("second", None)
    assert flight.peek() is None
    assert flight.take() is None


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


# --- a lock ---


def test_lock_raises_where_another_would_wait_for_itself() -> None:
    """A thread that has the lock is refused it, with the name of the function; others are not."""
    lock = ErrorCheckingLock("on_refresh")

    with lock, ThreadPoolExecutor(1) as pool:
        for again in (lock.check, lock.acquire):
            with pytest.raises(RuntimeError, match="on_refresh must not use the client"):
                again()
        assert not pool.submit(lock.acquire, wait=False).result(10)

    assert lock.acquire()
    lock.release()


# --- a throttle ---


class Crowd:
    """Answers with a catalog, and counts how many requests are answered at once.

    Attributes:
        most: how many there were at the most.
    """

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)  # so long does an answer take
        with self._lock:
            self._now -= 1
        connection.send(answer(b'{"serviceLinks": {}}'))


def catalog_of(account: Account) -> Catalog:
    session = account.join()
    try:
        return account.catalog(session)
    finally:
        account.leave(session)


def test_clients_that_start_together_ask_few_at_once() -> None:
    """Of forty clients that need the catalog at once, eight ask for it at a time."""
    crowd = Crowd()
    with WireServer(crowd) as server, ThreadPoolExecutor(40) as pool:
        webexes = [Webex(access_token="t", u2c_url=server.url) for _ in range(40)]
        list(pool.map(lambda webex: catalog_of(webex._account), webexes))
        for webex in webexes:
            webex.close()

    assert 1 < crowd.most <= 8
    assert len(server.requests) == 40


def test_service_that_hangs_holds_nobody_up_for_long(cloud: Sandbox) -> None:
    """While all who have their turn wait for an answer, others go on after a little while."""
    cloud.fail_next("/catalog", delay=30, times=8)
    hung = [cloud.webex(max_retries=0) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(catalog_of, webex._account) for webex in hung]
        cloud.wait_for_requests("/catalog", count=8)
        with cloud.webex(_limits=attrs.evolve(BRISK, throttle_wait=0.1)) as another:
            assert catalog_of(another._account).link("janus")
        for webex in hung:
            webex.close()
        assert all(call.exception(10) for call in calls)


def test_turn_ends_with_its_block() -> None:
    """A turn is free again when its block ends, also by an error; a turn not had frees none."""
    throttle = Throttle(1)
    with pytest.raises(LookupError), throttle.turn(0):
        raise LookupError
    with throttle.turn(0):
        began = time.monotonic()
        with throttle.turn(0.1):
            assert time.monotonic() - began >= 0.1
    with throttle.turn(0):
        pass
