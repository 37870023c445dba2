"""A server that is about to go away: another connection at once, and nothing is lost."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallHistoryClient, CallSessionEvent, ListenError, signals
from callhistory._limits import USUAL
from callhistory._live.connection_reader import ConnectionReader
from callhistory._live.reconnect import Ended
from callhistory._live.stream import Stream
from callhistory.sandbox import Connection, Sandbox
from tests.support.limits import BRISK, Jitter
from tests.support.listening_clients import (
    ONLINE,
    Heard,
    acknowledged,
    hearing,
    listening,
    offline,
)
from tests.support.outages import place_calls
from tests.support.waiting import wait_until

RECENT_SESSIONS = "janus.user_recent_sessions"


def send_call(cloud: Sandbox, connection: Connection, session_id: str) -> None:
    """Send the event of a call over one connection."""
    session = {"sessionId": session_id} | dict.fromkeys(
        ("startTime", "endTime"), "2026-01-31T09:30:00.000Z"
    )
    data = {"eventType": RECENT_SESSIONS, "userSessions": {"userSessions": [session]}}
    cloud.send_frame({"id": f"envelope of {session_id}", "data": data}, connection=connection)


def has_ended(connection: Connection) -> bool:
    return connection.closed_at is not None


def expect_no_outage(cloud: Sandbox, heard: Heard) -> None:
    """Check that there was no outage, after all that happened."""
    last = cloud.place_call()
    assert wait_until(lambda: last.session_id in heard.session_ids)
    assert heard.states == [ONLINE]
    assert not any(event.recovered for event in heard.of(CallSessionEvent))
    assert not cloud.requests_to("/history/userSessions")


@pytest.mark.parametrize(("code", "reason"), [(4000, "replaced"), (1001, "bye"), (4403, "bye")])
def test_connection_is_replaced_without_an_outage(cloud: Sandbox, code: int, reason: str) -> None:
    """After the notice there is another connection at once, however the old one ends."""
    with listening(cloud) as (client, heard):
        cloud.announce_shutdown(code=code, reason=reason)

        old, new = cloud.wait_for_connections(2)
        cloud.wait_until(lambda: has_ended(old))
        assert old.close_code == code
        assert new.is_open
        assert client.listening
        expect_no_outage(cloud, heard)


def test_both_connections_are_read(cloud: Sandbox) -> None:
    """While there are two, events of both are acknowledged and delivered, each once."""
    with listening(cloud) as (_, heard):
        cloud.announce_shutdown(linger=30)
        old, new = cloud.wait_for_connections(2)
        for number, connection in enumerate((old, new, old, new)):
            send_call(cloud, connection, f"call {number}")
            heard.wait_for_sessions(number + 1)
        send_call(cloud, old, "call 3")
        send_call(cloud, new, "call 2")
        cloud.wait_for_frames("ack", direction="received", connection=old, count=4)
        cloud.wait_for_frames("ack", direction="received", connection=new, count=4)

        assert heard.session_ids == [f"call {number}" for number in range(4)]
        cloud.close_connections(4000, "replaced", connection=old)
        cloud.wait_until(lambda: has_ended(old))
        expect_no_outage(cloud, heard)


def test_what_comes_with_the_notice_is_read(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that are read together with the notice, before it and after it, are delivered."""
    read = Stream.read
    together = threading.Event()
    most: list[int] = []

    def read_together(stream: Stream) -> bool:
        together.wait(10)
        has_read = read(stream)
        most.append(len(stream.messages))
        return has_read

    with listening(cloud) as (_, heard):
        cloud.wait_for_frames("pong")
        (old,) = cloud.connections
        monkeypatch.setattr(Stream, "read", read_together)
        send_call(cloud, old, "before")
        cloud.announce_shutdown()
        send_call(cloud, old, "after")
        together.set()

        assert heard.wait_for_sessions(2) == ["before", "after"]
        expected = {"envelope of before", "envelope of after"}
        assert wait_until(lambda: expected <= set(acknowledged(cloud)))
        assert max(most) >= 3
        expect_no_outage(cloud, heard)


def test_old_connection_is_read_until_there_is_another(cloud: Sandbox) -> None:
    """As long as no other connection can be had, the old one is read, and nothing is offline."""
    with listening(cloud) as (_, heard):
        (old,) = cloud.connections
        cloud.fail_upgrades(status=503, times=10_000)
        cloud.announce_shutdown()
        cloud.wait_for_attempts(5)
        calls = [cloud.place_call().session_id for _ in range(3)]

        assert heard.wait_for_sessions(3) == calls
        assert heard.states == [ONLINE]
        cloud.clear_faults()
        cloud.wait_for_connections(2)
        cloud.wait_until(lambda: has_ended(old))
        expect_no_outage(cloud, heard)


