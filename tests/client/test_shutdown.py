"""Closing a client that does not listen: bounded, complete, and safe from wherever it is called."""

from __future__ import annotations

import logging
import socket
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import pytest

from callhistory import CallHistoryClient, CallHistoryError, TransportError, Webex
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import bounded
from tests.support.limits import BRISK
from tests.support.programs import account_of, run
from tests.support.waiting import wait_until
from tests.support.wire_server import WireServer, answer

HISTORY = "/history/userSessions"
SHORT_GOODBYE = attrs.evolve(BRISK, goodbye=0.3)
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "session"}


def deletions(cloud: Sandbox) -> int:
    return len(cloud.requests_to("/devices", "DELETE"))


def ended(call: Callable[[], object]) -> str:
    """Return ``"answered"``, or the name of the error that a call raised."""
    try:
        call()
    except (CallHistoryError, RuntimeError) as error:
        return type(error).__name__
    return "answered"


# --- who closes what ---


def test_last_client_of_a_webex_deletes_the_device(cloud: Sandbox) -> None:
    """Two clients share a device: it stays until the second one is closed."""
    webex = cloud.webex()
    first, second = CallHistoryClient(webex), CallHistoryClient(webex)
    first.get_call_history_data()
    second.get_call_history_data()
    (device,) = cloud.devices

    first.close()
    assert [known.url for known in cloud.devices] == [device.url]
    assert second.get_call_history_data().ok
    second.close()
    assert not cloud.devices
    assert deletions(cloud) == 1


def test_passed_webex_can_be_used_again(cloud: Sandbox) -> None:
    """A Webex outlives its clients: the next one gets a device of its own, and the same catalog."""
    webex = cloud.webex()
    urls = []
    for _ in range(3):
        with CallHistoryClient(webex) as client:
            assert client.get_call_history_data().ok
            urls += [device.url for device in cloud.devices]

    assert len(set(urls)) == 3
    assert deletions(cloud) == 3
    assert not cloud.devices
    assert len(cloud.requests_to("/catalog")) == 1


def test_client_is_closed_by_an_exception(cloud: Sandbox) -> None:
    """Leaving the with block by an error closes the client, and the error comes out."""

    def use() -> None:
        with CallHistoryClient(cloud.webex()) as client:
            client.get_call_history_data()
            raise LookupError("of the program")

    with pytest.raises(LookupError, match="of the program"):
        use()

    assert not cloud.devices


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_call_history_data(),
        lambda client: client.get_call_history_data(days=0),
        lambda client: client.update_missed_calls([PAIR]),
        lambda client: client.update_missed_calls([]),
        lambda client: client.delete_call_history_records([PAIR]),
        lambda client: client.delete_call_history_records([]),
    ],
    ids=["fetch", "wrong fetch", "mark", "mark none", "delete", "delete none"],
)
def test_closed_client_refuses(cloud: Sandbox, call: Callable[[CallHistoryClient], Any]) -> None:
    """A closed client refuses each call with a RuntimeError, and sends nothing."""
    client = CallHistoryClient(cloud.webex())
    client.close()

    with pytest.raises(RuntimeError, match="this client is closed"):
        call(client)

    assert cloud.requests == ()


def test_close_may_be_called_by_several_threads(cloud: Sandbox) -> None:
    """When several threads close a client at once, its device is deleted once."""
    client = CallHistoryClient(cloud.webex())
    client.get_call_history_data()
    start = threading.Barrier(8)

    def close(_: int) -> None:
        start.wait(10)
        client.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(close, range(8)))

    assert deletions(cloud) == 1
    assert not cloud.devices


# --- while something is under way ---


@pytest.mark.parametrize("path", ["/catalog", "/devices", HISTORY])
def test_close_ends_a_request_that_is_under_way(cloud: Sandbox, path: str) -> None:
    """A request that waits for its answer does not delay close(), and ends with it."""
    client = CallHistoryClient(cloud.webex())
    cloud.fail_next(path, delay=20, times=9)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ended, client.get_call_history_data)
        cloud.wait_for_requests(path)
        with bounded():
            client.close()
            assert asked.result() in ("TransportError", "RuntimeError")

    assert len(cloud.requests_to(path, "POST" if path == "/devices" else "GET")) == 1
    assert not cloud.devices


def test_close_under_threads_ends_all_of_them(cloud: Sandbox) -> None:
    """Threads that use a client while it is closed get an answer or an error; no device stays."""
    for _ in range(5):
        client = CallHistoryClient(cloud.webex())
        start = threading.Barrier(9)

        def use(_: int, client: CallHistoryClient = client, start: Any = start) -> str:
            start.wait(10)
            return ended(client.get_call_history_data)

        with ThreadPoolExecutor(8) as pool:
            used = pool.map(use, range(8))
            start.wait(10)
            client.close()
            assert set(used) <= {"answered", "TransportError", "RuntimeError"}

    assert wait_until(lambda: cloud.devices == ())


def test_device_registered_during_close_is_not_left_behind(cloud: Sandbox) -> None:
    """A device whose registration is answered after close() is deleted all the same."""
    client = CallHistoryClient(cloud.webex())
    cloud.fail_next("/devices", method="POST", delay=0.5)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ended, client.get_call_history_data)
        cloud.wait_for_requests("/devices")
        client.close()
        assert asked.result(10) in ("TransportError", "RuntimeError")

    assert cloud.wait_for_requests("/devices", "DELETE")
    assert wait_until(lambda: cloud.devices == ())


