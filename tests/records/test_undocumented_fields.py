"""What Webex sends beyond its documentation: what is logged about it, and how often."""

from __future__ import annotations

import itertools
import logging
import re
from typing import Any

import attrs
import pytest

from callhistory import CallSessionEvent, HistoryData, from_wire, to_wire
from tests.records.samples import SECRET, exactly, session
from tests.support.wire_samples import Wire, a_session, wire_form

# A change of a session, and what is logged about it after "userSessions[]".
OF_ANOTHER_TYPE: list[tuple[Wire, str]] = [
    ({"durationSeconds": SECRET}, ".durationSeconds: expected an integer, found a string"),
    ({"url": {SECRET: 1}}, ".url: expected a string, found an object"),
    ({"disposition": 8102}, ".disposition: expected a string, found an integer"),
    ({"url": 8.102}, ".url: expected a string, found a number"),
    ({"callingSpecifics": SECRET}, ".callingSpecifics: expected an object, found a string"),
    (
        {"correlationIds": [SECRET, 1]},
        ".correlationIds: expected an array of strings, found an array",
    ),
    ({"id": " "}, ".id: expected a string that is not blank, found a string"),
    ({"other": {"isPrivate": SECRET}}, ".other.isPrivate: expected a boolean, found a string"),
    ({"self": {"name": 8102}}, ".self.name: expected a string, found an integer"),
    (
        {"callingSpecifics": {"redirectionDetails": {"reason": 8102}}},
        ".callingSpecifics.redirectionDetails.reason: expected a string, found an integer",
    ),
]
UNNAMED: list[tuple[Wire, str, str]] = [
    ({"isTest": True, "newField": SECRET}, ".newField", "a string"),
    ({"other": {"newField": None}}, ".other.newField", "null"),
    ({"callingSpecifics": {"newField": []}}, ".callingSpecifics.newField", "an array"),
    *(({name: 1}, ".?", "an integer") for name in (SECRET, "é" + SECRET, "", "n" * 50)),
    *(({name: 1}, ".?", "an integer") for name in ("Robin", "a8f0b2")),
]


@pytest.mark.parametrize(
    ("change", "warning"),
    OF_ANOTHER_TYPE
    + [(c, f"{path}: unknown to this version, found {kind}") for c, path, kind in UNNAMED],
)
def test_a_surprise_is_logged_once(
    change: Wire, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A surprise is logged by path and types, once however often it comes, and never its value."""
    for _ in range(3):
        session(**change)

    warning = f"userSessions[]{warning}; it is kept in extra"
    assert caplog.record_tuples == [("callhistory", logging.WARNING, warning)]
    assert not re.search(rf"{SECRET}|8\.?102", caplog.text)


@pytest.mark.parametrize(
    ("cls", "name", "wanted"),
    [
        (CallSessionEvent, "timestamp", "an integer of milliseconds"),
        (HistoryData, "userSessions", "an array"),
    ],
)
def test_a_surprise_outside_of_sessions_is_logged_by_its_class(
    cls: type[Any], name: str, wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A value of another type in an envelope or an answer is put aside, and logged by its class."""
    record = from_wire(cls, wire_form(cls) | {name: SECRET})

    assert record.extra == {name: SECRET}
    assert SECRET not in repr(attrs.evolve(record, extra={}))
    assert caplog.messages == [
        f"{cls.__name__}.{name}: expected {wanted}, found a string; it is kept in extra"
    ]


def test_what_is_seen_but_undocumented_is_kept_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The four undocumented fields of real sessions are in extra, in order; nothing is logged."""
    form = a_session(isTest=True)
    familiar = {
        "incomingCallProtocols": [],
        "callbackInfo": {"callbackAddress": "robin@example.com", "callbackType": "EMAIL"},
        "lookUpInfo": {"lookupLink": "https://example.com", "type": "CONVERSATION"},
    }
    form["self"] |= familiar

    record = session(**form)

    assert record.extra == {"isTest": True}
    assert list(record.self_.extra.items()) == list(familiar.items())
    assert exactly(to_wire(record)) == exactly(form)
    assert caplog.text == ""


def test_endless_surprises_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of names that are new each time, no more than a thousand are logged; all are kept."""
    endings = itertools.product("abcdefghijkl", repeat=3)
    names = [f"field{''.join(ending)}" for ending in itertools.islice(endings, 1500)]

    record = session(**dict.fromkeys(names, 1))

    assert record.extra.keys() == set(names)
    assert len(caplog.records) == 1000
