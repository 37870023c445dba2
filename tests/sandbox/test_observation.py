"""What a sandbox records, and waiting for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory.sandbox import Sandbox
from callhistory.sandbox._sandbox_limits import SandboxLimits
from tests.sandbox.device_client import RECENT, Device
from tests.sandbox.http_client import CATALOG, Http


def test_frames_are_noted_in_order(cloud: Sandbox, device: Device) -> None:
    """Frames are recorded in order, with direction, type, time and content."""
    with device.connected() as line:
        line.say({"id": "probe", "type": "ping"})
        line.hear()
        cloud.place_call()
        line.hear_event()
        cloud.wait_for_frames("ack", count=2)
        line.say(b"\x00")
        line.say("[1]")
        cloud.wait_until(lambda: len(cloud.frames) == 9)
        (connection,) = cloud.connections
        frames = connection.frames

    assert [(frame.direction, frame.type) for frame in frames] == [
        ("received", "authorization"),
        ("sent", "mercury.buffer_state"),
        ("received", "ack"),
        ("received", "ping"),
        ("sent", "pong"),
        ("sent", RECENT),
        ("received", "ack"),
        ("received", None),
        ("received", None),
    ]
    assert frames == cloud.frames
    assert {frame.connection for frame in frames} == {connection}
    assert [frame.at for frame in frames] == sorted(frame.at for frame in frames)
    assert frames[6].json == {"messageId": frames[5].json["id"], "type": "ack"}
    assert frames[7].content == b"\x00"
    with pytest.raises(ValueError, match=r"."):
        _ = frames[7].json


def test_frames_can_be_looked_for(cloud: Sandbox, device: Device) -> None:
    """Frames are found by type, direction and connection."""
    with device.connected(), Device(cloud).connected():
        cloud.wait_for_frames("ack", count=2)
        first, second = cloud.connections

        assert len(cloud.frames_of()) == len(cloud.frames) == 6
        assert len(cloud.frames_of("ack")) == 2
        assert len(cloud.frames_of(direction="sent")) == 2
        assert cloud.frames_of(connection=second) == second.frames
        assert len(cloud.frames_of("ack", direction="received", connection=first)) == 1
        assert cloud.frames_of("ack", direction="sent") == ()


def test_reprs_keep_the_secrets(cloud: Sandbox, device: Device) -> None:
    """No repr shows a token, a header or the content of frames."""
    with device.open(additional_headers={"Probe": "secret"}) as line:
        line.authorize()
        cloud.place_call(name="secret")
        cloud.wait_for_connections()
        shown = repr((cloud.connections, cloud.attempts, cloud.frames))

    assert device.url in shown
    assert "authorization" in shown
    assert cloud.access_token not in shown
    assert "secret" not in shown


def test_connections_are_counted(cloud: Sandbox, device: Device) -> None:
    """Attempts are numbered; connections are those that were accepted, open or not."""
    with device.connected():
        cloud.fail_upgrades(status=503)
        device.refusal()
    with device.open():
        assert [attempt.number for attempt in cloud.attempts] == [1, 2, 3]
        assert [connection.number for connection in cloud.connections] == [1, 3]
        assert [bool(connection.ready_at) for connection in cloud.connections] == [True, False]
        assert len(cloud.wait_for_attempts(3)) == 3
        assert len(cloud.wait_for_connections()) == 1


def test_connections_can_be_waited_for(cloud: Sandbox, device: Device) -> None:
    """A wait ends when as many connections are ready as wanted."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cloud.wait_for_connections, 2)
        with device.connected(), Device(cloud).connected():
            assert [connection.number for connection in waiting.result(5)] == [1, 2]


def test_frames_can_be_waited_for(cloud: Sandbox, device: Device) -> None:
    """A wait ends when there are as many frames as wanted, those before it included."""
    with ThreadPoolExecutor(1) as pool, device.connected() as line:
        waiting = pool.submit(cloud.wait_for_frames, "pong", direction="sent", count=3)
        for _ in range(3):
            line.ping()
        frames = waiting.result(5)

    assert frames == cloud.frames_of("pong")
    assert cloud.wait_for_frames("pong", count=2, timeout=0) == frames


