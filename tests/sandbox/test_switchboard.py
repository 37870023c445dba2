"""Who receives a live event, how often, and what is kept until it is acknowledged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from callhistory._records.encode import to_wire
from callhistory.sandbox import Sandbox
from callhistory.sandbox._mercury.switchboard import Unacknowledged
from tests.sandbox.device_client import RECENT, Device, Line, event_type, session_ids
from tests.sandbox.http_client import Http, pair_of


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox(sessions=6, ack_timeout=math.inf) as running:
        yield running


class TestReach:
    """Who receives an event."""

    def test_all_devices_of_the_user(self, cloud: Sandbox) -> None:
        """Every device of a user receives the same envelope of a call; those of others do not."""
        other = cloud.add_user("Wilma Berg")
        with ExitStack() as open_lines:
            mine = [open_lines.enter_context(Device(cloud).connected()) for _ in range(2)]
            theirs = open_lines.enter_context(Device(cloud, other).connected())
            cloud.place_call()

            first, second = (line.hear() for line in mine)
            assert first == second
            assert theirs.ping()["type"] == "pong"

            cloud.place_call(user=other)
            assert event_type(theirs.hear()) == RECENT
            assert [line.ping()["type"] for line in mine] == ["pong", "pong"]

    def test_also_the_device_that_caused_it(
        self, cloud: Sandbox, http: Http, device: Device, line: Line
    ) -> None:
        """A mark is announced to every device, including the one that sent the request."""
        pair = pair_of(to_wire(cloud.place_call()))
        line.hear()
        with Device(cloud).connected() as other:
            http.mark(pair, **{"cisco-device-url": device.url})

            assert event_type(other.hear()) == "janus.user_viewed_sessions"
            assert event_type(line.hear()) == "janus.user_viewed_sessions"

    def test_nobody_before_readiness(self, cloud: Sandbox, device: Device) -> None:
        """Events from before readiness are never sent over a connection."""
        cloud.delay_readiness(0.05)
        cloud.place_call()
        with device.open() as line:
            cloud.place_call()
            line.authorize()
            cloud.wait_for_frames("authorization")
            cloud.place_call()
            ready = line.hear()
            placed = cloud.place_call()

            assert event_type(ready) == "mercury.buffer_state"
            assert session_ids(line.hear()) == [placed.session_id]

    def test_everybody_from_readiness_on(self, cloud: Sandbox, device: Device) -> None:
        """Every event after the buffer state is delivered."""
        for _ in range(20):
            with device.open() as line:
                line.authorize()
                line.hear()
                placed = cloud.place_call()
                assert session_ids(line.hear_event()) == [placed.session_id]
                cloud.wait_for_frames("ack", count=len(cloud.connections))


class TestRedelivery:
    """Envelopes that were not acknowledged."""

    @pytest.fixture
    def cloud(self) -> Iterator[Sandbox]:
        with Sandbox(sessions=0, ack_timeout=0.05) as running:
            yield running

    def test_comes_again_until_it_is_acknowledged(self, cloud: Sandbox, line: Line) -> None:
        """An unacknowledged event is sent again with the same id and a new number."""
        cloud.place_call()
        first, second = line.hear(), line.hear()
        line.acknowledge(first)
        cloud.wait_for_frames("ack", count=2)
        placed = cloud.place_call()
        third = line.hear_event()
        while third["id"] == first["id"]:  # it was on its way already
            third = line.hear_event()

        assert second == first | {"sequenceNumber": 3}
        assert session_ids(third) == [placed.session_id]

    def test_acknowledged_event_does_not_come_again(self, cloud: Sandbox, line: Line) -> None:
        """An acknowledged event is sent once, while another one is repeated."""
        cloud.place_call()
        line.hear_event()
        cloud.place_call()
        kept = line.hear()["id"]

        assert [line.hear()["id"] for _ in range(3)] == [kept] * 3

    def test_comes_again_at_the_next_connection(self, cloud: Sandbox, device: Device) -> None:
        """A device that reconnects, and no other, receives what it has not acknowledged."""
        cloud.place_call(disposition="MISSED")
        with device.connected() as line:
            cloud.place_call()
            known = line.hear_event()
            cloud.wait_for_frames("ack", count=2)
            cloud.place_call()
            missing = line.hear()
            assert missing["id"] != known["id"]
        cloud.place_call()
        with device.connected() as line, Device(cloud).connected() as other:
            assert line.hear() == missing | {"sequenceNumber": 2}
            assert other.ping()["type"] == "pong"

    def test_outlives_the_sandbox(self, cloud: Sandbox, device: Device) -> None:
        """A sandbox that is started again still knows what was not acknowledged."""
        with device.connected() as line:
            cloud.place_call()
            missing = line.hear()
        cloud.close()
        cloud.start()

        with device.connected() as line:
            assert line.hear()["id"] == missing["id"]


class TestUnacknowledged:
    """The envelopes that are kept."""

    def test_oldest_is_forgotten(self) -> None:
        """Of too many envelopes of a device, the latest are kept."""
        kept = Unacknowledged(2)
        for name in "abc":
            kept.add("device", {"id": name})

        assert [envelope["id"] for envelope in kept.of("device")] == ["b", "c"]

    def test_nothing_is_kept_for_devices_that_are_gone(
        self, cloud: Sandbox, http: Http, device: Device
    ) -> None:
        """When a device is gone and its connection has ended, its envelopes are forgotten."""
        with device.connected() as line:
            cloud.place_call()
            line.hear()
            http("DELETE", device.url)
        connection = cloud.connections[0]
        cloud.wait_until(lambda: connection.closed_at)

        assert cloud._switchboard.unacknowledged.of(device.url) == ()


class TestMany:
    """Many events at a time."""

    def test_come_in_order_and_at_once(self, cloud: Sandbox, line: Line) -> None:
        """A thousand calls arrive in their order, each acknowledged, within seconds."""
        with ThreadPoolExecutor(1) as pool:
            heard = pool.submit(lambda: [line.hear_event() for _ in range(1000)])
            placed = [cloud.place_call().session_id for _ in range(1000)]
            envelopes = heard.result(20)

        assert [session_ids(envelope)[0] for envelope in envelopes] == placed
        assert [envelope["sequenceNumber"] for envelope in envelopes] == list(range(2, 1002))
        assert len(cloud.wait_for_frames("ack", count=1001)) == 1001

    def test_may_come_from_many_threads(self, cloud: Sandbox, line: Line) -> None:
        """Calls that are placed at the same time all arrive, numbered without a gap."""
        with ThreadPoolExecutor(8) as pool:
            placed = {call.session_id for call in pool.map(lambda _: cloud.place_call(), range(80))}
        envelopes = [line.hear_event() for _ in range(80)]

        assert {session_ids(envelope)[0] for envelope in envelopes} == placed
        assert [envelope["sequenceNumber"] for envelope in envelopes] == list(range(2, 82))
