"""close() while live events are heard: complete, and safe from wherever it is called."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallHistoryClient, CallSessionEvent, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import bounded, expect_nothing_left
from tests.support.limits import BRISK
from tests.support.listening_clients import (
    ONLINE,
    RECENT,
    Heard,
    hearing,
    library_threads,
    listening,
    offline,
)
from tests.support.outages import HISTORY
from tests.support.receivers import Blocker
from tests.support.waiting import wait_until


def test_close_ends_everything(cloud: Sandbox) -> None:
    """close() deletes the device and says offline, once, however often it is called."""
    with listening(cloud) as (client, heard):
        cloud.place_call()
        heard.wait_for_sessions(1)
        for _ in range(2):
            with bounded():
                client.close()

        assert library_threads() == []
        assert not client.listening
        assert client.wait(0)
        assert heard.states == [ONLINE, offline(None, "closed", reconnecting=False)]
        expect_nothing_left(cloud)
        assert len(cloud.requests_to("/devices/", "DELETE")) == 1
        (connection,) = cloud.connections
        assert (connection.close_code, connection.closed_by) == (1000, "client")


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
    """A handler may close its client; wait() returns when that is done."""
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


@pytest.mark.parametrize("signal", [signals.online, signals.offline, signals.receiver_failed])
def test_close_from_a_receiver(cloud: Sandbox, signal: Any) -> None:
    """A receiver of any signal may close its client."""

    def close(client: CallHistoryClient, event: object) -> None:
        client.close()

    def fail(_: object) -> None:
        raise ValueError

    client = CallHistoryClient(cloud.webex())
    client.on(RECENT, fail)
    with hearing(client) as heard, signal.connected_to(close, sender=client), bounded():
        if signal is signals.online:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(client.listen).exception()  # it may have been accepted, or not
        else:
            client.listen()
            cloud.place_call()
        if signal is signals.offline:
            cloud.close_connections(1001)
        assert wait_until(lambda: heard.of(signals.Offline))
        assert client.wait(10)
    expect_nothing_left(cloud)


def test_close_from_the_last_event_is_no_deadlock(cloud: Sandbox) -> None:
    """A receiver of offline that closes the client during close() does not delay it."""

    def close(client: CallHistoryClient, event: signals.Offline) -> None:
        client.close()

    with listening(cloud) as (client, _), signals.offline.connected_to(close, sender=client):
        began = time.monotonic()
        client.close()

        assert time.monotonic() - began < 2
        expect_nothing_left(cloud)


def test_close_from_the_function_for_the_token(cloud: Sandbox) -> None:
    """The function for the token may close the client: listen() raises a ListenError then."""

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


# --- in the middle of whatever it waits for ---

Moment = Callable[[Sandbox, Heard], None]


def in_a_retry_after(cloud: Sandbox, heard: Heard) -> None:
    cloud.fail_upgrades(retry_after=3000)
    cloud.close_connections(1001)
    cloud.wait_for_attempts(2)


def in_the_upgrade(cloud: Sandbox, heard: Heard) -> None:
    cloud.fail_upgrades(delay=30)
    cloud.close_connections(1001)
    cloud.wait_until(lambda: len(cloud.attempts) == 2)


def before_readiness(cloud: Sandbox, heard: Heard) -> None:
    cloud.delay_readiness(math.inf)
    cloud.close_connections(1001)
    cloud.wait_for_frames("authorization", count=2)


def without_an_answer(cloud: Sandbox, heard: Heard) -> None:
    cloud.go_silent()


def in_a_refresh_for_the_connection(cloud: Sandbox, heard: Heard) -> None:
    cloud.fail_next("/devices/", method="PUT", delay=30)
    cloud.retire_websockets()
    cloud.close_connections(1001)
    cloud.wait_for_requests("/devices/", "PUT")


def in_a_recovery_that_drips(cloud: Sandbox, heard: Heard) -> None:
    cloud.fail_next(HISTORY, drip=0.01)
    cloud.close_connections(1001)
    cloud.wait_for_requests(HISTORY)


def while_two_connections_are_silent(cloud: Sandbox, heard: Heard) -> None:
    cloud.announce_shutdown(linger=30)
    cloud.wait_for_connections(2)
    cloud.go_silent()


def after_a_refusal_for_good(cloud: Sandbox, heard: Heard) -> None:
    cloud.replace_connections()
    heard.wait_for(signals.Offline)


IN_TIME = evolve(BRISK, close_timeout=0.2)


@pytest.mark.parametrize(
    "moment",
    [
        in_a_retry_after,
        in_the_upgrade,
        before_readiness,
        without_an_answer,
        in_a_refresh_for_the_connection,
        in_a_recovery_that_drips,
        while_two_connections_are_silent,
        after_a_refusal_for_good,
    ],
    ids=lambda moment: moment.__name__,
)
def test_close_in_the_middle(cloud: Sandbox, moment: Moment) -> None:
    """Whatever a client waits for, close() ends it in time and leaves nothing behind."""
    with listening(cloud, _limits=IN_TIME) as (client, heard):
        moment(cloud, heard)
        with bounded():
            client.close()

        assert not client.listening
        expect_nothing_left(cloud)


def test_close_before_a_recovery_is_tried_again(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The pause before another try, however long, ends with close()."""
    cloud.fail_next(HISTORY, status=403)
    limits = evolve(IN_TIME, first_recovery_backoff=1e3, longest_backoff=1e3)
    with listening(cloud, _limits=limits) as (client, _):
        cloud.close_connections(1001)
        assert wait_until(lambda: "trying again" in caplog.text)
        with bounded():
            client.close()

        expect_nothing_left(cloud)