def test_condition_can_be_waited_for(cloud: Sandbox, device: Device) -> None:
    """A wait returns the value of its condition, which may read anything."""
    with device.connected() as line:
        (connection,) = cloud.connections
        cloud.close_connections(4999)
        line.ending()

        assert cloud.wait_until(lambda: connection.close_code) == 4999
        assert cloud.wait_until(lambda: cloud.devices)[0].url == device.url


def test_waiting_ends_with_a_timeout(cloud: Sandbox) -> None:
    """A wait that fails raises a TimeoutError that says what was missing."""
    with pytest.raises(TimeoutError, match="fewer than 1 connections"):
        cloud.wait_for_connections(timeout=0.01)
    with pytest.raises(TimeoutError, match="fewer than 2 attempts"):
        cloud.wait_for_attempts(2, timeout=0)
    with pytest.raises(TimeoutError, match="fewer than 3 frames of type 'ack'"):
        cloud.wait_for_frames("ack", count=3, timeout=0)
    with pytest.raises(TimeoutError, match="fewer than 1 frames in"):
        cloud.wait_for_frames(timeout=0)
    with pytest.raises(TimeoutError, match="was not true"):
        cloud.wait_until(lambda: None, timeout=0)


def test_oldest_recordings_are_forgotten() -> None:
    """As many requests, connections and frames are kept as the limits say, the latest ones."""
    limits = SandboxLimits(requests=2, connections=1, frames=3)
    with Sandbox(sessions=0, _limits=limits) as cloud:
        devices = [Device(cloud) for _ in range(3)]
        for device in devices[:2]:
            device.connect()
        cloud.wait_until(lambda: cloud.attempts[0].closed_at)

        assert len(cloud.requests) == 2
        assert [attempt.device_url for attempt in cloud.attempts] == [devices[1].url]
        types = [frame.type for frame in cloud.frames]
        assert types == ["authorization", "mercury.buffer_state", "ack"]


class TestRequests:
    """The recorded requests."""

    def test_everything_is_recorded(self, cloud: Sandbox, http: Http) -> None:
        """A request is recorded with query, headers and body, even if it was refused."""
        http(
            "POST",
            f"{http.history}/setReadState?a=1&a=%C3%A9",
            json={"b": ["é"]},
            headers={"Probe": "x"},
        )

        (recorded,) = cloud.requests
        assert recorded.method == "POST"
        assert recorded.path == "/janus/api/v1/history/userSessions/setReadState"
        assert recorded.query_string == "a=1&a=%C3%A9"
        assert recorded.query == {"a": "é"}
        assert recorded.headers["probe"] == "x"
        assert recorded.headers["AUTHORIZATION"] == f"Bearer {cloud.access_token}"
        assert recorded.json == {"b": ["é"]}

    def test_can_be_looked_for(self, cloud: Sandbox, http: Http) -> None:
        """Requests are found by a part of their path and their method."""
        http("GET", http.devices)
        http("POST", http.devices, json={})
        http("GET", CATALOG)

        assert len(cloud.requests) == 3
        assert [r.method for r in cloud.requests_to("/devices")] == ["GET", "POST"]
        assert [r.method for r in cloud.requests_to("/devices", "POST")] == ["POST"]
        assert cloud.requests_to("/nowhere") == ()
        assert cloud.requests[0].received_at < cloud.requests[1].received_at

    def test_can_be_forgotten(self, cloud: Sandbox, http: Http) -> None:
        """The recorded requests can be deleted."""
        http("GET", CATALOG)

        cloud.forget_requests()

        assert cloud.requests == ()

    def test_can_be_waited_for(self, cloud: Sandbox, http: Http) -> None:
        """A wait ends when there are as many requests as wanted, or with a TimeoutError."""
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cloud.wait_for_requests, "/catalog", count=2)
            http("GET", CATALOG)
            http("GET", CATALOG)
            assert len(waiting.result(5)) == 2

        with pytest.raises(TimeoutError, match="/catalog"):
            cloud.wait_for_requests("/catalog", "POST", timeout=0)
