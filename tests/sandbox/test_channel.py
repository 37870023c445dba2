"""The conversation over a websocket: authorization, readiness and pings."""

from __future__ import annotations

import pytest

from callhistory.sandbox import Sandbox
from callhistory.sandbox._sandbox_limits import SandboxLimits
from tests.sandbox.device_client import Device, Line, event_type
from tests.sandbox.http_client import Http


class TestAuthorization:
    """How a device authorizes."""

    def test_token_makes_it_ready(self, cloud: Sandbox, device: Device) -> None:
        """A valid token is answered with the buffer state in a complete envelope."""
        with device.open() as line:
            line.authorize()
            ready = line.hear()

        assert event_type(ready) == "mercury.buffer_state"
        assert ready.keys() == {
            "id",
            "data",
            "timestamp",
            "trackingId",
            "sequenceNumber",
            "alertType",
            "filterMessage",
            "headers",
        }
        assert ready["sequenceNumber"] == 1
        assert type(ready["timestamp"]) is int
        assert cloud.wait_for_connections()[0].ready_at is not None

    @pytest.mark.parametrize("token", ["wrong", ""])
    def test_wrong_token_is_refused(self, device: Device, token: str) -> None:
        """An unknown token is refused with 4401."""
        with device.open() as line:
            line.authorize(token)

            assert line.ending()[0] == 4401

    def test_expired_token_is_refused(self, cloud: Sandbox, device: Device) -> None:
        """An expired token is refused with 4401, and a fresh one is accepted."""
        cloud.expire_token()
        with device.open() as line:
            line.authorize()
            assert line.ending()[0] == 4401

        with device.open() as line:
            line.authorize(cloud.issue_token())
            assert event_type(line.hear()) == "mercury.buffer_state"

    def test_token_of_another_user_is_refused(self, cloud: Sandbox, device: Device) -> None:
        """Nobody gets the events of another user's device."""
        with device.open() as line:
            line.authorize(cloud.add_user("Wilma Berg").access_token)

            assert line.ending()[0] == 4403

    @pytest.mark.parametrize(
        "frame",
        [
            b'{"type": "authorization", "data": {"token": "Bearer x"}}',
            "not json",
            "[" * 100_000,
            "[]",
            "null",
            {"type": "ping", "id": "1"},
            {"type": "authorization"},
            {"type": "authorization", "data": "Bearer x"},
            {"type": "authorization", "data": {"token": None}},
        ],
    )
    def test_another_first_frame_is_refused(self, device: Device, frame: object) -> None:
        """A first frame that is not an authorization is refused with 4400."""
        with device.open() as line:
            line.say(frame)

            assert line.ending()[0] == 4400

    def test_token_must_be_a_bearers(self, cloud: Sandbox, device: Device) -> None:
        """A token without its scheme is refused."""
        with device.open() as line:
            line.say({"type": "authorization", "data": {"token": cloud.access_token}})

            assert line.ending()[0] == 4401

    def test_token_must_come_soon(self) -> None:
        """A client that does not authorize in time is refused."""
        limits = SandboxLimits(authorization_timeout=0.05)
        with Sandbox(sessions=0, _limits=limits) as cloud, Device(cloud).open() as line:
            assert line.ending()[0] == 4401


class TestConversation:
    """The frames of a connection that is ready."""

    def test_ping_is_answered(self, line: Line) -> None:
        """A pong has the id of the ping, its type and nothing else."""
        line.say({"id": "probe", "type": "ping"})

        assert line.hear() == {"id": "probe", "type": "pong"}

    def test_anything_else_is_ignored(self, line: Line) -> None:
        """Unknown frames are neither answered nor punished."""
        for frame in (b"\x00", "not json", "[1]", {"type": "other"}, {"type": "ack"}):
            line.say(frame)

        assert line.ping()["type"] == "pong"

    def test_fragments_are_one_message(self, line: Line) -> None:
        """A message may come in several frames."""
        line.websocket.send(iter(['{"id": "probe", ', '"type": "ping"', "}"]))

        assert line.hear() == {"id": "probe", "type": "pong"}

    def test_numbers_count_up(self, cloud: Sandbox, line: Line) -> None:
        """Envelopes have consecutive numbers, and pongs do not count."""
        cloud.place_call()
        line.say({"id": "probe", "type": "ping"})
        frames = [line.hear(), line.hear()]
        cloud.place_call()
        frames.append(line.hear())

        assert [frame["sequenceNumber"] for frame in frames if "data" in frame] == [2, 3]

    def test_newer_connection_replaces_the_older(
        self, cloud: Sandbox, device: Device, line: Line
    ) -> None:
        """A device has one connection: the older one is closed when the newer one is ready."""
        with device.open() as newer:
            assert line.ping()["type"] == "pong"
            newer.authorize()

            assert line.ending() == (4000, "replaced")
            assert event_type(newer.hear()) == "mercury.buffer_state"
            cloud.place_call()
            assert newer.hear()["sequenceNumber"] == 2

    def test_devices_do_not_replace_each_other(self, cloud: Sandbox, line: Line) -> None:
        """Every device of a user has its own connection."""
        with Device(cloud).connected():
            assert line.ping()["type"] == "pong"

    def test_deleted_device_learns_it_from_a_ping(
        self, http: Http, device: Device, line: Line
    ) -> None:
        """The connection of a deleted device is closed with 4404 at its next frame."""
        http("DELETE", device.url)
        line.say({"id": "probe", "type": "ping"})

        assert line.ending()[0] == 4404

    def test_deleted_device_learns_it_from_an_event(
        self, cloud: Sandbox, http: Http, device: Device, line: Line
    ) -> None:
        """The connection of a deleted device is closed with 4404 at the next event."""
        http("DELETE", device.url)
        cloud.place_call()

        assert line.ending()[0] == 4404
