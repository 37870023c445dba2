"""Typed events, from envelopes and from sessions of a recovery."""

from __future__ import annotations

import copy
import logging
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from callhistory import (
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserSession,
    from_wire,
    signals,
    to_wire,
)
from callhistory._live import event_reader as module
from callhistory._live.event_reader import Event, recovered_event, session_ids
from callhistory._logging import NeverRaisingLog
from tests.support.wire_samples import a_bare_session, a_session, wire_form

RECENT = "janus.user_recent_sessions"
OLDER = "janus.user_sessions"
VIEWED = "janus.user_viewed_sessions"
DELETED = "janus.user_sessions_deleted"

KINDS: list[tuple[str, signals.HistorySignal, type[Event]]] = [
    (RECENT, signals.user_recent_sessions, CallSessionEvent),
    (OLDER, signals.user_recent_sessions, CallSessionEvent),
    (VIEWED, signals.user_viewed_sessions, CallSessionViewedEvent),
    (DELETED, signals.user_sessions_deleted, CallSessionDeletedEvent),
]
SECRET = "Ada-12065550102"
LOG = NeverRaisingLog(logging.getLogger("tests.event_reader"), {})


def read_event(envelope: dict[str, Any]) -> tuple[signals.HistorySignal, Event] | None:
    return module.read_event(envelope, LOG)


def an_envelope(event_type: Any, **data: Any) -> dict[str, Any]:
    envelope = {"id": "envelope-1", "timestamp": 1772355600250, "trackingId": "janus_1"}
    return envelope | {"data": {"eventType": event_type, **data}}


def recent(*sessions: Any, event_type: str = RECENT) -> dict[str, Any]:
    return an_envelope(event_type, userSessions={"userSessions": list(sessions), "statusCode": 200})


def viewed(*sessions: Any) -> dict[str, Any]:
    return an_envelope(VIEWED, userReadSessions={"userReadSessions": list(sessions)})


def deleted(*ids: Any) -> dict[str, Any]:
    return an_envelope(DELETED, deletedSessions=list(ids))


def read(envelope: dict[str, Any]) -> Event:
    found = read_event(envelope)
    assert found is not None
    return found[1]


def ids_in(event: Event) -> list[str]:
    """Return the session ids in an event of any kind."""
    if isinstance(event, CallSessionEvent):
        return [session.id for session in event.data.user_sessions.user_sessions]
    if isinstance(event, CallSessionViewedEvent):
        return [s.session_id for s in event.data.user_read_sessions.user_read_sessions]
    return list(event.data.deleted_sessions)


