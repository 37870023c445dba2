"""Reading a connection: what each frame leads to, as the other side records it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import evolve
from websockets.sync.server import ServerConnection

from callhistory import CallHistoryClient, CallSessionViewedEvent, Webex, signals
from callhistory._clock import steady
from callhistory._limits import Limits
from callhistory._live.connection_loop import ConnectionLoop
from callhistory._live.protocol import Mercury
from callhistory._live.sleep_detector import SleepDetector
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK
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
from tests.support.websocket_servers import InThread, Server, opened

Frames = list[tuple[str, str | None]]


def test_frames_of_a_session_in_order(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A session is: authorization, readiness, its acknowledgement, a ping and its pong."""
    client.listen()
    cloud.wait_for_frames("pong")

    authorization, readiness, ack, ping, pong = cloud.frames
    order: Frames = [(frame.direction, frame.type) for frame in cloud.frames]
    assert order == [
        ("received", "authorization"),
        ("sent", "mercury.buffer_state"),
        ("received", "ack"),
        ("received", "ping"),
        ("sent", "pong"),
    ]
    assert authorization.json.keys() == {"id", "type", "data", "trackingId"}
    assert ack.json == {"messageId": readiness.json["id"], "type": "ack"}
    assert ping.json == {"id": pong.json["id"], "type": "ping"}
    assert len({authorization.json["id"], readiness.json["id"], ping.json["id"]}) == 3


