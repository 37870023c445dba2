"""Envelopes become events, each of which is delivered once, live or recovered."""

from __future__ import annotations

import copy
import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhistory import (
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    UserSession,
    from_wire,
    signals,
    to_wire,
)
from callhistory._live import inbox as module
from callhistory._live.dispatcher import Dispatcher
from callhistory._live.inbox import Event, Inbox, RecentIds, recovered_event, session_ids
from callhistory._logging import NeverRaisingLog
from tests.support.json_values import JSON
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
LOG = NeverRaisingLog(logging.getLogger("tests.inbox"), {})


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
def test_event_with_an_empty_list(envelope: dict[str, Any]) -> None:
    """An event whose list is empty is an event of no session."""
    assert ids_in(read(envelope)) == []


def test_unknown_fields_are_kept() -> None:
    """Fields that are not documented are in the event's extra."""
    event = read(viewed({"sessionId": "1"}) | {"alertType": "visual", "sequenceNumber": 7})

    assert event.extra == {"alertType": "visual", "sequenceNumber": 7}


@pytest.mark.parametrize(
    "changes",
    [{"id": 7}, {"id": None}, {"timestamp": "now"}, {"trackingId": []}, {"timestamp": {}}],
)
def test_odd_fields_of_the_envelope_do_not_matter(changes: dict[str, Any]) -> None:
    """Fields of the envelope with other types do not cost the sessions in it."""
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
def test_other_events_are_ignored(event_type: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An envelope of an unknown kind, or of none, is no event, and nothing is logged."""
    caplog.set_level(logging.DEBUG)

    assert read_event(an_envelope(event_type, userSessions={"userSessions": [SECRET]})) is None

    assert caplog.records == []


@pytest.mark.parametrize(
    "envelope",
    [{}, {"data": None}, {"data": []}, {"data": RECENT}, {"data": {}}, {"eventType": RECENT}],
    ids=str,
)
def test_envelope_without_data(envelope: dict[str, Any]) -> None:
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
    warnings = [record for record in caplog.records if record.name == "tests.inbox"]
    assert [record.levelno for record in warnings] == [logging.WARNING]
    assert event_type in warnings[0].getMessage()
    assert f"data.userSessions.userSessions[{place}]" in warnings[0].getMessage()
    assert SECRET not in caplog.text


BAD_READ_MARKS = [{"sessionId": 7}, {"sessionId": ""}, {"id": SECRET}, SECRET, None]
BAD_DELETIONS = [7, None, {"sessionId": SECRET}, [SECRET], True]


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
def test_event_of_which_nothing_can_be_read(
    envelope: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is no event; the log says so once, with the place and the types, never the content."""
    caplog.set_level(logging.DEBUG)

    assert read_event(envelope) is None

    (record,) = (record for record in caplog.records if record.name == "tests.inbox")
    assert record.levelno == logging.WARNING
    assert "cannot be read as a whole: data" in record.getMessage()
    assert SECRET not in caplog.text


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
def test_any_envelope(envelope: dict[str, Any]) -> None:
    """Whatever an envelope holds, it becomes the right record or none, and is not changed."""
    before = copy.deepcopy(envelope)

    found = read_event(envelope)

    assert envelope == before
    if found is not None:
        by_type = {event_type: (signal, record) for event_type, signal, record in KINDS}
        signal, record = by_type[envelope["data"]["eventType"]]
        assert found[0] is signal
        assert type(found[1]) is record
        assert isinstance(ids_in(found[1]), list)


def test_recovered_event() -> None:
    """It has the sessions in their order, is marked as recovered, and has no envelope's fields."""
    sessions = [from_wire(UserSession, a_session(id=str(number))) for number in range(3)]

    event = recovered_event(iter(sessions))

    assert event.recovered
    assert event.data.user_sessions.user_sessions == tuple(sessions)
    assert (event.id, event.timestamp, event.tracking_id) == (None, None, None)
    assert (event.data.event_type, event.data.user_sessions.status_code) == (None, None)


def test_recovered_event_differs_from_the_live_one() -> None:
    """Two events that differ in `recovered` alone are not equal."""
    event = recovered_event([])

    assert attrs.evolve(event, recovered=False) != event


def test_session_ids_of_an_event() -> None:
    """They are the ids of the sessions that it delivers; other events deliver none."""
    event = read(recent(a_session(sessionId="a"), a_session(sessionId="b"), a_bare_session(id="c")))

    assert session_ids(event) == ["a", "b", "c"]
    assert session_ids(read(viewed({"sessionId": "1"}))) == []
    assert session_ids(read(deleted("1"))) == []


# --- once only ---


@pytest.mark.parametrize("size", [1, 2, 100])
def test_recent_ids_forget_the_oldest(size: int) -> None:
    """Of more ids than its size, the latest are known, and no others."""
    recent_ids = RecentIds(size)
    for number in range(size + 1):
        recent_ids.add(number)

    assert [recent_ids.add(number) for number in range(size, 0, -1)] == [False] * size
    assert recent_ids.add(0)


def test_recent_ids_are_new_once() -> None:
    """An id is new once, and the ids 1 and "1" are two."""
    recent_ids = RecentIds(10)

    assert [recent_ids.add(each) for each in ("a", "b", "a", "a", "b", 1, "1", 1)] == [
        *(True, True, False, False, False, True, True, False)
    ]


def test_id_that_is_added_again_is_not_the_oldest() -> None:
    """An id that is added now and then is not forgotten, however many others come."""
    recent_ids = RecentIds(3)
    recent_ids.add("kept")

    for number in range(100):
        assert recent_ids.add(number)
        assert not recent_ids.add("kept")


def test_recent_ids_of_several_threads() -> None:
    """Each id is new to exactly one of the threads that add it."""
    ids = range(2000)
    recent_ids = RecentIds(len(ids))
    begin = threading.Barrier(4)

    def add_all(_: int) -> list[int]:
        begin.wait(5)
        return [each for each in ids if recent_ids.add(each)]

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(add_all, range(4)))

    assert sorted(itertools.chain(*new)) == list(ids)