def test_device_registered_by_a_stopped_listener_is_the_webexs(cloud: Sandbox) -> None:
    """A device that a closing listener was registering is deleted by the last client."""
    webex = cloud.webex()
    listening, other = CallHistoryClient(webex), CallHistoryClient(webex)
    cloud.fail_next("/devices", method="POST", delay=0.3)
    with ThreadPoolExecutor(1) as pool:
        listens = pool.submit(ended, listening.listen)
        cloud.wait_for_requests("/devices")
        listening.close()
        assert listens.result(10) == "ListenError"

    assert other.get_call_history_data().ok
    assert len(cloud.devices) == 1
    other.close()
    assert wait_until(lambda: not cloud.devices)


def test_other_clients_of_a_webex_go_on(cloud: Sandbox) -> None:
    """Closing one of two clients does not end what the other one is doing."""
    webex = cloud.webex()
    first, second = CallHistoryClient(webex), CallHistoryClient(webex)
    first.get_call_history_data()
    cloud.fail_next(HISTORY, delay=0.3)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ended, second.get_call_history_data)
        cloud.wait_for_requests(HISTORY, count=2)
        first.close()
        assert asked.result(10) == "answered"
    second.close()


# --- when the network is no help ---


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param({"delay": 20}, "timed out", id="hang"),
        pytest.param({"status": 200, "drip": 0.02}, "not deleted", id="drip"),
        pytest.param({"reset": True}, "Connection reset", id="reset"),
        pytest.param({"status": 500}, "500", id="500"),
        pytest.param({"status": 503, "retry_after": 50}, "503", id="503"),
        pytest.param({"status": 401}, "401", id="401"),
        pytest.param(
            {"status": 302, "headers": {"Location": "https://evil.example"}}, "302", id="302"
        ),
        pytest.param({"status": 404}, None, id="404"),
    ],
)
def test_deletion_that_fails_does_not_hold_close(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, fault: dict[str, Any], words: str | None
) -> None:
    """The device's deletion is tried once and briefly; a failure is logged at INFO."""
    client = CallHistoryClient(cloud.webex(_limits=SHORT_GOODBYE))
    client.get_call_history_data()
    cloud.fail_next("/devices", method="DELETE", times=50, **fault)

    with caplog.at_level(logging.INFO, "callhistory"):
        with bounded():
            client.close()
        if words is not None:
            assert wait_until(lambda: caplog.records)

    assert deletions(cloud) == 1
    told = [r.getMessage() for r in caplog.records if "device was not deleted" in r.getMessage()]
    assert [words is not None and words in text for text in told] == [True] * bool(words)
    assert {record.levelname for record in caplog.records} <= {"INFO"}


def test_name_lookup_that_hangs_does_not_hold_close(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name lookup has no timeout of its own, and close() ends in time all the same."""
    client = CallHistoryClient(cloud.webex())
    client.get_call_history_data()
    answered = threading.Event()
    lookup = socket.getaddrinfo

    def hang(*arguments: Any, **options: Any) -> Any:
        answered.wait(30)
        return lookup(*arguments, **options)

    cloud.close()  # so that a new connection is needed
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with bounded():
        client.close()
    answered.set()


def test_function_for_the_token_that_hangs_does_not_hold_close(
    cloud: Sandbox,
) -> None:
    """A token function that does not return after the last 401 does not delay close()."""
    hangs = threading.Event()
    tokens = [cloud.access_token]

    def source() -> str:
        if not tokens:
            hangs.wait(30)
            return "another"
        return tokens.pop()

    client = CallHistoryClient(cloud.webex(access_token=source, _limits=SHORT_GOODBYE))
    client.get_call_history_data()
    cloud.expire_token()
    with bounded():
        client.close()
    hangs.set()


def test_function_for_the_token_that_breaks_does_not_break_close(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a token function after the last 401 is logged at INFO, without its text."""
    tokens = [cloud.access_token]
    client = CallHistoryClient(cloud.webex(access_token=tokens.pop))
    client.get_call_history_data()
    cloud.expire_token()

    with caplog.at_level(logging.INFO, "callhistory"):
        client.close()
        assert wait_until(lambda: caplog.messages)

    assert caplog.messages == ["this program's device was not deleted; it expires: IndexError"]


def test_interpreter_without_threads_deletes_the_device(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the interpreter ends and starts no more threads, close() deletes the device itself."""
    client = CallHistoryClient(cloud.webex())
    client.get_call_history_data()

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("callhistory-goodbye"):
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", refuse)

    client.close()

    assert not cloud.devices


# --- the end of the program ---

PROGRAMS = {
    "forgets close": "print(len(client.get_call_history_data()))",
    "closes at exit": """
        import atexit
        atexit.register(client.close)
        print(len(client.get_call_history_data()))
    """,
    "with a request under way": """
        import sys, threading
        threading.Thread(target=client.get_call_history_data, daemon=True).start()
        sys.stdin.read()
        print("done")
    """,
}


@pytest.mark.parametrize(
    ("name", "output", "devices"),
    [
        ("forgets close", "50", 1),
        ("closes at exit", "50", 0),
        ("with a request under way", "done", 0),
    ],
)
def test_program_ends_at_once(cloud: Sandbox, name: str, output: str, devices: int) -> None:
    """A program ends in time and without a word; close() deletes its device also at exit."""
    if output == "done":
        cloud.fail_next("/catalog", delay=40)
    made = "from callhistory import CallHistoryClient\nclient = CallHistoryClient()\n"
    options = ("-X", "dev", "-W", "ignore::ResourceWarning")
    began = time.monotonic()

    done = run(*options, "-c", made + textwrap.dedent(PROGRAMS[name]), **account_of(cloud))

    assert time.monotonic() - began < 20
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{output}\n", "")
    assert len(cloud.devices) == devices


@contextmanager
def full_backlog() -> Iterator[socket.socket]:
    """Return a listening socket whose queue is full: who connects hangs until it is emptied."""
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
