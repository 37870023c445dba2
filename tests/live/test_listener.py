"""listen() and wait(): when they return, when they raise, and what they leave behind."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import threading
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallHistoryClient, ListenError, TransportError, signals
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import NOT_ON_WINDOWS, ctrl_c
from tests.support.error_contents import failure_of
from tests.support.limits import BRISK
from tests.support.listening_clients import (
    ONLINE,
    RECENT,
    failure_of_listen,
    hearing,
    library_threads,
    listening,
    offline,
)
from tests.support.outages import place_calls
from tests.support.waiting import wait_until

Trouble = Callable[[Sandbox], None]


def test_returns_once_accepted(cloud: Sandbox, client: CallHistoryClient) -> None:
    """listen() returns when Webex has accepted the connection, and not before."""
    cloud.delay_readiness(0.1)
    with hearing(client) as heard:
        client.listen()

        assert client.listening
        # The sandbox notes a frame before it sends it.
        assert len(cloud.frames_of("mercury.buffer_state")) == 1
        assert heard.wait_for(signals.Online) == [signals.Online()]


def test_several_threads_listen_at_once(cloud: Sandbox, client: CallHistoryClient) -> None:
    """listen() at once in several threads, and once more, makes one connection for all."""
    together = threading.Barrier(8)

    def listen(_: int) -> bool:
        together.wait()
        client.listen()
        return client.listening

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(listen, range(8)))
    client.listen()

    assert len(cloud.attempts) == 1
    assert len(cloud.devices) == 1
    assert library_threads().count("callhistory-mercury") == 1


def test_timeout_covers_the_listen_of_another_thread(
    cloud: Sandbox, client: CallHistoryClient
) -> None:
    """The timeout of listen() also covers the listen() of another thread."""
    cloud.fail_next("/catalog", delay=30)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.listen, 30)
        cloud.wait_for_requests("/catalog")

        with pytest.raises(ListenError, match="another"):
            client.listen(0.05)

        client.close()
        assert isinstance(first.exception(), ListenError)


# --- it gives up ---

HANGS: dict[str, Trouble] = {
    "catalog": lambda cloud: cloud.fail_next("/catalog", delay=30),
    "device": lambda cloud: cloud.fail_next("/devices", method="POST", delay=30),
    "upgrade": lambda cloud: cloud.fail_upgrades(delay=30),
    "readiness": lambda cloud: cloud.delay_readiness(math.inf),
}


@pytest.mark.parametrize("timeout", [0.2, 1e-9])
@pytest.mark.parametrize("place", HANGS)
def test_hanging_ends_in_time(cloud: Sandbox, place: str, timeout: float) -> None:
    """Wherever Webex hangs, listen() gives up in time, and may be called again."""
    HANGS[place](cloud)
    limits = evolve(BRISK, last_moment=0.1, close_timeout=0.1)
    with CallHistoryClient(cloud.webex(_limits=limits)) as client:
        error = failure_of_listen(client, timeout)

        assert type(error) is ListenError
        assert error.code is None
        assert error.reason == "Webex did not accept the connection in time"
        cloud.clear_faults()
        client.listen()
        assert client.listening


def test_upgrade_that_hangs_is_tried_again(cloud: Sandbox) -> None:
    """After an upgrade that is not answered in time there is another one."""
    cloud.fail_upgrades(delay=30)
    with listening(cloud, _limits=evolve(BRISK, open_timeout=0.1)):
        pass

    assert [attempt.status for attempt in cloud.attempts] == [None, 101]


def test_readiness_that_does_not_come_is_tried_again(cloud: Sandbox) -> None:
    """A connection that is not accepted in time, whatever else comes over it, is replaced."""
    cloud.precede_readiness({"eventType": "other.event"})
    cloud.delay_readiness(math.inf)
    with listening(cloud, _limits=evolve(BRISK, ready_timeout=0.1)):
        pass

    given_up, accepted = cloud.attempts
    assert given_up.closed_by == "client"
    (readiness,) = cloud.frames_of("mercury.buffer_state")
    assert readiness.connection is accepted


@pytest.mark.parametrize(
    ("timeout", "kind", "words"),
    [
        *((value, ValueError, "more than 0") for value in (0, math.nan, math.inf, 10**10)),
        *((value, TypeError, "") for value in (None, "5", True)),
    ],
)
def test_invalid_timeout(
    cloud: Sandbox, client: CallHistoryClient, timeout: Any, kind: type[Exception], words: str
) -> None:
    """A timeout that is no number, not above 0 or infinite is an error before anything is sent."""
    with pytest.raises(kind, match=f"timeout: expected {words}.*seconds"):
        client.listen(timeout)
    assert not cloud.requests


def test_closed_client_does_not_listen(cloud: Sandbox, client: CallHistoryClient) -> None:
    """listen() of a closed client is a RuntimeError, and nothing is sent."""
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.listen()
    assert not cloud.requests
    assert not client.listening


@NOT_ON_WINDOWS
def test_ctrl_c_in_listen_leaves_nothing_behind(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Ctrl-C gets through listen() at once, and the client may listen later."""
    cloud.delay_readiness(math.inf)
    with ctrl_c() as press, ThreadPoolExecutor(1) as pool:

        def interrupt() -> None:
            cloud.wait_for_frames("authorization")
            press()

        interrupted = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.listen()
        interrupted.result()

    assert not client.listening
    assert wait_until(lambda: not library_threads())
    client.listen()
    assert client.listening