class Dispatched:
    """Stands in for a dispatcher, and records what it is to deliver."""

    def __init__(self) -> None:
        self.ids: list[list[str]] = []

    def put(self, signal: Any, event: Event) -> None:
        self.ids.append(ids_in(event))


def an_inbox() -> tuple[Inbox, Dispatched]:
    dispatched = Dispatched()
    return Inbox(cast(Dispatcher, dispatched), LOG, 10), dispatched


def test_envelope_is_dispatched_once_by_its_id() -> None:
    """An envelope with a known id is not dispatched again; one with another, or none, is."""
    inbox, dispatched = an_inbox()
    ids: list[Any] = ["1", "1", 1, 1, None, None, [], {}, 1.5, True]
    for identifier in ids:
        inbox.receive(recent(a_session(sessionId="x", id="x")) | {"id": identifier})

    assert dispatched.ids == [["x"]] * 8


def test_recovered_session_is_dispatched_once() -> None:
    """A recovered session is dispatched unless it was delivered, live or recovered, before."""
    inbox, dispatched = an_inbox()
    sessions = [from_wire(UserSession, a_session(sessionId=i, id=i)) for i in "abc"]
    inbox.receive(recent(a_session(sessionId="a", id="a")))
    for _ in range(2):
        inbox.receive_recovered(sessions, min(s.end_time for s in sessions))

    assert dispatched.ids == [["a"], ["b", "c"]]


def test_recovered_session_from_before_the_beginning_is_not_dispatched() -> None:
    """What ended before `began` is not dispatched; what ended at that moment is."""
    inbox, dispatched = an_inbox()
    session = from_wire(UserSession, a_session(sessionId="a", id="a"))
    inbox.receive_recovered([session], session.end_time + timedelta(milliseconds=1))
    assert dispatched.ids == []

    inbox.receive_recovered([session], session.end_time)
    assert dispatched.ids == [["a"]]


def test_live_event_of_a_recovered_session_is_dispatched() -> None:
    """A session that changes after it was recovered is heard of again."""
    inbox, dispatched = an_inbox()
    session = from_wire(UserSession, a_session(sessionId="a", id="a"))
    inbox.receive_recovered([session], session.end_time)
    inbox.receive(recent(a_session(sessionId="a", id="a")))

    assert dispatched.ids == [["a"], ["a"]]
