"""close() in the middle of whatever a client that listens waits for: it is bounded."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from callhistory import CallHistoryClient, CallSessionEvent, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import bounded, expect_nothing_left
from tests.support.listening_clients import RECENT, Heard, library_threads, listening
from tests.support.receivers import Blocker
from tests.support.waiting import wait_until

HISTORY = "/history/userSessions"


def in_backoff(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("random.uniform", lambda _low, _high: 1000.0)
    cloud.close_connections(1001)
    heard.wait_for(signals.Offline)


def told_to_come_later(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.fail_upgrades(retry_after=3000)
    cloud.close_connections(1001)
    cloud.wait_for_attempts(2)


def in_the_upgrade(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.fail_upgrades(delay=30)
    cloud.close_connections(1001)
    cloud.wait_until(lambda: len(cloud.attempts) == 2)


def before_readiness(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.delay_readiness(math.inf)
    cloud.close_connections(1001)
    cloud.wait_for_frames("authorization", count=2)


def without_an_answer(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.go_silent()


def in_a_refresh_for_the_connection(
    cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch
) -> None:
    cloud.fail_next("/devices/", method="PUT", delay=30)
    cloud.retire_websockets()
    cloud.close_connections(1001)
    cloud.wait_for_requests("/devices/", "PUT")


def in_a_recovery(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.fail_next(HISTORY, delay=30)
    cloud.close_connections(1001)
    cloud.wait_for_requests(HISTORY)


def in_a_recovery_that_drips(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.fail_next(HISTORY, drip=0.01)
    cloud.close_connections(1001)
    cloud.wait_for_requests(HISTORY)


def before_a_recovery_is_tried_again(
    cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch
) -> None:
    patch.setattr("callhistory._live.recovery._FIRST_BACKOFF", 1000.0)
    cloud.fail_next(HISTORY, status=403)
    cloud.close_connections(1001)
    cloud.wait_for_requests(HISTORY)


def while_two_connections_are_silent(
    cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch
) -> None:
    cloud.announce_shutdown(linger=30)
    cloud.wait_for_connections(2)
    cloud.go_silent()


def when_the_server_is_gone(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.go_offline()
    heard.wait_for(signals.Offline)
    cloud.wait_for_attempts(3)


def after_a_refusal_for_good(cloud: Sandbox, heard: Heard, patch: pytest.MonkeyPatch) -> None:
    cloud.replace_connections()
    heard.wait_for(signals.Offline)


MOMENTS = [
    in_backoff,
    told_to_come_later,
    in_the_upgrade,
    before_readiness,
    without_an_answer,
    in_a_refresh_for_the_connection,
    in_a_recovery,
    in_a_recovery_that_drips,
    before_a_recovery_is_tried_again,
    while_two_connections_are_silent,
    when_the_server_is_gone,
    after_a_refusal_for_good,
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_close_in_the_middle(
    cloud: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    moment: Callable[[Sandbox, Heard, pytest.MonkeyPatch], None],
) -> None:
    """Whatever a client waits for, close() ends it in time and leaves nothing behind."""
    with listening(cloud) as (client, heard):
        moment(cloud, heard, monkeypatch)
        with bounded():
            client.close()

        assert not client.listening
        expect_nothing_left(cloud)


def test_close_in_a_refresh_of_the_device(cloud: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refresh that keeps the device alive may hang, and does not hold close()."""
    monkeypatch.setattr("callhistory._live.recovery._REFRESH_INTERVAL", 0.01)
    cloud.fail_next("/devices/", method="PUT", delay=30)
    with listening(cloud) as (client, _):
        cloud.wait_for_requests("/devices/", "PUT")
        with bounded():
            client.close()

        expect_nothing_left(cloud)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("accepts", [True, False])
def test_close_in_a_handshake(cloud: Sandbox, scheme: str, accepts: bool) -> None:
    """A server that takes the connection and says nothing, or does not even take it."""
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
            with bounded():
                client.close()
                assert type(listen.exception()) is ListenError
    assert wait_until(lambda: not library_threads()), library_threads()


def test_close_while_a_receiver_blocks(cloud: Sandbox) -> None:
    """A receiver that does not return delays close() a little; it hears no other event after."""
    with Blocker() as blocker, listening(cloud) as (client, heard):
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
