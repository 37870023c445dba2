"""From an envelope off the websocket to the event that receivers get, or to none."""

from __future__ import annotations

import copy
import logging
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhistory import (
    CallHistoryEvent,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserSession,
    from_wire,
    to_wire,
)
from callhistory._live import events as events
from callhistory._live.events import Event, recovered_event, session_ids
from tests.support.wire_samples import a_bare_session, a_session, wire_form

RECENT = "janus.user_recent_sessions"
OLDER = "janus.user_sessions"
VIEWED = "janus.user_viewed_sessions"
DELETED = "janus.user_sessions_deleted"

KINDS: list[tuple[str, CallHistoryEvent, type[Event]]] = [
    (RECENT, CallHistoryEvent.USER_RECENT_SESSIONS, CallSessionEvent),
    (OLDER, CallHistoryEvent.USER_RECENT_SESSIONS, CallSessionEvent),
    (VIEWED, CallHistoryEvent.USER_VIEWED_SESSIONS, CallSessionViewedEvent),
    (DELETED, CallHistoryEvent.USER_SESSIONS_DELETED, CallSessionDeletedEvent),
]
SECRET = "Ada-12065550102"


def read_event(envelope: dict[str, Any]) -> tuple[CallHistoryEvent, Event] | None:
    return events.read_event(envelope, logging.getLogger("callhistory._live.events"))


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
    """List what an event of any kind tells of."""
    if isinstance(event, CallSessionEvent):
        return [session.id for session in event.data.user_sessions.user_sessions]
    if isinstance(event, CallSessionViewedEvent):
        return [s.session_id for s in event.data.user_read_sessions.user_read_sessions]
    return list(event.data.deleted_sessions)