@pytest.mark.parametrize(("event_type", "signal", "record"), KINDS, ids=[k[0] for k in KINDS])
def test_each_event_becomes_its_record(
    event_type: str,
    signal: signals.HistorySignal,
    record: type[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each of Webex's names leads to the documented name and the record, with all that it held."""
    envelope = wire_form(record)
    envelope["data"]["eventType"] = event_type
    before = copy.deepcopy(envelope)

    found = read_event(envelope)

    assert found is not None
    assert found[0] is signal
    event = found[1]
    assert type(event) is record
    assert event.data.event_type == event_type
    assert event.id == "envelope-1"
    assert event.tracking_id == "janus_1"
    assert event.timestamp == datetime(2026, 3, 1, 9, 0, 0, 250000, UTC)
    assert to_wire(event) == to_wire(from_wire(record, envelope))
    assert envelope == before
    assert caplog.records == []


def test_event_with_an_empty_list() -> None:
    """An event whose list is empty is an event of no session."""
    for envelope in (recent(), viewed(), deleted()):
        assert ids_in(read(envelope)) == []


def test_unknown_fields_are_kept() -> None:
    """Fields that are not documented are in the event's extra."""
    event = read(viewed({"sessionId": "1"}) | {"alertType": "visual", "sequenceNumber": 7})

    assert event.extra == {"alertType": "visual", "sequenceNumber": 7}


def test_odd_fields_of_the_envelope_do_not_matter() -> None:
    """Fields of the envelope with other types do not cost the sessions in it."""
    odd = {"id": 7, "timestamp": "now", "trackingId": []}

    assert ids_in(read(deleted("1", "2") | odd)) == ["1", "2"]


@pytest.mark.parametrize(
    "event_type",
    ["", "JANUS.USER_RECENT_SESSIONS", "mercury.buffer_state", None, 7, [RECENT], {}],
    ids=str,
)
def test_other_events_are_ignored(event_type: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An envelope of an unknown kind, or of none, is no event, and nothing is logged."""
    caplog.set_level(logging.DEBUG)

    assert read_event(an_envelope(event_type, userSessions={"userSessions": [SECRET]})) is None

    assert caplog.records == []


def test_envelope_without_data() -> None:
    """An envelope without data is no event."""
    odd: list[Any] = [{}, {"data": None}, {"data": [RECENT]}, {"data": {}}, {"eventType": RECENT}]

    assert [read_event(envelope) for envelope in odd] == [None] * 5


BAD_SESSIONS = [
    a_bare_session(id=SECRET, startTime=SECRET),
    {"startTime": "2026-03-01T09:00:00Z", "endTime": "2026-03-01T09:00:00Z", "name": SECRET},
    a_bare_session(id=" "),
    SECRET,
    None,
    [a_bare_session()],
]


@pytest.mark.parametrize("bad", BAD_SESSIONS, ids=lambda bad: str(bad)[:40])
@pytest.mark.parametrize(("place", "event_type"), [(0, OLDER), (2, RECENT)])
def test_one_session_of_several_is_unreadable(
    bad: Any, place: int, event_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are delivered in their order, and the log says where, and nothing of what."""
    caplog.set_level(logging.DEBUG)
    sessions: list[Any] = [a_session(id="1"), a_session(id="2")]
    sessions.insert(place, bad)
    envelope = recent(*sessions, event_type=event_type)
    before = copy.deepcopy(envelope)

    event = read(envelope)

    assert ids_in(event) == ["1", "2"]
    assert event.id == "envelope-1"
    assert event.data.event_type == event_type
    assert envelope == before
    warnings = [record for record in caplog.records if record.name == "tests.event_reader"]
    assert [record.levelno for record in warnings] == [logging.WARNING]
    assert event_type in warnings[0].getMessage()
    assert f"data.userSessions.userSessions[{place}]" in warnings[0].getMessage()
    assert SECRET not in caplog.text


BAD_READ_MARKS = [{"sessionId": 7}, {"sessionId": ""}, {"id": SECRET}, SECRET]
BAD_DELETIONS = [7, {"sessionId": SECRET}, [SECRET]]


@pytest.mark.parametrize(
    ("envelope", "where"),
    [
        *(
            (viewed({"sessionId": "1"}, bad, {"sessionId": "2"}), "userReadSessions[1]")
            for bad in BAD_READ_MARKS
        ),
        *((deleted("1", bad, "2"), "deletedSessions") for bad in BAD_DELETIONS),
    ],
    ids=str,
)
def test_one_read_mark_or_deletion_of_several_is_unreadable(
    envelope: dict[str, Any], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Read marks and deletions that can be read are delivered; the log says which cannot."""
    assert ids_in(read(envelope)) == ["1", "2"]
    assert where in caplog.text
    assert SECRET not in caplog.text


UNREADABLE = {
    "no session can be read": recent(*BAD_SESSIONS),
    "no read mark can be read": viewed(SECRET, {}, None),
    "no deletion can be read": deleted(None, 7, {"id": SECRET}),
    "recent: nothing": an_envelope(RECENT),
    "recent: a list": an_envelope(RECENT, userSessions=[a_session(id=SECRET)]),
    "recent: no list inside": an_envelope(RECENT, userSessions={"statusCode": 200}),
    "recent: an object inside": an_envelope(RECENT, userSessions={"userSessions": {SECRET: 1}}),
    "viewed: a list": an_envelope(VIEWED, userReadSessions=[{"sessionId": SECRET}]),
    "deleted: null": an_envelope(DELETED, deletedSessions=None),
    "deleted: a text": an_envelope(DELETED, deletedSessions=SECRET),
}


@pytest.mark.parametrize("envelope", UNREADABLE.values(), ids=UNREADABLE)
def test_event_of_which_nothing_can_be_read(
    envelope: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is no event; the log says so once, with the place and the types, never the content."""
    caplog.set_level(logging.DEBUG)

    assert read_event(envelope) is None

    (record,) = (record for record in caplog.records if record.name == "tests.event_reader")
    assert record.levelno == logging.WARNING
    assert "cannot be read in full: data" in record.getMessage()
    assert SECRET not in caplog.text


def test_recovered_event() -> None:
    """It has the sessions in their order, is marked as recovered, and has no envelope's fields."""
    sessions = [from_wire(UserSession, a_session(id=str(number))) for number in range(3)]

    event = recovered_event(iter(sessions))

    assert event.recovered
    assert attrs.evolve(event, recovered=False) != event
    assert event.data.user_sessions.user_sessions == tuple(sessions)
    assert (event.id, event.timestamp, event.tracking_id) == (None, None, None)
    assert (event.data.event_type, event.data.user_sessions.status_code) == (None, None)


def test_ids_of_the_sessions_that_an_event_delivers() -> None:
    """Read marks and deletions deliver no sessions, whatever ids they name."""
    event = read(recent(a_session(sessionId="a"), a_session(sessionId="b"), a_bare_session(id="c")))

    assert session_ids(event) == ["a", "b", "c"]
    assert session_ids(read(viewed({"sessionId": "1"}))) == []
    assert session_ids(read(deleted("1"))) == []
