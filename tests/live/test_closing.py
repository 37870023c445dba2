"""close() while live events are heard: complete, and safe from wherever it is called."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callhistory import CallHistoryClient, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import NOT_ON_WINDOWS, bounded, ctrl_c, expect_nothing_left
from tests.support.listening_clients import (
    ONLINE,
    RECENT,
    hearing,
    library_threads,
    listening,
    offline,
)
from tests.support.waiting import wait_until


def test_close_ends_everything(cloud: Sandbox) -> None:
    """close() ends the connection in order, deletes the device, and offline is the last event."""
    with listening(cloud) as (client, heard):
        cloud.place_call()
        heard.wait_for_sessions(1)
        with bounded():
            client.close()

        assert library_threads() == []
        assert not client.listening
        assert client.wait(0)
        assert heard.states == [ONLINE, offline(None, "closed", reconnecting=False)]
        expect_nothing_left(cloud)
        (connection,) = cloud.connections
        assert (connection.close_code, connection.closed_by) == (1000, "client")


def test_close_may_be_called_twice(cloud: Sandbox) -> None:
    """A second close() does nothing, and a with block may be left after the first."""
    with listening(cloud) as (client, heard):
        client.close()
        with bounded():
            client.close()

        assert len(heard.of(signals.Offline)) == 1
        assert len(cloud.requests_to("/devices/", "DELETE")) == 1


def test_close_from_several_threads(cloud: Sandbox) -> None:
    """Of several threads that close at once, one does, and none hangs."""
    with listening(cloud) as (client, heard):
        together = threading.Barrier(8)

        def close(_: int) -> None:
            together.wait()
            client.close()

        with bounded(), ThreadPoolExecutor(8) as pool:
            list(pool.map(close, range(8)))

        assert len(heard.of(signals.Offline)) == 1
        expect_nothing_left(cloud)


def test_close_from_a_handler(cloud: Sandbox) -> None:
    """A handler may close its client; wait() returns when all of that is done."""
    with listening(cloud) as (client, heard):
        client.on(RECENT, lambda _: client.close())
        cloud.fail_next("/devices/", method="DELETE", delay=0.1)
        with bounded():
            cloud.place_call()
            assert client.wait(10)

        assert cloud.devices == ()
        heard.wait_for(signals.Offline)
        assert heard.states == [ONLINE, offline(None, "closed", reconnecting=False)]
        expect_nothing_left(cloud)


@pytest.mark.parametrize("told", [signals.online, signals.offline, signals.receiver_failed])
def test_close_from_a_receiver(cloud: Sandbox, told: Any) -> None:
    """So may a receiver, of whatever signal."""

    def close(client: CallHistoryClient, event: object) -> None:
        client.close()

    def fail(_: object) -> None:
        raise ValueError

    client = CallHistoryClient(cloud.webex())
    client.on(RECENT, fail)
    with hearing(client) as heard, told.connected_to(close, sender=client), bounded():
        if told is signals.online:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(client.listen).exception()  # it may have been accepted, or not
        else:
            client.listen()
            cloud.place_call()
        if told is signals.offline:
            cloud.close_connections(1001)
        assert wait_until(lambda: heard.of(signals.Offline))
        assert client.wait(10)
    expect_nothing_left(cloud)


def test_close_from_the_last_event_is_no_deadlock(cloud: Sandbox) -> None:
    """A receiver of offline that closes the client while it is being closed does not hold it."""

    def close(client: CallHistoryClient, event: signals.Offline) -> None:
        client.close()

    with listening(cloud) as (client, _), signals.offline.connected_to(close, sender=client):
        began = time.monotonic()
        client.close()

        assert time.monotonic() - began < 2
        expect_nothing_left(cloud)


def test_close_from_the_function_for_the_token(cloud: Sandbox) -> None:
    """Even the function for the token may close the client: listen() is over then."""

    def source() -> str:
        client.close()
        return cloud.access_token

    client = CallHistoryClient(cloud.webex(access_token=source))
    with bounded(), pytest.raises(ListenError, match="closed"):
        client.listen()
    assert wait_until(lambda: not library_threads())


def test_close_ends_listen_in_another_thread(cloud: Sandbox) -> None:
    """A listen() that waits for Webex ends with a ListenError when the client is closed."""
    cloud.delay_readiness(math.inf)
    client = CallHistoryClient(cloud.webex())
    with ThreadPoolExecutor(1) as pool:
        listen = pool.submit(client.listen)
        cloud.wait_for_frames("authorization")
        with bounded():
            client.close()

            error = listen.exception()
    assert type(error) is ListenError
    assert "closed" in error.reason
    expect_nothing_left(cloud)


def test_close_ends_wait_in_another_thread(cloud: Sandbox) -> None:
    """Who waits is told when the client is closed, and its device is gone by then."""
    with listening(cloud) as (client, _), ThreadPoolExecutor(1) as pool:

        def devices_after_wait() -> tuple[object, ...]:
            assert client.wait()
            return cloud.devices

        devices = pool.submit(devices_after_wait)
        cloud.fail_next("/devices/", method="DELETE", delay=0.1)
        client.close()
        assert devices.result(10) == ()


def test_webex_that_was_passed_in_listens_again(cloud: Sandbox) -> None:
    """After close() another client of the same Webex may listen, as a device of its own."""
    with cloud.webex() as webex:
        for count in (1, 2, 3):
            client = CallHistoryClient(webex)
            with hearing(client) as heard, client:
                client.listen()
                session = cloud.place_call()
                assert heard.wait_for_sessions(1) == [session.session_id]
            assert cloud.devices == ()
            assert len({connection.device_url for connection in cloud.connections}) == count


@NOT_ON_WINDOWS
def test_ctrl_c_in_wait_gets_through(cloud: Sandbox) -> None:
    """Ctrl-C ends wait() at once, and leaving the with block closes the client."""
    with ctrl_c() as press, bounded(), listening(cloud) as (client, _):
        timer = threading.Timer(0.1, press)

        def wait() -> None:
            timer.start()
            client.wait()

        with pytest.raises(KeyboardInterrupt):
            wait()
        timer.join()
    expect_nothing_left(cloud)
