"""JSON to records and back: what is read, what is put aside, what is refused."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import re
import traceback
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from callhistory import (
    CallingSpecifics,
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    DecodeError,
    Direction,
    Disposition,
    EndTimeSessionId,
    HistoryData,
    JanusResponseEvent,
    RedirectionDetails,
    SessionType,
    UserReadSession,
    UserSession,
    UserSessions,
    from_wire,
    to_wire,
)
from callhistory._records import decode as wire
from callhistory._records import generated_reader as shapes
from callhistory._records.base import Extra, Record
from callhistory._records.decode import read_json, read_sessions
from callhistory._records.exact_types import type_at
from tests.support.wire_samples import (
    CLASSES,
    RECORDS,
    Wire,
    a_bare_session,
    a_session,
    sandbox_page,
    wire_form,
)

SECRET = "8b2f6c1e-private-0102"
SESSION_RECORDS: tuple[type[Any], ...] = (
    UserSession,
    CallRecordLink,
    CallRecordSelf,
    CallRecordListOther,
    CallingSpecifics,
    RedirectionDetails,
)
# What a record cannot do without. Of a session's two ids, either can stand for both.
REQUIRED = {
    "UserSession": {"startTime", "endTime"},
    "UserSessions": {"userSessions"},
    "UserReadSession": {"sessionId"},
    "UserReadSessions": {"userReadSessions"},
    "CallSessionData": {"userSessions"},
    "CallSessionViewedData": {"userReadSessions"},
    "CallSessionDeletedData": {"deletedSessions"},
    "CallSessionEvent": {"data"},
    "CallSessionViewedEvent": {"data"},
    "CallSessionDeletedEvent": {"data"},
}
# One or more values of each JSON type, but for null.
JSON_VALUES: tuple[Any, ...] = (
    "false",
    "438",
    "None",
    True,
    False,
    0,
    438,
    1.0,
    1.5,
    [],
    [1],
    ["a", None],
    {},
    {"a": 1},
)


@pytest.fixture(autouse=True)
def _nothing_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test see the warnings that are given once."""
    monkeypatch.setattr(shapes, "_noted", set())


