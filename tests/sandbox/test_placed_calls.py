"""Calls that a program places, and calls that happen by themselves."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callhistory._records.encode import to_wire
from callhistory._records.enums import Direction, Disposition, SessionType
from callhistory.sandbox import Sandbox
from callhistory.sandbox._world.announcements import LiveEvent, recent_session
from tests.sandbox.device_client import RECENT, Device
from tests.sandbox.http_client import Http


def test_calls_happen_by_themselves() -> None:
    """Calls of all dispositions, by several people, come in one after the other."""
    with Sandbox(sessions=0, chatter=0.01) as cloud, Device(cloud).connected():
        events = cloud.wait_for_frames(RECENT, count=14, timeout=10)
        with Http(cloud) as http:
            assert len(http.sessions()) >= 14

    sessions = [event.json["data"]["userSessions"]["userSessions"][0] for event in events]
    assert {session["disposition"].upper() for session in sessions} == {
        "ANSWERED",
        "CANCELED",
        "INITIATED",
        "MISSED",
    }
    assert len({session["other"].get("name") for session in sessions}) > 3


def test_first_call_comes_after_the_interval() -> None:
    """Nothing happens before the first interval is over."""
    with Sandbox(sessions=0, chatter=3600) as cloud, Http(cloud) as http:
        assert http.sessions() == []


def test_calls_end_with_the_sandbox() -> None:
    """After closing no call happens, and after starting again they do."""
    with Sandbox(sessions=0, chatter=0.01) as cloud, Device(cloud).connected():
        cloud.wait_for_frames(RECENT, timeout=10)
        cloud.close()
        silence = len(cloud.frames_of(RECENT))
        cloud.start()
        with Device(cloud).connected():
            assert len(cloud.wait_for_frames(RECENT, count=silence + 1, timeout=10)) > silence


@pytest.mark.parametrize("argument", ["chatter", "ack_timeout"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_wrong_interval_is_named(argument: str, value: float) -> None:
    """An interval that is not positive is refused by its name."""
    with pytest.raises(ValueError, match=argument):
        Sandbox(**{argument: value})  # type: ignore[arg-type] # that is the point


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestPlaceCall:
    """Calls that a program places."""

    def test_lands_in_the_history(self, cloud: Sandbox, http: Http) -> None:
        """A placed call is the latest session of the history, and equals the one returned."""
        placed = cloud.place_call(name="Ada Byron", phone_number="+12065550100")

        latest = http.sessions()[0]
        assert latest == to_wire(placed)
        assert placed.disposition == Disposition.MISSED
        assert placed.direction == Direction.INCOMING
        assert placed.other is not None
        assert placed.other.name == "Ada Byron"
        assert placed.other.phone_number == "+12065550100"

    def test_is_published(self, cloud: Sandbox, http: Http) -> None:
        """A placed call is announced to its user."""
        found: list[tuple[str, LiveEvent]] = []

        def subscriber(user_id: str, event: LiveEvent) -> None:
            found.append((user_id, event))

        cloud._organization.announcements.subscribe(subscriber)
        placed = cloud.place_call()
        cloud._organization.announcements.unsubscribe(subscriber)
        cloud.place_call()

        assert found == [(cloud.user.id, recent_session(to_wire(placed)))]

    def test_nothing_need_be_said(self, cloud: Sandbox) -> None:
        """Without arguments, a call by one of the contacts is missed now."""
        placed = cloud.place_call()

        assert placed.other is not None
        assert placed.other.name in {person.name for person in cloud.contacts}
        assert abs(placed.end_time - datetime.now(UTC)) < timedelta(seconds=30)
        assert placed.duration_seconds == 0

    @pytest.mark.parametrize(
        ("disposition", "given", "direction"),
        [
            ("Answered", None, Direction.INCOMING),
            ("Initiated", None, Direction.OUTGOING),
            ("CANCELED", None, Direction.OUTGOING),
            (Disposition.MISSED, None, Direction.INCOMING),
            ("Canceled", "INCOMING", Direction.INCOMING),
        ],
    )
    def test_direction_suits_the_disposition(
        self, cloud: Sandbox, disposition: str, given: str | None, direction: Direction
    ) -> None:
        """A direction that is left open follows from the disposition; a given one is used."""
        placed = cloud.place_call(disposition=disposition, direction=given)

        assert placed.direction == direction

    def test_times_complete_each_other(self, cloud: Sandbox) -> None:
        """Of start, end and duration, what is left open follows from the others."""
        start = datetime(2026, 11, 20, 10, 0, 0, 123456, UTC)
        end = start + timedelta(minutes=3, seconds=2)

        both = cloud.place_call(disposition="Answered", started_at=start, ended_at=end)
        first = cloud.place_call(disposition="Answered", started_at=start, duration_seconds=60)
        last = cloud.place_call(disposition="Answered", ended_at=end, duration_seconds=60)

        assert both.start_time == start.replace(microsecond=123000)
        assert both.duration_seconds == 182
        assert first.end_time - first.start_time > timedelta(seconds=60)
        assert first.start_time == both.start_time
        assert last.end_time == both.end_time
        assert last.end_time - last.start_time > timedelta(seconds=60)

    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            ({"started_at": datetime(2026, 11, 20)}, ValueError),
            ({"ended_at": datetime(2026, 11, 20)}, ValueError),
            ({"started_at": NOON, "ended_at": NOON - timedelta(seconds=1)}, ValueError),
            ({"ended_at": "2026-11-20T12:00:00Z"}, TypeError),
            ({"ended_at": datetime.min.replace(tzinfo=UTC)}, ValueError),
            ({"duration_seconds": 10**12}, ValueError),
            ({"foo": {1, 2}}, ValueError),
            ({"foo": float("nan")}, ValueError),
        ],
        ids=repr,
    )
    def test_what_makes_no_call_is_refused(
        self, cloud: Sandbox, http: Http, said: dict[str, Any], kind: type[Exception]
    ) -> None:
        """Arguments that are not aware times in order, not JSON, or too large, place no call."""
        before = http.sessions()

        with pytest.raises(kind):
            cloud.place_call(**said)

        assert http.sessions() == before

    def test_private_caller_has_no_name(self, cloud: Sandbox) -> None:
        """A private caller hides name and number."""
        other = cloud.place_call(name="Ada", private=True).other

        assert other is not None
        assert other.is_private is True
        assert other.name is None
        assert other.phone_number is None

    def test_session_type_can_be_said(self, cloud: Sandbox) -> None:
        """A SPARK call is with a colleague and has a conversation."""
        placed = cloud.place_call(session_type="SPARK")

        assert placed.session_type == SessionType.SPARK
        assert placed.links is not None
        assert placed.links.conversation_url
        assert placed.other is not None
        assert placed.other.email

    def test_wire_fields_are_laid_over(self, cloud: Sandbox, http: Http) -> None:
        """Wire fields replace what is there, and objects are merged."""
        cloud.place_call(
            name="Ada",
            isRead=True,
            other={"email": "ada@example.com"},
            self={"cucmDN": "5501"},
            links=None,
            unheard={"of": 1},
        )

        latest = http.sessions()[0]
        assert latest["isRead"] is True
        assert latest["other"]["email"] == "ada@example.com"
        assert latest["other"]["name"] == "Ada"
        assert latest["self"]["cucmDN"] == "5501"
        assert latest["self"]["id"] == cloud.user.id
        assert latest["links"] is None
        assert latest["unheard"] == {"of": 1}

    def test_contact_is_known_by_name(self, cloud: Sandbox) -> None:
        """A call by one of the contacts has their id and number."""
        contact = cloud.contacts[0]

        other = cloud.place_call(name=contact.name).other

        assert other is not None
        assert (other.id, other.phone_number) == (contact.id, contact.phone_number)

    def test_lands_with_the_user(self, cloud: Sandbox, http: Http) -> None:
        """A call of another user appears in no other history."""
        other = cloud.add_user("Wilma Berg")
        before = http.sessions()

        cloud.place_call(user=other)

        assert http.sessions() == before
        with Http(cloud, other) as theirs:
            assert len(theirs.sessions()) == 1

    def test_any_thread_may_place_calls(self, cloud: Sandbox, http: Http) -> None:
        """Calls that are placed at the same time are all recorded while pages are read."""
        before = len(http.sessions())

        with ThreadPoolExecutor(8) as pool:
            placed = [pool.submit(cloud.place_call) for _ in range(40)]
            pages = [pool.submit(http.sessions) for _ in range(8)]
            assert all(len(page.result()) >= before for page in pages)
            assert len({call.result().session_id for call in placed}) == 40

        assert len(http.sessions()) == before + 40
