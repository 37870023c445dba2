"""What live events contain."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from callhistory._records.encode import to_wire
from callhistory.sandbox import Sandbox
from tests.sandbox.device_client import RECENT, Line, event_type, session_ids
from tests.sandbox.http_client import Http, pair_of


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox(sessions=6, ack_timeout=math.inf) as running:
        yield running


class TestContent:
    """What an event contains."""

    def test_call(self, cloud: Sandbox, line: Line) -> None:
        """The event of a call contains the session as it is in the history."""
        placed = cloud.place_call(name="Đặng Thu Hà")

        assert line.hear()["data"] == {
            "eventType": RECENT,
            "userSessions": {"userSessions": [to_wire(placed)], "statusCode": 0},
        }

    def test_call_by_the_older_name(self, cloud: Sandbox, line: Line) -> None:
        """A call can be announced by the older name of the event."""
        placed = cloud.place_call(legacy=True)
        told = line.hear()

        assert event_type(told) == "janus.user_sessions"
        assert session_ids(told) == [placed.session_id]

    def test_read_marks(self, cloud: Sandbox, http: Http, line: Line) -> None:
        """The event of sessions that were marked as read contains their ids."""
        found = [pair_of(to_wire(cloud.place_call())) for _ in range(2)]
        for _ in found:
            line.hear()
        http.mark(*found)

        assert line.hear()["data"] == {
            "eventType": "janus.user_viewed_sessions",
            "userReadSessions": {
                "userReadSessions": [{"sessionId": pair["sessionId"]} for pair in found],
                "statusCode": 0,
            },
        }

    def test_deletions(self, cloud: Sandbox, http: Http, line: Line) -> None:
        """The event of sessions that were deleted contains their ids."""
        found = [pair_of(to_wire(cloud.place_call())) for _ in range(2)]
        for _ in found:
            line.hear()
        http.delete(*found)

        assert line.hear()["data"] == {
            "eventType": "janus.user_sessions_deleted",
            "deletedSessions": [pair["sessionId"] for pair in found],
        }

    def test_nothing_is_told_of_nothing(self, http: Http, line: Line) -> None:
        """A write that finds no session causes no event."""
        unknown = {"endTime": 1, "sessionId": "unknown"}
        assert http.mark(unknown).status_code == 200
        assert http.delete(unknown).status_code == 200

        assert line.ping()["type"] == "pong"