@pytest.mark.parametrize(("event_type", "name", "record"), KINDS, ids=[k[0] for k in KINDS])
def test_each_event_becomes_its_record(
    event_type: str,
    name: CallHistoryEvent,
    record: type[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each of Webex's names leads to the documented name and the record, with all that it held."""
    envelope = wire_form(record)
    envelope["data"]["eventType"] = event_type
    before = copy.deepcopy(envelope)

    found = read_event(envelope)

    assert found is not None
    assert found[0] is name
    event = found[1]
    assert type(event) is record
    assert event.data.event_type == event_type
    assert event.id == "envelope-1"
    assert event.tracking_id == "janus_1"
    assert event.timestamp == datetime(2026, 3, 1, 9, 0, 0, 250000, UTC)
    assert to_wire(event) == to_wire(from_wire(record, envelope))
    assert envelope == before
    assert caplog.records == []


def test_the_sessions_of_an_event() -> None:
    """They are the sessions that the history would have, in their order, and not recovered."""
    wire = [a_session(id="1"), a_bare_session(id="2"), a_session(id="3")]

    event = read(recent(*wire))

    assert isinstance(event, CallSessionEvent)
    assert event.data.user_sessions.user_sessions == tuple(from_wire(UserSession, w) for w in wire)
    assert event.data.user_sessions.status_code == 200
    assert not event.recovered


@pytest.mark.parametrize(
    "envelope", [recent(), viewed(), deleted()], ids=["recent", "viewed", "deleted"]
)
def test_an_event_of_nothing(envelope: dict[str, Any]) -> None:
    """An event whose list is empty is readable, and tells of nothing."""
    assert ids_in(read(envelope)) == []


def test_what_an_envelope_has_besides_is_kept() -> None:
    """Fields that nobody documented are in the extra of the event and of its data."""
    event = read(viewed({"sessionId": "1"}) | {"alertType": "visual", "sequenceNumber": 7})

    assert event.extra == {"alertType": "visual", "sequenceNumber": 7}


@pytest.mark.parametrize(
    "changes",
    [{"id": 7}, {"id": None}, {"timestamp": "now"}, {"trackingId": []}, {"timestamp": {}}],
)
def test_an_envelope_with_odd_fields_is_an_event_all_the_same(changes: dict[str, Any]) -> None:
    """What is odd about the envelope does not cost the sessions in it."""
    assert ids_in(read(deleted("1", "2") | changes)) == ["1", "2"]


@pytest.mark.parametrize(
    "event_type",
    [
        *("", "janus", "janus.user_recent_session", "JANUS.USER_RECENT_SESSIONS", "user_sessions"),
        *("mercury.buffer_state", "locus.difference", "callHistory:user_recent_sessions"),
        *(None, 7, True, [], {}, [RECENT], {"janus.user_sessions": 1}),
    ],
    ids=str,
)
def test_other_events_are_none_of_ours(event_type: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An envelope of an unknown kind, or of none, is no event, and nothing is said of it."""
    caplog.set_level(logging.DEBUG)

    assert read_event(an_envelope(event_type, userSessions={"userSessions": [SECRET]})) is None

    assert caplog.records == []


@pytest.mark.parametrize(
    "envelope",
    [{}, {"data": None}, {"data": []}, {"data": RECENT}, {"data": {}}, {"eventType": RECENT}],
    ids=str,
)
def test_an_envelope_without_data(envelope: dict[str, Any]) -> None:
    """An envelope without data is no event."""
    assert read_event(envelope) is None


BAD_SESSIONS = [
    a_bare_session(id=SECRET, startTime=SECRET),
    a_bare_session(id=SECRET, endTime=None),
    {"id": SECRET},
    {"startTime": "2026-03-01T09:00:00Z", "endTime": "2026-03-01T09:00:00Z", "name": SECRET},
    a_bare_session(id=7),
    a_bare_session(id=" "),
    SECRET,
    7,
    None,
    [],
    [a_bare_session()],
    {},
]


@pytest.mark.parametrize("bad", BAD_SESSIONS, ids=lambda bad: str(bad)[:40])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("event_type", [RECENT, OLDER])
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
    warnings = [record for record in caplog.records if record.name == "callhistory._live.events"]
    assert [record.levelno for record in warnings] == [logging.WARNING]
    assert event_type in warnings[0].getMessage()
    assert f"data.userSessions.userSessions[{place}]" in warnings[0].getMessage()
    assert SECRET not in caplog.text


@pytest.mark.parametrize("bad", [{"sessionId": 7}, {"sessionId": ""}, {"id": SECRET}, SECRET, None])
def test_one_read_mark_of_several_is_unreadable(bad: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Read marks that can be read are delivered."""
    event = read(viewed({"sessionId": "1"}, bad, {"sessionId": "2"}))

    assert isinstance(event, CallSessionViewedEvent)
    assert ids_in(event) == ["1", "2"]
    assert "userReadSessions[1]" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("bad", [7, None, {"sessionId": SECRET}, [SECRET], True])
def test_one_deletion_of_several_is_unreadable(bad: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Ids of deleted sessions that are texts are delivered."""
    event = read(deleted("1", bad, "2"))

    assert isinstance(event, CallSessionDeletedEvent)
    assert ids_in(event) == ["1", "2"]
    assert "deletedSessions" in caplog.text
    assert SECRET not in caplog.text


UNREADABLE = {
    "no session can be read": recent(*BAD_SESSIONS),
    "one session, unreadable": recent({"id": SECRET}),
    "no read mark can be read": viewed(SECRET, {}, None),
    "no deletion can be read": deleted(None, 7, {"id": SECRET}),
    "recent: nothing": an_envelope(RECENT),
    "recent: null": an_envelope(RECENT, userSessions=None),
    "recent: a list": an_envelope(RECENT, userSessions=[a_session(id=SECRET)]),
    "recent: a text": an_envelope(RECENT, userSessions=SECRET),
    "recent: no list inside": an_envelope(RECENT, userSessions={"statusCode": 200}),
    "recent: null inside": an_envelope(RECENT, userSessions={"userSessions": None}),
    "recent: an object inside": an_envelope(RECENT, userSessions={"userSessions": {SECRET: 1}}),
    "recent: a text inside": an_envelope(RECENT, userSessions={"userSessions": SECRET}),
    "recent: the payload of viewed": an_envelope(
        RECENT, userReadSessions={"userReadSessions": [{"sessionId": SECRET}]}
    ),
    "viewed: nothing": an_envelope(VIEWED),
    "viewed: a list": an_envelope(VIEWED, userReadSessions=[{"sessionId": SECRET}]),
    "viewed: null inside": an_envelope(VIEWED, userReadSessions={"userReadSessions": None}),
    "deleted: nothing": an_envelope(DELETED),
    "deleted: null": an_envelope(DELETED, deletedSessions=None),
    "deleted: a text": an_envelope(DELETED, deletedSessions=SECRET),
    "deleted: an object": an_envelope(DELETED, deletedSessions={"deletedSessions": [SECRET]}),
}


@pytest.mark.parametrize("envelope", UNREADABLE.values(), ids=UNREADABLE)
def test_an_event_of_which_nothing_can_be_read(
    envelope: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is no event; the log says so once, with the place and the types, never the content."""
    caplog.set_level(logging.DEBUG)

    assert read_event(envelope) is None

    (record,) = (record for record in caplog.records if record.name == "callhistory._live.events")
    assert record.levelno == logging.WARNING
    assert "cannot be read as a whole: data" in record.getMessage()
    assert SECRET not in caplog.text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SESSIONS = st.builds(a_bare_session) | st.builds(a_session, id=JSON, startTime=JSON) | JSON
LISTS = st.lists(SESSIONS | st.fixed_dictionaries({"sessionId": JSON | st.text()}), max_size=4)
ENVELOPES = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"eventType": st.sampled_from([kind[0] for kind in KINDS]) | JSON},
            optional={
                "userSessions": st.fixed_dictionaries({"userSessions": LISTS | JSON}) | JSON,
                "userReadSessions": st.fixed_dictionaries({"userReadSessions": LISTS | JSON})
                | JSON,
                "deletedSessions": st.lists(st.text() | JSON, max_size=4) | JSON,
                "headers": JSON,
            },
        )
        | JSON
    },
    optional={"id": JSON, "timestamp": JSON, "trackingId": JSON, "extra": JSON},
)