# --- wait() ---


def test_wait_needs_listen(client: CallHistoryClient) -> None:
    """Without listen() there is nothing to wait for, unless the client is closed."""
    with pytest.raises(RuntimeError, match="listen"):
        client.wait()
    client.close()
    assert client.wait()


def test_wait_returns_when_its_time_is_up(cloud: Sandbox, client: CallHistoryClient) -> None:
    """wait() returns False when its time is up, also when that is so from the start."""
    client.listen()

    assert not client.wait(0.05)
    assert not client.wait(0)
    assert not client.wait(-1)


def test_wait_ends_with_a_listen_that_fails(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A wait() while listen() fails in another thread returns False: the client is not closed."""
    cloud.delay_readiness(math.inf)
    with ThreadPoolExecutor(1) as pool:
        listen = pool.submit(client.listen, 0.2)
        cloud.wait_for_frames("authorization")

        assert not client.wait(10)
        assert isinstance(listen.exception(), ListenError)


def test_permanent_refusal_is_raised_by_wait(cloud: Sandbox) -> None:
    """After a permanent refusal each wait() raises, and listen() may be called again."""
    with listening(cloud) as (client, heard):
        cloud.replace_connections()

        for _ in range(2):
            with pytest.raises(ListenError, match="4000: replaced"):
                client.wait(10)
        assert not client.listening

        client.listen()
        session = cloud.place_call()
        assert not client.wait(0)
        assert heard.wait_for_sessions(1) == [session.session_id]


def test_receiver_may_listen_again(cloud: Sandbox) -> None:
    """A receiver that hears of a permanent refusal may call listen() itself."""
    with listening(cloud) as (client, heard):

        def again(client: CallHistoryClient, event: signals.Offline) -> None:
            if not event.reconnecting and event.reason == "replaced":
                client.listen()

        with signals.offline.connected_to(again, sender=client):
            cloud.replace_connections()
            heard.wait_for(signals.Online, 2)

        session = cloud.place_call()
        assert heard.wait_for_sessions(1) == [session.session_id]
        assert client.listening


@pytest.mark.parametrize(
    ("timeout", "kind"),
    [("x", TypeError), (True, TypeError), (float("nan"), ValueError)],
)
def test_wait_takes_seconds(cloud: Sandbox, timeout: Any, kind: type[Exception]) -> None:
    """A timeout that is no number of seconds is an error with its name; infinity is no limit."""
    with listening(cloud) as (client, _):
        with pytest.raises(kind, match="timeout: expected seconds"):
            client.wait(timeout)
        threading.Timer(0.05, client.close).start()
        assert client.wait(float("inf"))


# --- listening again, and twice ---


def test_listening_again_delivers_what_came_before(cloud: Sandbox) -> None:
    """Events that wait for a slow handler are delivered after a refusal and the next listen()."""
    go = threading.Event()
    threads: list[int] = []
    client = CallHistoryClient(cloud.webex())

    @client.on(RECENT)
    def slow(_event: object) -> None:
        threads.append(threading.get_ident())
        assert go.wait(20)

    with hearing(client) as heard, client:
        client.listen()
        calls = place_calls(cloud, 5)
        assert wait_until(lambda: threads)
        cloud.wait_for_frames("ack", direction="received", count=6)
        cloud.close_connections(4000, "replaced")
        with pytest.raises(ListenError):
            client.wait(10)
        client.listen()
        go.set()

        assert heard.wait_for_sessions(5) == calls
        calls += place_calls(cloud, 1)
        assert heard.wait_for_sessions(6) == calls
        assert heard.states == [ONLINE, offline(4000, "replaced", reconnecting=False), ONLINE]
        assert threads == threads[:1] * 6


def test_failed_listen_leaves_the_earlier_ones_receivers(cloud: Sandbox) -> None:
    """A listen() that fails after an earlier one does not harm it; the next one delivers again."""
    client = CallHistoryClient(cloud.webex(max_retries=0))
    with hearing(client) as heard, client:
        client.listen()
        cloud.close_connections(4400)
        with pytest.raises(ListenError):
            client.wait(10)
        cloud.fail_upgrades(status=403, times=1)
        cloud.delay_readiness(1000)
        assert isinstance(failure_of(lambda: client.listen(0.3)), ListenError)
        assert not client.listening
        client.listen()
        calls = place_calls(cloud, 1)
        assert heard.wait_for_sessions(1) == calls


def test_each_wait_after_a_refusal_raises_an_error_of_its_own(cloud: Sandbox) -> None:
    """The error of one wait() does not keep the frames of those before it."""
    frames = []
    with listening(cloud) as (client, _):
        cloud.close_connections(4400)
        for _ in range(3):
            error = failure_of(lambda: client.wait(10))
            assert type(error) is ListenError
            frames.append(len(list(traceback.walk_tb(error.__traceback__))))

    assert len(set(frames)) == 1


def test_receiver_of_a_refusal_listens_again(cloud: Sandbox) -> None:
    """A wait() raises the refusal, although a receiver of it has begun to listen again."""
    with listening(cloud) as (client, heard):

        @signals.offline.connect_via(client)
        def listen(_sender: object, **_: object) -> None:
            client.listen()

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.wait, 30)
            cloud.close_connections(4400)
            assert isinstance(waiting.exception(20), ListenError)
        heard.wait_for(signals.Online, 2)
        signals.offline.disconnect(listen)
        assert client.listening


def test_second_client_of_a_webex_that_listens_is_refused(cloud: Sandbox) -> None:
    """A device has one connection: a second listen() is a ListenError, and the first goes on."""
    with listening(cloud) as (first, heard), CallHistoryClient(first._webex) as second:
        with pytest.raises(ListenError, match="another client of this Webex listens already"):
            second.listen(5)
        place_calls(cloud, 1)
        heard.wait_for_sessions(1)
        first.close()
        second.listen()
        assert second.listening


def test_error_of_listen_has_no_token_in_its_frames(cloud: Sandbox) -> None:
    """The variables of the frames of an error are no token."""
    cloud.fail_next("/devices", reset=True, times=100)
    with CallHistoryClient(cloud.webex(max_retries=0)) as client:
        error = failure_of(lambda: client.listen(0.2))

    assert isinstance(error, TransportError)
    frame, names = error.__traceback__, []
    while frame is not None:
        names += [name for name in frame.tb_frame.f_locals if "token" in name]
        frame = frame.tb_next
    assert names == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_client_of_a_parent_process_is_unusable_in_a_forked_child(cloud: Sandbox) -> None:
    """In a forked child the parent's client raises an error, and its close() closes nothing."""
    with listening(cloud) as (client, heard):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            lines_of_child = [str(client.listening)]
            for use in (client.listen, client.get_call_history_data):
                try:
                    use()
                except RuntimeError as error:
                    lines_of_child.append(str(error))
            client.close()
            os.write(writing, "\n".join(lines_of_child).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            lines = pipe.read().split("\n")
        os.waitpid(child, 0)

        assert lines[0] == "False"
        assert len(lines) == 3
        assert all("used before the process forked" in line for line in lines[1:])
        place_calls(cloud, 1)
        heard.wait_for_sessions(1)
        assert len(cloud.devices) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_close_in_a_forked_child_waits_for_no_lock_of_the_parent(cloud: Sandbox) -> None:
    """A lock that the parent held at the fork stays so in the child: close() and wait() return."""
    with listening(cloud) as (client, _):
        with client._listener._lock:
            child = os.fork()
            if child == 0:
                signal.alarm(5)
                client.close()
                os._exit(not client.wait())
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0


def test_client_that_has_not_listened_is_freed_without_the_garbage_collector(
    cloud: Sandbox,
) -> None:
    """A client that never listens is in no reference cycle."""
    with cloud.webex() as webex:
        gc.disable()
        try:
            client = CallHistoryClient(webex)
            client.get_call_history_data()
            client.close()
            watched = weakref.ref(client)
            del client
            assert watched() is None
        finally:
            gc.enable()


def test_client_listens_when_its_receiver_hears_of_it(cloud: Sandbox) -> None:
    """Listening is True in a receiver of the first online, and close() there ends listen()."""
    heard = []
    client = CallHistoryClient(cloud.webex())

    @signals.online.connect_via(client)
    def hear(_sender: object, **_: object) -> None:
        heard.append(client.listening)
        client.close()

    try:
        client.listen()
    except ListenError as error:
        assert "closed" in str(error)  # noqa: PT017 - whether it raises is a matter of luck
    client.wait(10)

    assert heard == [True]


# --- odd programs ---


class Broken(logging.Handler):
    """A handler that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("the disk is full")


def test_logger_that_raises_ends_nothing(cloud: Sandbox) -> None:
    """With a logger whose handler raises, receivers are called and the connection comes back."""
    logger = logging.Logger("mine")
    logger.addHandler(Broken())
    client = CallHistoryClient(cloud.webex(), logger)

    @client.on(RECENT)
    def fail(_event: object) -> None:
        raise ValueError

    with hearing(client) as heard, client:
        client.listen()
        place_calls(cloud, 2)
        heard.wait_for_sessions(2)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 2)
        place_calls(cloud, 1)
        heard.wait_for_sessions(3)


class Odd:
    """A receiver whose attributes raise errors."""

    def __call__(self, _event: object) -> None:
        raise ValueError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_receiver_with_attributes_that_raise_ends_nothing(cloud: Sandbox) -> None:
    """A handler that raises, and whose attributes raise too, does not end the delivery."""
    client = CallHistoryClient(cloud.webex())
    client.on(RECENT, Odd())
    with hearing(client) as heard, client:
        client.listen()
        place_calls(cloud, 1)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 2)