def test_close_in_a_refresh_of_the_device(cloud: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The refresh that keeps the device alive may hang, delays no close(), and logs no failure."""
    cloud.fail_next("/devices/", method="PUT", delay=30)
    with listening(cloud, _limits=evolve(BRISK, device_refresh=0.01)) as (client, _):
        cloud.wait_for_requests("/devices/", "PUT")
        with bounded():
            client.close()

        expect_nothing_left(cloud)
    assert "trying again" not in caplog.text


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("accepts", [True, False])
def test_close_in_a_handshake(cloud: Sandbox, scheme: str, accepts: bool) -> None:
    """A handshake with a server that says nothing, or accepts no connection, ends promptly."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = server.getsockname()
        if not accepts:  # the queue is full, and nobody takes from it
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
        device = {
            "url": f"{cloud.u2c_url}/devices/1",
            "webSocketUrl": f"{scheme}://127.0.0.1:{address[1]}/messages",
        }
        cloud.fail_next("/devices", method="POST", body=device)
        webex = cloud.webex(allowed_domains=["127.0.0.1"], timeout=(1.0, 30.0))
        client = CallHistoryClient(webex)
        with ThreadPoolExecutor(1) as pool:
            listen = pool.submit(client.listen)
            cloud.wait_for_requests("/devices", "POST")
            if accepts:
                server.settimeout(10)
                taken, _ = server.accept()
                stack.enter_context(taken)
                assert taken.recv(1)  # the request, or the beginning of TLS
            with bounded():
                client.close()
                assert type(listen.exception()) is ListenError
        assert wait_until(lambda: not library_threads(), 3), library_threads()


def test_close_while_a_receiver_blocks(cloud: Sandbox) -> None:
    """A receiver that does not return delays close() a little, and hears no other event."""
    limits = evolve(BRISK, close=0.5)
    with Blocker() as blocker, listening(cloud, _limits=limits) as (client, heard):
        client.on(RECENT, blocker.handle)
        cloud.place_call()
        assert blocker.entered.wait(10)
        cloud.place_call()
        cloud.wait_for_frames("ack", count=3)
        with bounded():
            client.close()

        assert cloud.devices == ()
        assert library_threads() == ["callhistory-receivers"]
        blocker.release()
        heard.wait_for(signals.Offline)
        assert len(heard.of(CallSessionEvent)) == 1
    expect_nothing_left(cloud)