@given(ENVELOPES)
def test_no_envelope_is_too_much(envelope: dict[str, Any]) -> None:
    """Whatever an envelope holds, it becomes the right record or none, and is left as it was."""
    before = copy.deepcopy(envelope)

    found = read_event(envelope)

    assert envelope == before
    if found is not None:
        by_type = {event_type: (name, record) for event_type, name, record in KINDS}
        name, record = by_type[envelope["data"]["eventType"]]
        assert found[0] is name
        assert type(found[1]) is record
        assert isinstance(ids_in(found[1]), list)


def test_a_recovered_event() -> None:
    """It holds the sessions in their order, says that it is recovered, and was in no envelope."""
    sessions = [from_wire(UserSession, a_session(id=str(number))) for number in range(3)]

    event = recovered_event(iter(sessions))

    assert event.recovered
    assert event.data.user_sessions.user_sessions == tuple(sessions)
    assert (event.id, event.timestamp, event.tracking_id) == (None, None, None)
    assert (event.data.event_type, event.data.user_sessions.status_code) == (None, None)


def test_a_recovered_event_is_another_than_the_live_one() -> None:
    """An event that differs in this alone is not equal."""
    event = recovered_event([])

    assert attrs.evolve(event, recovered=False) != event


def test_the_ids_of_an_events_sessions() -> None:
    """They are the ids of the sessions that it delivers; other events deliver none."""
    event = read(recent(a_session(sessionId="a"), a_session(sessionId="b"), a_bare_session(id="c")))

    assert session_ids(event) == ["a", "b", "c"]
    assert session_ids(read(viewed({"sessionId": "1"}))) == []
    assert session_ids(read(deleted("1"))) == []