def test_readiness_by_its_other_name(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A connection may be accepted by a registration status, and is accepted once."""
    cloud.precede_readiness({"eventType": "mercury.registration_status"})

    client.listen()

    cloud.wait_for_frames("pong")
    cloud.wait_for_frames("ack", count=2)
    assert len(cloud.frames_of("ping")) == 1


def test_pings_go_on(cloud: Sandbox) -> None:
    """A ping is sent a while after each pong, each with an id of its own."""
    with listening(cloud, _limits=evolve(BRISK, ping_interval=0.05)):
        pings = cloud.wait_for_frames("ping", count=5)
        pongs = cloud.frames_of("pong")
    assert len({ping.json["id"] for ping in pings}) == len(pings)
    for pong, ping in zip(pongs, pings[1:], strict=False):
        assert ping.at - pong.at > 0.04
    assert len(cloud.attempts) == 1


def test_servers_pings_and_pongs_change_nothing(cloud: Sandbox) -> None:
    """An unsolicited pong and a ping of the server's have no effect."""
    with listening(cloud) as (_, heard):
        cloud.send_frame({"type": "pong", "id": "nobody's"})
        cloud.send_frame({"type": "pong"})
        cloud.send_frame({"type": "ping", "id": "theirs"})
        session = cloud.place_call()

        assert heard.wait_for_sessions(1) == [session.session_id]
        cloud.wait_for_frames("ack", direction="received", count=2)
        assert "theirs" not in acknowledged(cloud)
        assert len(cloud.attempts) == 1


def test_server_that_never_stops_sending_has_its_deadlines() -> None:
    """Where frames never stop, the waits for readiness and for pongs still end."""

    def handler(connection: ServerConnection) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.socket.sendall(b"\x81\x02{}" * 1000)

    limits = evolve(BRISK, ready_timeout=0.1)
    client = CallHistoryClient(Webex(access_token="a-token"))
    listener = client._listener
    loop = ConnectionLoop(client._account, *listener._delivery(client), listener._log)
    with Server(handler, compression=None) as server, opened(server.url, limits=limits) as socket:
        reading = InThread(loop._reader.read, socket, Mercury(steady(), limits))
        assert reading.returns_within(10)
        assert reading.error is None
    loop.end()
    client.close()


# --- frames at odd moments, and odd frames ---


@pytest.mark.parametrize("code", [1001, 4000, 4400])
def test_what_came_before_a_close_is_delivered(code: int) -> None:
    """Frames that were received right before a close are delivered, whatever the code."""
    with Sandbox(ack_timeout=1000) as cloud:
        for _ in range(3):
            with listening(cloud) as (_, heard):
                calls = place_calls(cloud, 5)
                cloud.close_connections(code)

                assert heard.wait_for_sessions(5)[:5] == calls


def test_read_marks_before_a_close_are_delivered(cloud: Sandbox) -> None:
    """Read marks, which cannot be recovered, are delivered although no acknowledgement can be."""
    sessions = [cloud.place_call() for _ in range(5)]
    with cloud.webex() as webex, CallHistoryClient(webex) as phone, listening(cloud) as (_, heard):
        for session in sessions:
            assert phone.update_missed_calls([session]).ok
        cloud.close_connections(1001)

        marks = heard.wait_for(CallSessionViewedEvent, 5)
        read = [mark.data.user_read_sessions.user_read_sessions[0].session_id for mark in marks]
        assert read == [session.session_id for session in sessions]


def test_frames_that_come_in_pieces_are_read(cloud: Sandbox) -> None:
    """Events that a slow connection brings byte for byte are delivered, and it stays up."""
    with listening(cloud) as (_, heard):
        cloud.slow_down(0.005)
        calls = place_calls(cloud, 3)
        assert heard.wait_for_sessions(3) == calls
        cloud.slow_down(0)
        calls += place_calls(cloud, 1)
        assert heard.wait_for_sessions(4) == calls
        assert heard.states == [ONLINE]


# --- malformed frames ---

RECENT_SESSIONS = "janus.user_recent_sessions"
# A few of each kind; the tables of the protocol and of the inbox have them all.
MALFORMED: dict[str, Any] = {
    "empty": "",
    "no JSON": "sEcReT",
    "deep": "[" * 200_000,
    "a surrogate for an id": r'{"id": "\ud800", "data": null}',
    "binary": b"\x00\xff\xfe",
    "no data": {"id": "no data"},
    "text data": {"id": "text data", "data": "sEcReT"},
    "a number for an id": {"id": 12345, "data": None},
    "headers go deep": {
        "id": "headers go deep",
        "data": {"eventType": RECENT_SESSIONS, "headers": {"a." * 50_000: 1}},
    },
    "headers replace the data": {
        "id": "headers replace the data",
        "data": {
            "eventType": RECENT_SESSIONS,
            "headers": {"userSessions": None, "userSessions.userSessions": 5, "": 1, ".": 2},
        },
    },
    **{
        f"{kind} {name}": {"id": f"{kind} {name}", "data": {"eventType": kind, field: payload}}
        for kind, field in (
            (RECENT_SESSIONS, "userSessions"),
            ("janus.user_viewed_sessions", "userReadSessions"),
            ("janus.user_sessions_deleted", "deletedSessions"),
        )
        for name, payload in (
            ("text", "sEcReT"),
            ("array inside", {field: [None, 5, [], {}, "", {"sessionId": None}]}),
            (
                "wild times",
                {
                    field: [
                        {"sessionId": "sEcReT", "startTime": time, "endTime": time}
                        for time in ("", "0001-01-01T00:00:00+23:59", 10**400, -1, 1.5)
                    ]
                },
            ),
        )
    },
}


def expect_skipped(cloud: Sandbox, heard: Heard, what: str) -> None:
    """Send a malformed frame, and check that what comes after it is heard."""
    frame = MALFORMED[what]
    cloud.send_frame(frame)
    session = cloud.place_call()

    assert wait_until(lambda: session.session_id in heard.session_ids), what
    envelope = cloud.frames_of(RECENT_SESSIONS, direction="sent")[-1].json["id"]
    expected = {envelope, frame["id"]} if isinstance(frame, dict) else {envelope}
    assert wait_until(lambda: expected <= set(acknowledged(cloud))), what
    assert [attempt.is_open for attempt in cloud.attempts] == [True], what


def test_malformed_frames_are_skipped(cloud: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A frame that makes no sense is acknowledged if it has an id, and the connection stays."""
    with caplog.at_level("DEBUG"), listening(cloud) as (_, heard):
        for what in MALFORMED:
            caplog.clear()
            expect_skipped(cloud, heard, what)

            assert "sEcReT" not in caplog.text, what
            if not isinstance(MALFORMED[what], dict):
                assert "skipped a frame" in caplog.text, what
    assert "sEcReT" not in caplog.text


# --- a machine that sleeps ---


def test_connection_that_died_in_a_sleep_is_replaced(cloud: Sandbox) -> None:
    """After a sleep a connection that answers is kept; one that does not is soon replaced."""
    limits = evolve(BRISK, silence_check=0.02, doubt_timeout=0.3)
    slept = 0.0
    looks: list[None] = []

    def wall() -> float:
        looks.append(None)
        return time.time() + slept

    with listening_with_sleep(cloud, limits, wall) as heard:
        cloud.wait_for_frames("pong")
        assert wait_until(lambda: len(looks) > 10)
        assert len(cloud.frames_of("ping")) == 1
        slept = 3600.0
        cloud.wait_for_frames("pong", count=2)
        assert heard.states == [ONLINE]
        cloud.go_silent()
        slept = 7200.0

        heard.wait_for(signals.Online, 2)
        assert heard.states[1] == offline(None, "no pong within 0 s")


@contextmanager
def listening_with_sleep(
    cloud: Sandbox, limits: Limits, wall: Callable[[], float]
) -> Iterator[Heard]:
    """Listen while a block runs, on a machine with another wall clock."""
    client = CallHistoryClient(cloud.webex(_limits=limits))
    listener = client._listener
    loop = ConnectionLoop(client._account, *listener._delivery(client), listener._log)
    loop._reader = evolve(loop._reader, sleep_detector=lambda: SleepDetector(wall))
    listener._loop = loop
    with hearing(client) as heard, client:
        loop.start(10.0)
        yield heard
