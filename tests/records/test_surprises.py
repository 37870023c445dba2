"""What Webex sends beyond its documentation: what is logged of it, and how often."""

from __future__ import annotations

import itertools

import pytest

from callhistory import (
    CallSessionEvent,
    HistoryData,
    UserSession,
    from_wire,
    to_wire,
)
from tests.records.samples import SECRET, exactly
from tests.support.wire_samples import (
    Wire,
    a_session,
    wire_form,
)


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

    assert caplog.record_tuples == [("callhistory", 30, f"{warning}; it is kept in extra")]
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