def exactly(value: Any) -> str:
    """Show a JSON value so that 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def surprises() -> list[Any]:
    """List every optional field of a session with every value of another type than documented."""
    essential = {"id", "sessionId", "startTime", "endTime"}
    found = []
    for cls in SESSION_RECORDS:
        for name, documented in wire_form(cls).items():
            if cls is UserSession and name in essential:
                continue
            for value in JSON_VALUES:
                fits = type(value) is type(documented)
                if fits and not (isinstance(value, list) and not_texts(value)):
                    continue
                found.append(pytest.param(cls, name, value, id=f"{cls.__name__}-{name}-{value!r}"))
    return found


def not_texts(value: list[Any]) -> bool:
    return not all(isinstance(item, str) for item in value)


# --- what is as documented ---


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_as_documented_survives(cls: type[Any]) -> None:
    """The wire form of every class is written back exactly as it was read."""
    form = wire_form(cls)

    record = from_wire(cls, form)

    assert type(record) is cls
    assert exactly(to_wire(record)) == exactly(form)
    assert form == wire_form(cls)


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING"])
def test_a_realistic_page_survives(backend: str) -> None:
    """Every session of a realistic page is written back as it was read, but for its spelling."""
    for session in sandbox_page(backend):
        written = to_wire(from_wire(UserSession, session))

        assert written.pop("disposition").upper() == session.pop("disposition").upper()
        assert exactly(written) == exactly(session)


@pytest.mark.parametrize(
    ("written", "member"),
    [
        ("Answered", Disposition.ANSWERED),
        ("ANSWERED", Disposition.ANSWERED),
        ("Canceled", Disposition.CANCELED),
        ("CANCELED", Disposition.CANCELED),
        ("Initiated", Disposition.INITIATED),
        ("INITIATED", Disposition.INITIATED),
        ("Missed", Disposition.MISSED),
        ("MISSED", Disposition.MISSED),
    ],
)
def test_both_spellings_of_a_disposition_are_the_same_member(
    written: str, member: Disposition
) -> None:
    """A disposition is one member in capitals and capitalized, and is written as documented."""
    session = from_wire(UserSession, a_session(disposition=written))

    assert session.disposition is member
    assert to_wire(session)["disposition"] == member.value


@pytest.mark.parametrize("session_type", list(SessionType))
@pytest.mark.parametrize("direction", list(Direction))
def test_known_words_become_members(session_type: SessionType, direction: Direction) -> None:
    """A documented session type and direction become members, and are written back as they were."""
    wire_session = a_session(sessionType=session_type.value, direction=direction.value)

    session = from_wire(UserSession, wire_session)

    assert session.session_type is session_type
    assert session.direction is direction
    assert exactly(to_wire(session)) == exactly(wire_session)


@pytest.mark.parametrize("name", ["disposition", "sessionType", "direction"])
@pytest.mark.parametrize("word", ["VOICEMAIL", "missed", "Incoming", "Spark", "", " "])
def test_a_word_nobody_has_seen_stays_a_plain_text(
    name: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown disposition, type or direction is kept as it is, breaks nothing, warns nobody."""
    session = from_wire(UserSession, a_session(**{name: word}))

    value = getattr(session, {"sessionType": "session_type"}.get(name, name))
    assert type(value) is str
    assert value == word
    assert to_wire(session)[name] == word
    assert session.extra == {}
    assert caplog.text == ""


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:00:00Z",
        "2026-03-01T09:00:00.000000000Z",
        "2026-03-01T10:30:00+01:30",
        "2026-03-01t09:00:00z",
    ],
)
def test_a_time_in_another_notation_is_written_as_webex_does(text: str) -> None:
    """A time with any offset and any number of digits is the same instant, in Webex's notation."""
    session = from_wire(UserSession, a_session(endTime=text))

    assert to_wire(session)["endTime"] == "2026-03-01T09:00:00.000Z"
    assert session.extra == {}


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_read_from_is_not_changed(cls: type[Any]) -> None:
    """Reading leaves the dict as it was, whether all in it is as documented or much is not."""
    odd = wire_form(cls) | {"oddity": [1, {"nested": None}]}
    if cls is UserSession:
        odd |= {"durationSeconds": "438", "id": None, "correlationIds": [1]}
    before = copy.deepcopy(odd)

    from_wire(cls, odd)

    assert odd == before


def test_a_list_that_cannot_be_read_is_not_changed() -> None:
    """Reading leaves the dict as it was also when a later session of its list is refused."""
    page = {"userSessions": [a_session(), a_session(startTime=None)]}
    before = copy.deepcopy(page)

    with pytest.raises(DecodeError):
        from_wire(UserSessions, page)

    assert page == before


# --- what is missing ---


def test_a_bare_session_survives() -> None:
    """A session with nothing but its essentials is written back with nothing else."""
    assert to_wire(from_wire(UserSession, a_bare_session())) == a_bare_session()


