"""wait(): until the client is closed, or Webex refuses the connection for good."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callhistory import CallHistoryClient, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import RECENT, listening
from tests.support.waiting import wait_until


def test_wait_needs_listen(client: CallHistoryClient) -> None:
    """Without listen() there is nothing to wait for, unless the client is closed."""
    with pytest.raises(RuntimeError, match="listen"):
        client.wait()
    client.close()
    assert client.wait()


def test_wait_takes_as_long_as_told(cloud: Sandbox, client: CallHistoryClient) -> None:
    """wait() returns False when its time is up, also when there is none."""
    client.listen()

    assert not client.wait(0.05)
    assert not client.wait(0)
    assert not client.wait(-1)


def test_wait_ends_with_a_listen_that_fails(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Who waits while listen() gives up in another thread does not wait for ever."""
    cloud.delay_readiness(math.inf)
    with ThreadPoolExecutor(1) as pool:
        listen = pool.submit(client.listen, 0.5)
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
    """A receiver that is told of a permanent refusal may call listen() itself."""
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


def test_handlers_outlive_a_refusal(cloud: Sandbox) -> None:
    """What was subscribed by on() hears events also of the next listen()."""
    events: list[Any] = []
    with listening(cloud) as (client, _):
        client.on(RECENT, events.append)
        cloud.replace_connections()
        with pytest.raises(ListenError):
            client.wait(10)
        client.listen()
        cloud.place_call()

        assert wait_until(lambda: len(events) == 1)
