"""Clients that share a Webex, and threads that share a client: nobody is told another's trouble."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from callhistory import CallHistoryClient, EndTimeSessionId, TransportError, Webex
from callhistory._concurrency import Once
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of
from tests.support.waiting import wait_until
from tests.support.wire_server import WireServer, answer

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


def test_client_that_closes_ends_its_own_calls_only(cloud: Sandbox) -> None:
    """Of two clients of one Webex, one is closed while it waits: its call ends, nothing is sent."""
    with cloud.webex() as webex, CallHistoryClient(webex) as other:
        assert other.get_call_history_data().ok
        client = CallHistoryClient(webex)
        cloud.fail_next("/setReadState", retry_after=20)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.update_missed_calls, [PAIR])
            cloud.wait_for_requests("/setReadState")
            client.close()
            error = call.exception(5)
            assert isinstance(error, TransportError) or call.result().status_code == 429
        assert len(cloud.requests_to("/setReadState")) == 1
        assert other.get_call_history_data().ok
        assert len(cloud.devices) == 1


def test_webex_can_be_used_while_a_closed_client_still_asks(cloud: Sandbox) -> None:
    """A client that joins while another's catalog request is broken off makes its own."""
    cloud.fail_next("/catalog", delay=20)
    with cloud.webex(max_retries=0) as webex:
        first = CallHistoryClient(webex)
        with ThreadPoolExecutor(2) as pool:
            broken_off = pool.submit(first.get_call_history_data)
            cloud.wait_for_requests("/catalog")
            second = CallHistoryClient(webex)
            waiting = pool.submit(second.get_call_history_data)
            assert wait_until(lambda: waiting.running())
            first.close()
            assert waiting.result(10).ok
            assert isinstance(broken_off.exception(5), TransportError)
        second.close()


def test_closing_a_webex_ends_the_calls_of_its_clients(cloud: Sandbox) -> None:
    """Webex.close() lets nobody wait, also where clients of it are still open."""
    webex = cloud.webex()
    client = CallHistoryClient(webex)
    client.get_call_history_data()
    cloud.fail_next(HISTORY, delay=20)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.get_call_history_data)
        cloud.wait_for_requests(HISTORY, count=2)
        webex.close()
        assert isinstance(call.exception(5), TransportError)
    assert isinstance(failure_of(client.get_call_history_data), RuntimeError)
    assert cloud.devices == ()
    client.close()


def test_closing_a_copy_closes_once(cloud: Sandbox) -> None:
    """A client that was copied counts once: the device goes with the last of the others."""
    with cloud.webex() as webex, CallHistoryClient(webex) as other:
        client = CallHistoryClient(webex)
        doubled = copy.copy(client)
        client.close()
        doubled.close()
        assert other.get_call_history_data().ok
        assert len(cloud.devices) == 1
    assert not cloud.devices


@contextmanager
def full_backlog() -> Iterator[socket.socket]:
    """Give a listening socket whose queue is full: who connects to it hangs until it is emptied."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        server.settimeout(10)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="a full queue hangs on POSIX only")
def test_write_that_was_connecting_is_not_sent_after_close() -> None:
    """A connection that comes about after close() carries no request any more."""
    with full_backlog() as server:
        janus = f"http://127.0.0.1:{server.getsockname()[1]}"
        catalog = f'{{"serviceLinks": {{"janus": "{janus}", "wdm": "{janus}"}}}}'.encode()
        with (
            WireServer(lambda connection: connection.send(answer(catalog))) as u2c,
            ThreadPoolExecutor(1) as pool,
        ):
            webex = Webex(
                access_token="t",
                u2c_url=u2c.url,
                calling_backend="WEBEX_CALLING",
                timeout=(10, 5),
                max_retries=0,
            )
            client = CallHistoryClient(webex)
            call = pool.submit(client.delete_call_history_records, [PAIR])
            assert wait_until(lambda: u2c.requests)
            assert not wait_until(call.done, 0.3), "it connects, and hangs"
            client.close()
            received = []
            while not call.done():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    break
                with connection:
                    connection.settimeout(0.5)
                    try:
                        received.append(connection.recv(9999))
                    except OSError:
                        received.append(b"")
            assert b"".join(received) == b""
            assert isinstance(call.exception(10), TransportError)
        webex.close()