@pytest.mark.parametrize("cls", RECORDS)
def test_each_optional_field_may_be_missing_or_null(
    cls: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Without an optional field, or with null in it, the rest is read, and nobody is warned."""
    for name in wire_form(cls).keys() - REQUIRED.get(cls.__name__, set()):
        form = wire_form(cls)
        del form[name]

        without, with_null = from_wire(cls, form), from_wire(cls, form | {name: None})

        assert without == with_null
        assert without.extra == {}
        assert exactly(to_wire(without)) == exactly(form)
        assert exactly(to_wire(with_null)) == exactly(form)
    assert caplog.text == ""


@pytest.mark.parametrize(("sent", "missing"), [("id", "sessionId"), ("sessionId", "id")])
@pytest.mark.parametrize("as_null", [False, True])
def test_one_id_stands_for_the_other(sent: str, missing: str, as_null: bool) -> None:
    """A session with only one of its ids has it in both places, and is written with one again."""
    form = a_session(**{sent: "session-1"})
    del form[missing]

    session = from_wire(UserSession, form | ({missing: None} if as_null else {}))

    assert session.id == session.session_id == "session-1"
    assert exactly(to_wire(session)) == exactly(form)


@pytest.mark.parametrize(("sent", "unreadable"), [("id", "sessionId"), ("sessionId", "id")])
@pytest.mark.parametrize("value", [7, "", "  ", True, ["session-2"], {}])
def test_one_id_stands_for_an_unreadable_other(sent: str, unreadable: str, value: Any) -> None:
    """An id that is blank or no text is put aside, and the other one stands for it."""
    form = a_session(**{sent: "session-1", unreadable: value})

    session = from_wire(UserSession, form)

    assert session.id == session.session_id == "session-1"
    assert session.extra == {unreadable: value}
    assert exactly(to_wire(session)) == exactly(form)


@pytest.mark.parametrize(
    ("form", "change", "name", "value"),
    [
        (a_bare_session(), {"is_read": True}, "isRead", True),
        (a_bare_session(), {"is_read": False}, "isRead", False),
        (a_bare_session(), {"participant_count": 0}, "participantCount", 0),
        (a_bare_session(), {"correlation_ids": ("a",)}, "correlationIds", ["a"]),
        (a_bare_session(), {"links": CallRecordLink(locus_url="x")}, "links", {"locusUrl": "x"}),
        (a_bare_session(), {"session_id": "2"}, "sessionId", "2"),
        (a_bare_session(durationSeconds="438"), {"duration_seconds": 438}, "durationSeconds", 438),
        (
            a_bare_session(links="none"),
            {"links": CallRecordLink(locus_url="x")},
            "links",
            {"locusUrl": "x"},
        ),
    ],
)
def test_what_a_record_was_given_meanwhile_is_written(
    form: Wire, change: dict[str, Any], name: str, value: Any
) -> None:
    """A value given with evolve is written, also where Webex had sent none or an unreadable one."""
    changed = attrs.evolve(from_wire(UserSession, form), **change)

    assert exactly(to_wire(changed)) == exactly(form | {name: value})


# --- what is of another type, or unknown ---


@pytest.mark.parametrize(("cls", "name", "value"), surprises())
def test_nothing_is_coerced(cls: type[Any], name: str, value: Any) -> None:
    """A value of another type than documented is put aside as it is; its attribute is empty."""
    form = wire_form(cls) | {name: value}
    without = {key: held for key, held in form.items() if key != name}

    record = from_wire(cls, form)

    assert exactly(record.extra) == exactly({name: value})
    assert attrs.evolve(record, extra={}) == from_wire(cls, without)
    assert exactly(to_wire(record)) == exactly(form)


@pytest.mark.parametrize("cls", SESSION_RECORDS)
def test_an_attribute_without_a_readable_value_is_none_or_empty(cls: type[Any]) -> None:
    """The attribute of a field that could not be read is None, or an empty list or record."""
    empty: dict[str, Any] = {
        "links": CallRecordLink(),
        "self": CallRecordSelf(),
        "other": CallRecordListOther(),
        "correlationIds": (),
    }
    essential = {"id", "sessionId", "startTime", "endTime"} if cls is UserSession else set()
    for attribute in shapes.on_wire(cls):
        name = shapes.wire_name(attribute.name)
        if name not in essential:
            record = from_wire(cls, wire_form(cls) | {name: 1.5})
            assert getattr(record, attribute.name) == empty.get(name), name


@pytest.mark.parametrize(
    "timestamp", ["2026-03-01T09:00:00Z", 1.5, True, [], 10**30, -(10**400), 253_402_300_800_000]
)
def test_an_events_time_that_is_none_is_put_aside(timestamp: Any) -> None:
    """A timestamp that is no readable number of milliseconds does not cost the event."""
    form = wire_form(CallSessionEvent) | {"timestamp": timestamp}

    event = from_wire(CallSessionEvent, form)

    assert event.timestamp is None
    assert event.extra == {"timestamp": timestamp}
    assert to_wire(event) == form


@pytest.mark.parametrize("cls", RECORDS)
@pytest.mark.parametrize("value", [*JSON_VALUES, None])
def test_an_unknown_field_is_kept(cls: type[Any], value: Any) -> None:
    """A field that the model does not name is in extra as it came, and is written back."""
    form = wire_form(cls) | {"oddity": value, "ODD-ity 2": value}

    record = from_wire(cls, form)

    assert exactly(record.extra) == exactly({"oddity": value, "ODD-ity 2": value})
    assert exactly(to_wire(record)) == exactly(form)


def test_unknown_and_unreadable_fields_are_kept_together() -> None:
    """A session keeps what it cannot name and what it cannot read, on every level."""
    form = a_session(isDeleted="false", oddity=1, correlationIds=["a", 7])
    form["other"] |= {"isPrivate": "false", "oddity": 2}
    form["callingSpecifics"]["redirectionDetails"] = ["busy"]

    session = from_wire(UserSession, form)

    assert session.extra == {"isDeleted": "false", "oddity": 1, "correlationIds": ["a", 7]}
    assert session.other.extra == {"isPrivate": "false", "oddity": 2}
    assert session.other.name == "Ada"
    assert session.calling_specifics is not None
    assert session.calling_specifics.extra == {"redirectionDetails": ["busy"]}
    assert exactly(to_wire(session)) == exactly(form)


@pytest.mark.parametrize(
    ("form", "warning"),
    [
        (
            {"durationSeconds": SECRET},
            "userSessions[].durationSeconds: expected an integer, found a string",
        ),
        (
            {"isDeleted": [SECRET]},
            "userSessions[].isDeleted: expected a boolean, found an array",
        ),
        ({"url": {SECRET: 1}}, "userSessions[].url: expected a string, found an object"),
        ({"disposition": 8102}, "userSessions[].disposition: expected a string, found an integer"),
        ({"url": 8.102}, "userSessions[].url: expected a string, found a number"),
        ({"url": True}, "userSessions[].url: expected a string, found a boolean"),
        ({"links": SECRET}, "userSessions[].links: expected an object, found a string"),
        (
            {"callingSpecifics": SECRET},
            "userSessions[].callingSpecifics: expected an object, found a string",
        ),
        (
            {"correlationIds": [SECRET, 1]},
            "userSessions[].correlationIds: expected an array of strings, found an array",
        ),
        (
            {"id": " "},
            "userSessions[].id: expected a string that is not blank, found a string",
        ),
        (
            {"other": {"isPrivate": SECRET}},
            "userSessions[].other.isPrivate: expected a boolean, found a string",
        ),
        ({"self": {"name": 8102}}, "userSessions[].self.name: expected a string, found an integer"),
        (
            {"links": {"locusUrl": 8102}},
            "userSessions[].links.locusUrl: expected a string, found an integer",
        ),
        (
            {"callingSpecifics": {"redirectionDetails": {"reason": 8102}}},
            "userSessions[].callingSpecifics.redirectionDetails.reason: "
            "expected a string, found an integer",
        ),
        (
            {"newField": SECRET},
            "userSessions[].newField: not named by this version, found a string",
        ),
        (
            {"other": {"newField": None}},
            "userSessions[].other.newField: not named by this version, found null",
        ),
        (
            {"callingSpecifics": {"newField": []}},
            "userSessions[].callingSpecifics.newField: not named by this version, found an array",
        ),
        ({SECRET: 1}, "userSessions[].?: not named by this version, found an integer"),
        ({"é" + SECRET: 1}, "userSessions[].?: not named by this version, found an integer"),
        ({"": 1}, "userSessions[].?: not named by this version, found an integer"),
        ({"n" * 50: 1}, "userSessions[].?: not named by this version, found an integer"),
        ({"Robin": 1}, "userSessions[].?: not named by this version, found an integer"),
        ({"a8f0b2": 1}, "userSessions[].?: not named by this version, found an integer"),
    ],
)
def test_a_surprise_is_warned_of_once(
    form: Wire, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A surprise is logged by path and types, once however often it comes, and never its value."""
    for _ in range(3):
        from_wire(UserSession, a_session(**form))

    assert caplog.record_tuples == [
        ("callhistory._records.generated_reader", 30, f"{warning}; it is kept in extra")
    ]
    assert SECRET not in caplog.text
    assert "8102" not in caplog.text
    assert "8.102" not in caplog.text


def test_a_surprise_in_an_event_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A value of another type in an envelope is logged by the event's class, path and types."""
    from_wire(CallSessionEvent, wire_form(CallSessionEvent) | {"timestamp": SECRET})

    assert caplog.messages == [
        "CallSessionEvent.timestamp: expected an integer of milliseconds, found a string; "
        "it is kept in extra"
    ]


def test_a_surprise_in_an_answer_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Sessions that are no array are put aside in the data of an answer, with a warning."""
    data = from_wire(HistoryData, {"userSessions": SECRET})

    assert data.user_sessions is None
    assert data.extra == {"userSessions": SECRET}
    assert caplog.messages == [
        "HistoryData.userSessions: expected an array, found a string; it is kept in extra"
    ]


def test_what_is_seen_but_undocumented_is_kept_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The four undocumented fields of real sessions are in extra, and nobody is warned."""
    form = a_session(isTest=True)
    familiar = {
        "incomingCallProtocols": [],
        "callbackInfo": {"callbackAddress": "robin@example.com", "callbackType": "EMAIL"},
        "lookUpInfo": {"lookupLink": "https://example.com", "type": "CONVERSATION"},
    }
    form["self"] |= familiar

    session = from_wire(UserSession, form)

    assert session.extra == {"isTest": True}
    assert session.self_.extra == familiar
    assert exactly(to_wire(session)) == exactly(form)
    assert caplog.text == ""


def test_a_familiar_field_does_not_hide_a_strange_one(caplog: pytest.LogCaptureFixture) -> None:
    """A strange field beside a familiar one is kept and warned of, and the familiar one is not."""
    session = from_wire(UserSession, a_session(isTest=True, newField=1))

    assert session.extra == {"isTest": True, "newField": 1}
    assert caplog.messages == [
        "userSessions[].newField: not named by this version, found an integer; it is kept in extra"
    ]


def test_endless_surprises_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of names that are new each time, no more than a thousand are logged; all are kept."""
    endings = itertools.product("abcdefghijkl", repeat=3)
    names = [f"field{''.join(ending)}" for ending in itertools.islice(endings, 1500)]

    session = from_wire(UserSession, a_session(**dict.fromkeys(names, 1)))

    assert session.extra.keys() == set(names)
    assert len(caplog.records) == 1000


# --- what is refused ---

ESSENTIAL = "an ISO 8601 time with an offset"


@pytest.mark.parametrize(
    ("cls", "form", "text"),
    [
        (UserSession, {"id": None, "sessionId": None}, "id: {id}, found null"),
        (UserSession, {"id": 7, "sessionId": ""}, "id: {id}, found an integer"),
        (UserSession, {"id": "", "sessionId": " "}, "id: {id}, found a string"),
        (UserSession, {"startTime": None}, "startTime: {time}, found null"),
        (UserSession, {"startTime": SECRET}, "startTime: {time}, found a string"),
        (UserSession, {"startTime": "2026-03-01T09:00:00"}, "startTime: {time}, found a string"),
        (UserSession, {"endTime": 1772355600250}, "endTime: {time}, found an integer"),
        (UserSession, {"endTime": 1772355600.25}, "endTime: {time}, found a number"),
        (UserSession, {"endTime": [SECRET]}, "endTime: {time}, found an array"),
        (UserSession, {"endTime": {SECRET: 1}}, "endTime: {time}, found an object"),
        (UserSession, {"endTime": True}, "endTime: {time}, found a boolean"),
        (
            HistoryData,
            {"userSessions": [a_session(), a_session(endTime=SECRET)]},
            "userSessions[1].endTime: {time}, found a string",
        ),
        (
            JanusResponseEvent,
            {"data": {"userSessions": [a_session(), a_session(), a_session(startTime=0)]}},
            "data.userSessions[2].startTime: {time}, found an integer",
        ),
        (
            JanusResponseEvent,
            {"statusCode": "200"},
            "statusCode: expected an integer, found a string",
        ),
        (
            JanusResponseEvent,
            {"statusCode": 200.0},
            "statusCode: expected an integer, found a number",
        ),
        (
            JanusResponseEvent,
            {"statusCode": True},
            "statusCode: expected an integer, found a boolean",
        ),
        (JanusResponseEvent, {"data": SECRET}, "data: expected an object, found a string"),
        (UserSessions, {"userSessions": None}, "userSessions: expected an array, found null"),
        (UserSessions, {"userSessions": {}}, "userSessions: expected an array, found an object"),
        (
            UserSessions,
            {"userSessions": [a_session(), SECRET]},
            "userSessions[1]: expected an object, found a string",
        ),
        (
            UserSessions,
            {"userSessions": [[]]},
            "userSessions[0]: expected an object, found an array",
        ),
        (
            CallSessionEvent,
            {"data": {"userSessions": {"userSessions": [a_session(startTime=SECRET)]}}},
            "data.userSessions.userSessions[0].startTime: {time}, found a string",
        ),
        (CallSessionEvent, {"data": {}}, "data.userSessions: expected an object, found nothing"),
        (
            CallSessionViewedEvent,
            {"data": {"userReadSessions": {"userReadSessions": [{"sessionId": 7}]}}},
            "data.userReadSessions.userReadSessions[0].sessionId: {id}, found an integer",
        ),
        (
            CallSessionDeletedEvent,
            {"data": {"deletedSessions": [SECRET, 7]}},
            "data.deletedSessions: expected an array of strings, found an array",
        ),
        (UserReadSession, {"sessionId": None, "id": "1"}, "sessionId: {id}, found null"),
        (EndTimeSessionId, {"endTime": SECRET}, "endTime: {time}, found a string"),
        (EndTimeSessionId, {"sessionId": ""}, "sessionId: {id}, found a string"),
    ],
)
def test_what_is_essential_is_missed_with_its_path(cls: type[Any], form: Wire, text: str) -> None:
    """Without something essential there is a DecodeError with path and types, never the value."""
    said = text.format(
        id="expected a string that is not blank", time="expected an ISO 8601 time with an offset"
    )
    with pytest.raises(DecodeError) as raised:
        from_wire(cls, wire_form(cls) | form)

    assert str(raised.value) == said
    assert f"{raised.value.path}: expected {raised.value.expected}" in said
    holds_nothing_of_the_value(raised.value)


@pytest.mark.parametrize("name", ["startTime", "endTime"])
def test_a_missing_time_is_missed_with_its_path(name: str) -> None:
    """A session without one of its times at all is refused as well."""
    form = a_session()
    del form[name]

    with pytest.raises(DecodeError, match=rf"^{name}: expected {ESSENTIAL}, found nothing$"):
        from_wire(UserSession, form)


def test_a_session_without_any_id_is_refused() -> None:
    """A session that has neither of its ids is refused, with the path of the first."""
    form = a_session()
    del form["id"], form["sessionId"]

    with pytest.raises(DecodeError, match=r"^id: expected a string that is not blank, found not"):
        from_wire(UserSession, form)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (SECRET, "a string"),
        (True, "a boolean"),
        (7, "an integer"),
        (7.5, "a number"),
        ([], "an array"),
        ((), "tuple"),
    ],
)
def test_what_is_no_object_is_refused(cls: type[Any], value: Any, found: str) -> None:
    """Anything but an object in the place of a record is a DecodeError of the whole of it."""
    with pytest.raises(DecodeError, match=rf"^\$: expected an object, found {found}$") as raised:
        from_wire(cls, value)

    assert raised.value.path == "$"
    holds_nothing_of_the_value(raised.value)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (a_session(startTime=SECRET), r"\[2\]\.startTime: expected an ISO 8601 .*found a string"),
        (a_session(id=0, sessionId=[SECRET]), r"\[2\]\.id: expected a string .*found an integer"),
        ({}, r"\[2\]\.id: expected a string that is not blank, found nothing"),
        (None, r"\[2\]: expected an object, found null"),
        (SECRET, r"\[2\]: expected an object, found a string"),
    ],
)
def test_one_bad_session_fails_the_page(bad: Any, text: str) -> None:
    """A page with one unreadable session is refused as a whole, with that session's place."""
    with pytest.raises(DecodeError, match=rf"^userSessions{text}$") as raised:
        read_sessions([a_session(), a_session(), bad, a_session()])

    holds_nothing_of_the_value(raised.value)


def holds_nothing_of_the_value(error: DecodeError) -> None:
    """Check that neither the error nor anything chained to it has what was refused."""
    assert error.__cause__ is None
    assert error.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in repr(vars(error))
    assert SECRET.encode() not in pickle.dumps(error)


@pytest.mark.parametrize(
    "thing", [{}, [], None, "text", UserSession, object(), a_session(), Extra()]
)
def test_only_records_are_written(thing: object) -> None:
    """Anything but a record of this library is refused with its type, never its content."""
    with pytest.raises(TypeError, match=r"^to_wire: expected a record of callhistory, not \w+$"):
        to_wire(thing)


@pytest.mark.parametrize("cls", [dict, int, Record, "UserSession", None])
def test_only_records_are_read(cls: Any) -> None:
    """Anything but a class of this library's records is refused."""
    with pytest.raises(TypeError, match=r"^from_wire: expected a class of callhistory's records"):
        from_wire(cls, {})


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"there": None}, "null"),
        ({"there": SECRET}, "a string"),
        ({"elsewhere": SECRET}, "nothing"),
        ([SECRET], "an array"),
        (None, "null"),
    ],
)
def test_what_stands_at_a_name_is_told_by_its_type(document: object, found: str) -> None:
    """What is said of a name in an answer is its type there, or that of an answer without names."""
    assert type_at(document, "there") == found


