"""The frames of a connection for live events, as the other side records them."""

from __future__ import annotations

from typing import Any

import pytest

from callhistory import CallHistoryClient
from callhistory.sandbox import RecordedFrame, Sandbox
from tests.support.listening_clients import RECENT, Heard, acknowledged, listening
from tests.support.receivers import Blocker
from tests.support.waiting import wait_until

Frames = list[tuple[str, str | None]]


def wait_for_acks(cloud: Sandbox, frames: tuple[RecordedFrame, ...]) -> dict[str, float]:
    """Wait until each envelope is acknowledged, and say how many seconds that took."""
    sent = {frame.json["id"]: frame.at for frame in frames}
    cloud.wait_until(lambda: sent.keys() <= set(acknowledged(cloud)))
    acks = cloud.frames_of("ack", direction="received")
    return {
        ack.json["messageId"]: ack.at - sent[ack.json["messageId"]]
        for ack in acks
        if ack.json["messageId"] in sent
    }


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


def test_pings_go_on(
    cloud: Sandbox, client: CallHistoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ping goes out a while after each pong, each with an id of its own."""
    monkeypatch.setattr("callhistory._live.protocol.PING_INTERVAL", 0.05)
    client.listen()

    pings = cloud.wait_for_frames("ping", count=5)
    pongs = cloud.frames_of("pong")
    assert len({ping.json["id"] for ping in pings}) == len(pings)
    for pong, ping in zip(pongs, pings[1:], strict=False):
        assert ping.at - pong.at > 0.04
    assert len(cloud.attempts) == 1


def test_every_envelope_is_acknowledged_while_a_receiver_blocks(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a receiver takes, frames are acknowledged at once, and pings go on."""
    monkeypatch.setattr("callhistory._live.protocol.PING_INTERVAL", 0.02)
    with Blocker() as blocker, listening(cloud) as (client, heard):
        client.on(RECENT, blocker.handle)
        cloud.place_call()
        assert blocker.entered.wait(10)

        for _ in range(20):
            cloud.place_call()
        frames = cloud.wait_for_frames("janus.user_recent_sessions", count=21)
        delays = wait_for_acks(cloud, frames)
        cloud.wait_for_frames("ping", count=len(cloud.frames_of("ping")) + 3)

        assert len(delays) == 21
        assert max(delays.values()) < 2
        assert heard.session_ids == []
        blocker.release()
        heard.wait_for_sessions(21)


def test_server_that_pings_is_no_trouble(cloud: Sandbox) -> None:
    """A pong that nobody asked for and a ping of the server's change nothing."""
    with listening(cloud) as (_, heard):
        cloud.send_frame({"type": "pong", "id": "nobody's"})
        cloud.send_frame({"type": "pong"})
        cloud.send_frame({"type": "ping", "id": "theirs"})
        session = cloud.place_call()

        assert heard.wait_for_sessions(1) == [session.session_id]
        assert "theirs" not in acknowledged(cloud)
        assert len(cloud.attempts) == 1


# --- what is no frame of the protocol ---

RECENT_SESSIONS = "janus.user_recent_sessions"
MALFORMED: dict[str, Any] = {
    "empty": "",
    "no JSON": "sEcReT",
    "half": '{"id": "half", "data": {"eventType": "sEcReT',
    "null": "null",
    "number": "5",
    "array": '["sEcReT"]',
    "text": '"sEcReT"',
    "deep": "[" * 200_000,
    "deep object": '{"a":' * 200_000,
    "long number": "9" * 5000,
    "not a number": "NaN",
    "infinite": '{"id": "infinite", "data": {"eventType": "janus.user_sessions", "a": Infinity}}',
    "a surrogate for an id": r'{"id": "\ud800", "data": null}',
    "binary": b"\x00\xff\xfe",
    "no data": {"id": "no data"},
    "null data": {"id": "null data", "data": None},
    "array data": {"id": "array data", "data": ["sEcReT"]},
    "text data": {"id": "text data", "data": "sEcReT"},
    "type is an object": {"id": "type is an object", "type": {}, "data": 5},
    "a number for an id": {"id": 12345, "data": None},
    "no event type": {"id": "no event type", "data": {}},
    "event type is an array": {"id": "event type is an array", "data": {"eventType": [1]}},
    "event type is an object": {"id": "event type is an object", "data": {"eventType": {}}},
    "headers are text": {"id": "headers are text", "data": {"headers": "sEcReT"}},
    "headers go deep": {
        "id": "headers go deep",
        "data": {"eventType": RECENT_SESSIONS, "headers": {"a." * 50_000: 1}},
    },
    "headers take the data away": {
        "id": "headers take the data away",
        "data": {
            "eventType": RECENT_SESSIONS,
            "headers": {"userSessions": None, "userSessions.userSessions": 5, "": 1, ".": 2},
        },
    },
    **{
        f"{kind} {name}": {"id": f"{kind} {name}", "data": {"eventType": kind, field: payload}}
        for kind, field in (
            (RECENT_SESSIONS, "userSessions"),
            ("janus.user_sessions", "userSessions"),
            ("janus.user_viewed_sessions", "userReadSessions"),
            ("janus.user_sessions_deleted", "deletedSessions"),
        )
        for name, payload in (
            ("null", None),
            ("text", "sEcReT"),
            ("flag", True),
            ("number", 5.5),
            ("array of anything", [None, 5, [], {}, {"sessionId": 5}]),
            ("object", {"sEcReT": 1}),
            ("no array", {field: "sEcReT"}),
            ("array of nothing", {field: [None, 5, [], {}, "", {"sessionId": None}]}),
            (
                "wild times",
                {
                    field: [
                        {"sessionId": "sEcReT", "startTime": time, "endTime": time}
                        for time in (
                            "",
                            "0001-01-01T00:00:00+23:59",
                            "9999-12-31T23:59:59.999-23:59",
                            "2026-02-30T00:00:00Z",
                            10**400,
                            -1,
                            1.5,
                        )
                    ]
                },
            ),
        )
    },
}


def expect_skipped(cloud: Sandbox, heard: Heard, what: str) -> None:
    """Send a malformed frame, and see that what comes after it is heard."""
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


def test_binary_frame_with_an_id_is_acknowledged(cloud: Sandbox) -> None:
    """A binary frame is no event, but if an id can be read in it, it is acknowledged."""
    with listening(cloud) as (_, heard):
        cloud.send_frame(b'{"id": "binary", "data": {"eventType": "janus.user_sessions"}}')

        cloud.wait_until(lambda: "binary" in acknowledged(cloud))
        session = cloud.place_call()
        assert heard.wait_for_sessions(1) == [session.session_id]


def test_frame_that_is_not_utf_8_is_skipped(cloud: Sandbox) -> None:
    """A text frame that is no UTF-8 is a malformed one."""
    with listening(cloud) as (_, heard):
        cloud.send_frame(b'{"id": "\xff"}', as_text=True)
        session = cloud.place_call()

        assert heard.wait_for_sessions(1) == [session.session_id]
        assert len(cloud.attempts) == 1


def test_thousand_malformed_frames_do_not_end_it(cloud: Sandbox) -> None:
    """However many frames make no sense, the next one that does is heard."""
    with listening(cloud) as (_, heard):
        for number in range(1000):
            cloud.send_frame({"id": number, "data": None} if number % 2 else "nonsense")
        session = cloud.place_call()

        assert heard.wait_for_sessions(1) == [session.session_id]
        cloud.wait_until(lambda: acknowledged(cloud)[1:501] == list(range(1, 1000, 2)))
        assert len(cloud.attempts) == 1
