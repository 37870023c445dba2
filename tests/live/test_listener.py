"""listen(): when it returns, when it gives up, and what it leaves behind."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callhistory import CallHistoryClient, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.closed_clients import NOT_ON_WINDOWS, ctrl_c
from tests.support.listening_clients import failure_of_listen, hearing, library_threads
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


def test_listening_again_is_harmless(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Called while it listens, listen() does nothing."""
    client.listen()
    client.listen()

    assert len(cloud.attempts) == 1
    assert len(cloud.devices) == 1


def test_several_threads_listen_at_once(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Of several threads that call listen() at once, all return when the one connection is up."""
    together = threading.Barrier(8)

    def listen(_: int) -> bool:
        together.wait()
        client.listen()
        return client.listening

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(listen, range(8)))

    assert len(cloud.attempts) == 1
    assert library_threads().count("callhistory-mercury") == 1


def test_listen_waits_for_another_no_longer_than_told(
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


@pytest.mark.parametrize("place", HANGS)
def test_hanging_ends_in_time(cloud: Sandbox, client: CallHistoryClient, place: str) -> None:
    """Where Webex hangs, listen() gives up in time, and may be called again."""
    HANGS[place](cloud)

    error = failure_of_listen(client, timeout=0.3)

    assert type(error) is ListenError
    assert error.code is None
    assert error.reason == "Webex did not accept the connection in time"
    cloud.clear_faults()
    client.listen()
    assert client.listening


def test_upgrade_that_hangs_is_tried_again(
    cloud: Sandbox, client: CallHistoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade that is not answered is given up in favour of another one."""
    monkeypatch.setattr("callhistory._live.listener._OPEN_TIMEOUT", 0.1)
    cloud.fail_upgrades(delay=30)

    client.listen()

    assert [attempt.status for attempt in cloud.attempts] == [None, 101]


def test_readiness_that_does_not_come_is_tried_again(
    cloud: Sandbox, client: CallHistoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is not accepted, whatever else comes over it, is given up."""
    monkeypatch.setattr("callhistory._live.protocol.READY_TIMEOUT", 0.1)
    cloud.precede_readiness({"eventType": "other.event"})
    cloud.delay_readiness(math.inf)

    client.listen()

    given_up, accepted = cloud.attempts
    assert given_up.closed_by == "client"
    (readiness,) = cloud.frames_of("mercury.buffer_state")
    assert readiness.connection is accepted


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, 10**10])
def test_timeout_that_makes_no_sense(
    cloud: Sandbox, client: CallHistoryClient, timeout: float
) -> None:
    """A timeout that is not above 0, or has no end, is a ValueError before anything is sent."""
    with pytest.raises(ValueError, match="timeout: expected more than 0 seconds"):
        client.listen(timeout)
    assert not cloud.requests


@pytest.mark.parametrize("timeout", [None, "5", True, [5]])
def test_timeout_that_is_no_number(cloud: Sandbox, client: CallHistoryClient, timeout: Any) -> None:
    """A timeout that is no number is a TypeError before anything is sent."""
    with pytest.raises(TypeError, match="timeout: expected seconds"):
        client.listen(timeout)
    assert not cloud.requests


def test_shortest_timeout_is_a_timeout(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Also a timeout that is over at once ends in the error for it."""
    assert type(failure_of_listen(client, timeout=1e-9)) is ListenError


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