# --- the fast path ---


@pytest.fixture
def _no_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading fail where the tolerant way would be taken."""

    def refuse(cls: type[Any], _converter: object) -> Callable[[Wire], Any]:
        def tolerant(_raw: Wire) -> Any:
            raise AssertionError(f"{cls.__name__} was read the slow way")

        return tolerant

    monkeypatch.setattr(shapes, "_tolerant_hook", refuse)
    converter = wire._make_converter()
    monkeypatch.setattr(wire, "_CONVERTER", converter)
    monkeypatch.setattr(wire, "_read_session", converter.get_structure_hook(UserSession))


@pytest.mark.usefixtures("_no_tolerance")
@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING"])
def test_a_realistic_page_is_read_the_fast_way(backend: str) -> None:
    """Every session of a realistic page, odd ones among them, takes the fast path."""
    page = sandbox_page(backend)
    oddities = [
        session
        for session in page
        if "isTest" in session
        or "callingSpecifics" in session
        or "callbackAddress" not in session["other"]
        or not session["links"]
    ]

    sessions = read_sessions(page.copy())

    assert len(sessions) == len(page) == 60
    assert len(oddities) > 10


@pytest.mark.usefixtures("_no_tolerance")
@pytest.mark.parametrize("cls", RECORDS)
def test_what_is_as_documented_is_read_the_fast_way(cls: type[Any]) -> None:
    """The documented form of every record takes the fast path, unknown fields or not."""
    assert from_wire(cls, wire_form(cls))
    assert from_wire(cls, wire_form(cls) | {"oddity": 1}).extra == {"oddity": 1}


@pytest.mark.usefixtures("_no_tolerance")
def test_a_surprise_is_read_the_slow_way() -> None:
    """Only a value of another type takes the tolerant path, so the tests above can fail."""
    with pytest.raises(AssertionError, match="UserSession was read the slow way"):
        read_sessions([a_session(durationSeconds="438")])
    with pytest.raises(AssertionError, match="CallRecordSelf was read the slow way"):
        from_wire(UserSession, a_session(self={"name": 7}))


# --- the text ---


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (
            b'{"a": [1, -0, 1.5, 1e3, true, null, "\xc3\xa9"]}',
            {"a": [1, 0, 1.5, 1e3, True, None, "é"]},
        ),
        (b" \r\n\t[] ", []),
        (b"7", 7),
        (b'"\\u00e9"', "é"),
        (b"1" * 4000, int("1" * 4000)),
        (b"[" * 50 + b"]" * 50, json.loads("[" * 50 + "]" * 50)),
    ],
)
def test_a_json_text_is_read(body: bytes, value: Any) -> None:
    """A JSON text in UTF-8 gives its value, big integers included."""
    assert read_json(body) == value


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "nothing"),
        (b" \n", "nothing"),
        (b"NaN", "something else"),
        (b"[Infinity]", "something else"),
        (b"[-Infinity]", "something else"),
        (b"[1e400]", "something else"),
        (b"[-1e400]", "something else"),
        (b"1" * 5000, "something else"),
        (b"\xef\xbb\xbf{}", "something else"),
        (b"{} {}", "something else"),
        (b'{"a": 1,}', "something else"),
        (b"{'a': 1}", "something else"),
        (b"<html>8b2f6c1e-private-0102</html>", "something else"),
        (b'{"id": "8b2f6c1e-private-0102', "something else"),
        (b'"8b2f6c1e-private-0102\x01"', "something else"),
        (b'{"name": "8b2f6c1e-private-0102 \xff"}', "bytes that are no UTF-8"),
        (b'"\xed\xa0\x80"', "bytes that are no UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "bytes that are no UTF-8"),
        (b"[" * 200_000, "values nested too deep"),
        (b'{"a":' * 200_000, "values nested too deep"),
        (b"[" * 200_000 + b"]" * 200_000, "values nested too deep"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_json_is_refused(body: bytes, found: str) -> None:
    """What is no strict JSON is a DecodeError that holds nothing of it, nor is anything chained."""
    with pytest.raises(DecodeError, match=rf"^\$: expected JSON, found {re.escape(found)}$") as no:
        read_json(body)

    holds_nothing_of_the_value(no.value)


# --- what is no plain JSON ---


def test_what_to_wire_gives_can_be_read_again_as_it_is() -> None:
    """to_wire() gives texts for the members of enums: from_wire() reads them without json."""
    session = from_wire(UserSession, a_session())

    written = to_wire(session)

    assert [type(written[name]) for name in ("disposition", "direction", "sessionType")] == [
        str
    ] * 3
    assert from_wire(UserSession, written) == session


def test_a_record_shares_nothing_with_the_dict_it_came_from() -> None:
    """What is changed afterwards in the caller's dicts, going in or out, is not in the record."""
    given = a_session(newField={"deep": [1]})
    session = from_wire(UserSession, given)
    given["newField"]["deep"].append(2)
    to_wire(session)["newField"]["deep"].append(3)

    assert session.extra["newField"] == {"deep": [1]}


def test_other_kinds_of_dicts_and_texts_are_read() -> None:
    """A mapping, and texts of a class of their own, count as what they are made from."""

    class Text(str):
        __slots__ = ()

    given = OrderedDict(a_session(sessionId=Text("x")), other=MappingProxyType({"name": Text("A")}))

    session = from_wire(UserSession, given)

    assert (session.session_id, session.other.name) == ("x", "A")
    assert type(session.session_id) is str


def test_what_is_nested_too_deep_is_refused() -> None:
    """A dict that holds itself is a DecodeError, not a RecursionError."""
    given: dict[str, Any] = a_session()
    given["self"] = given

    with pytest.raises(DecodeError, match="nested too deep"):
        from_wire(UserSession, given)


def test_extra_that_is_nested_too_deep_cannot_be_written() -> None:
    """What json reads, to_wire() may not be able to copy: that is a ValueError."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    session = attrs.evolve(from_wire(UserSession, a_session()), extra={"deep": deep})

    with pytest.raises(ValueError, match="nested too deep"):
        to_wire(session)