def test_outage_begins_when_the_old_connection_ends_first(cloud: Sandbox) -> None:
    """When the old connection ends before there is another, that is an outage like any other."""
    with listening(cloud) as (_, heard):
        cloud.fail_upgrades(status=503, times=10_000)
        cloud.announce_shutdown(at_latest=0.05)
        heard.wait_for(signals.Offline)
        cloud.wait_until(lambda: has_ended(cloud.connections[0]))
        missed = cloud.place_call()
        cloud.clear_faults()

        assert heard.wait_for_sessions(1) == [missed.session_id]
        assert heard.states == [ONLINE, offline(1001, "going away"), ONLINE]
        assert [event.recovered for event in heard.of(CallSessionEvent)] == [True]


def test_refusal_for_good_while_there_is_an_old_connection(cloud: Sandbox) -> None:
    """When the next connection is refused for good, the old one ends as well."""
    with listening(cloud) as (client, heard):
        (old,) = cloud.connections
        cloud.fail_authorizations(4403, "forbidden")
        cloud.announce_shutdown()

        with pytest.raises(ListenError, match="4403: forbidden"):
            client.wait(10)
        assert not client.listening
        cloud.wait_until(lambda: has_ended(old))
        heard.wait_for(signals.Offline)
        assert heard.states == [ONLINE, offline(4403, "forbidden", reconnecting=False)]


def test_old_connection_does_not_stay_for_ever(cloud: Sandbox) -> None:
    """A connection that the server does not close in the end is closed by the client."""
    limits = evolve(BRISK, hand_over=0.1, ping_interval=0.02)
    with listening(cloud, _limits=limits) as (_, heard):
        cloud.announce_shutdown(linger=30)
        old, new = cloud.wait_for_connections(2)

        cloud.wait_until(lambda: has_ended(old))
        assert old.closed_by == "client"
        assert new.is_open
        expect_no_outage(cloud, heard)


def test_notice_again_and_again(cloud: Sandbox, jitter: Jitter) -> None:
    """Connections to a server that is always about to go away are further and further apart."""
    with listening(cloud, _limits=USUAL) as (_, heard):
        for count in range(2, 8):
            cloud.announce_shutdown()
            cloud.wait_for_connections(count)
        cloud.wait_until(
            lambda: [has_ended(each) for each in cloud.connections] == [True] * 6 + [False]
        )

        assert jitter.bounds == [(0, high) for high in (0, 2, 4, 8, 16, 32)]
        expect_no_outage(cloud, heard)


def test_notice_before_readiness(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A notice on a connection that was not accepted yet leads to another connection."""
    cloud.delay_readiness(math.inf)
    with hearing(client) as heard, ThreadPoolExecutor(1) as pool:
        listen = pool.submit(client.listen)
        cloud.wait_for_frames("authorization")
        cloud.send_frame({"type": "shutdown"})
        listen.result()

        old, new = cloud.connections
        assert new.is_open
        cloud.close_connections(1001, connection=old)
        cloud.wait_until(lambda: has_ended(old))
        expect_no_outage(cloud, heard)


def test_old_connection_that_dies_loses_nothing() -> None:
    """What the old connection lost before the new one was accepted is fetched."""
    limits = evolve(BRISK, pong_timeout=0.3, ping_interval=0.1)
    with Sandbox(ack_timeout=1000) as cloud, listening(cloud, _limits=limits) as (_, heard):
        (old,) = cloud.connections
        cloud.delay_readiness(0.2)
        cloud.announce_shutdown(linger=1000)
        cloud.go_silent(connection=old)
        lost = place_calls(cloud, 3)
        # Webex does not promise to deliver again over the next connection.
        cloud._switchboard.unacknowledged.keep_only(())
        cloud.wait_for_connections(2)

        assert sorted(heard.wait_for_sessions(3)) == sorted(lost)


def test_hand_over_that_fails_is_logged_and_ends(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error while the old connection is read is logged by its type, and the old one closed."""
    read = ConnectionReader.read

    def fail(self: ConnectionReader, *args: Any, **kwargs: Any) -> Ended:
        if len(args) > 2:  # a connection that is read until another takes over
            raise LookupError("Ada")
        return read(self, *args, **kwargs)

    monkeypatch.setattr(ConnectionReader, "read", fail)
    with listening(cloud) as (client, heard):
        cloud.announce_shutdown(linger=30)
        old, _ = cloud.wait_for_connections(2)
        cloud.wait_until(lambda: has_ended(old))

        placed = cloud.place_call()
        assert wait_until(lambda: placed.session_id in heard.session_ids)
        assert client.listening
    assert "a hand-over failed with LookupError" in caplog.text
    assert "Ada" not in caplog.text
