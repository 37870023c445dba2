"""JSON to records: what is read, and what is refused."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhistory import (
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    DecodeError,
    EndTimeSessionId,
    HistoryData,
    JanusResponseEvent,
    UserReadSession,
    UserSession,
    UserSessions,
    from_wire,
    to_wire,
)
from callhistory._records import decode
from callhistory._records.base import Record
from tests.records.samples import (
    SECRET,
    Mutation,
    attempt,
    exactly,
    holds_nothing_of_the_value,
    json_values,
    mutated,
    mutations_of,
    names,
    quick,
    survives,
    thorough,
)
from tests.support.wire_samples import (
    CLASSES,
    RECORDS,
    Wire,
    a_bare_session,
    a_session,
    sandbox_page,
    wire_form,
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


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_as_documented_survives(cls: type[Any]) -> None:
    """The wire form of every class is written back exactly as it was read."""
    record = from_wire(cls, wire_form(cls))

    assert type(record) is cls
    assert exactly(to_wire(record)) == exactly(wire_form(cls))


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING"])
def test_a_realistic_page_survives(backend: str) -> None:
    """Every session of a realistic page is written back as it was read, but for its disposition.

    So is one with nothing but what is essential.
    """
    for session in [*sandbox_page(backend), a_bare_session(disposition="MISSED")]:
        written = to_wire(from_wire(UserSession, session))

        assert written.pop("disposition").upper() == session.pop("disposition").upper()
        assert exactly(written) == exactly(session)


@pytest.mark.parametrize("cls", RECORDS)
def test_each_optional_field_may_be_missing_or_null(
    cls: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A record without an optional field, or with null in it, is read, and nothing is logged."""
    for name in wire_form(cls).keys() - REQUIRED.get(cls.__name__, set()):
        form = wire_form(cls)
        del form[name]

        without, with_null = from_wire(cls, form), from_wire(cls, form | {name: None})

        assert without == with_null
        assert without.extra == {}
        assert exactly(to_wire(without)) == exactly(form)
        assert exactly(to_wire(with_null)) == exactly(form)
    assert caplog.text == ""


ID, TIME = "expected a string that is not blank", "expected an ISO 8601 time with an offset"
GONE = object()
# Fields that are changed in the documented form of a class, and the words for it.
REFUSED: dict[type[Any], list[tuple[Wire, str]]] = {
    UserSession: [
        ({"id": None, "sessionId": None}, f"id: {ID}, found null"),
        ({"id": 7, "sessionId": ""}, f"id: {ID}, found an integer"),
        ({"startTime": GONE}, f"startTime: {TIME}, found nothing"),
        ({"startTime": SECRET}, f"startTime: {TIME}, found a string"),
        ({"startTime": "2026-03-01T09:00:00"}, f"startTime: {TIME}, found a string"),
        ({"endTime": 1772355600250}, f"endTime: {TIME}, found an integer"),
        ({"endTime": {SECRET: 1}}, f"endTime: {TIME}, found an object"),
    ],
    HistoryData: [
        (
            {"userSessions": [a_session(), a_session(endTime=SECRET)]},
            f"userSessions[1].endTime: {TIME}, found a string",
        ),
    ],
    JanusResponseEvent: [
        (
            {"data": {"userSessions": [a_session(), a_session(), a_session(startTime=0)]}},
            f"data.userSessions[2].startTime: {TIME}, found an integer",
        ),
        ({"statusCode": "200"}, "statusCode: expected an integer, found a string"),
        ({"statusCode": True}, "statusCode: expected an integer, found a boolean"),
        ({"data": SECRET}, "data: expected an object, found a string"),
    ],
    UserSessions: [
        ({"userSessions": {}}, "userSessions: expected an array, found an object"),
        ({"userSessions": [[]]}, "userSessions[0]: expected an object, found an array"),
    ],
    CallSessionEvent: [
        (
            {"data": {"userSessions": {"userSessions": [a_session(startTime=SECRET)]}}},
            f"data.userSessions.userSessions[0].startTime: {TIME}, found a string",
        ),
        ({"data": {}}, "data.userSessions: expected an object, found nothing"),
    ],
    CallSessionViewedEvent: [
        (
            {"data": {"userReadSessions": {"userReadSessions": [{"sessionId": 7}]}}},
            f"data.userReadSessions.userReadSessions[0].sessionId: {ID}, found an integer",
        ),
    ],
    CallSessionDeletedEvent: [
        (
            {"data": {"deletedSessions": [SECRET, 7]}},
            "data.deletedSessions: expected an array of strings, found an array",
        ),
    ],
    UserReadSession: [({"sessionId": None, "id": "1"}, f"sessionId: {ID}, found null")],
    EndTimeSessionId: [
        ({"endTime": SECRET}, f"endTime: {TIME}, found a string"),
        ({"sessionId": ""}, f"sessionId: {ID}, found a string"),
    ],
}


@pytest.mark.parametrize(
    ("cls", "change", "text"),
    [(cls, change, text) for cls, cases in REFUSED.items() for change, text in cases],
)
def test_what_is_essential_is_missed_with_its_path(cls: type[Any], change: Wire, text: str) -> None:
    """If something essential is missing, the error has its path and types, never the value."""
    form = {name: v for name, v in (wire_form(cls) | change).items() if v is not GONE}

    with pytest.raises(DecodeError) as raised:
        from_wire(cls, form)

    assert str(raised.value) == text
    assert text.startswith(f"{raised.value.path}: expected {raised.value.expected}")
    holds_nothing_of_the_value(raised.value)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (SECRET, "a string"),
        (True, "a boolean"),
        ([], "an array"),
        ((), "tuple"),
    ],
)
def test_what_is_no_object_is_refused(cls: type[Any], value: Any, found: str) -> None:
    """Anything but an object in the place of a record is a DecodeError at ``$``."""
    with pytest.raises(DecodeError, match=rf"^\$: expected an object, found {found}$") as raised:
        from_wire(cls, value)

    assert raised.value.path == "$"
    holds_nothing_of_the_value(raised.value)


@pytest.mark.parametrize("cls", [dict, int, Record, "UserSession", None])
def test_only_records_are_read(cls: Any) -> None:
    """Anything but a class of this library's records is refused."""
    with pytest.raises(TypeError, match=r"^from_wire: expected a class of callhistory's records"):
        from_wire(cls, {})


def test_a_record_shares_nothing_with_the_dict_it_came_from() -> None:
    """A later change of the dict that was read, or of one that was written, changes no record."""
    given = a_session(newField={"deep": [1]})
    session = from_wire(UserSession, given)
    given["newField"]["deep"].append(2)
    to_wire(session)["newField"]["deep"].append(3)

    assert session.extra["newField"] == {"deep": [1]}


def test_other_kinds_of_dicts_and_texts_are_read() -> None:
    """Other mappings than dict, and subclasses of str, are read like a dict and a str."""

    class Text(str):
        __slots__ = ()

    given = OrderedDict(a_session(sessionId=Text("x")), other=MappingProxyType({"name": Text("A")}))

    session = from_wire(UserSession, given)

    assert (session.session_id, session.other.name) == ("x", "A")
    assert type(session.session_id) is str


def test_what_is_nested_too_deep_is_refused() -> None:
    """A dict that contains itself is a DecodeError, not a RecursionError."""
    given: dict[str, Any] = a_session()
    given["self"] = given

    with pytest.raises(DecodeError, match="nested too deep"):
        from_wire(UserSession, given)


@pytest.mark.parametrize("cls", CLASSES)
@quick
@given(data=st.data())
def test_any_json_value_is_read_or_refused(cls: type[Any], data: st.DataObject) -> None:
    """Any JSON value is either a record that survives being written, or a DecodeError."""
    fields = st.sampled_from(sorted(wire_form(cls))) | names
    value = data.draw(st.dictionaries(fields, json_values, max_size=8) | json_values)
    before = copy.deepcopy(value)

    record = attempt(lambda: from_wire(cls, value))

    if isinstance(record, DecodeError):
        assert record.__context__ is None
    else:
        assert survives(record)
    assert value == before


@thorough
@given(mutations=mutations_of(a_session()))
def test_a_mutated_session_is_read_or_refused(mutations: list[Mutation]) -> None:
    """A session with fields removed, replaced or added is either read or refused as well."""
    session = attempt(lambda: from_wire(UserSession, mutated(a_session(), mutations)))

    if isinstance(session, DecodeError):
        assert session.path in {"id", "startTime", "endTime"}
    else:
        assert survives(session)


@pytest.mark.parametrize("cls", RECORDS)
@quick
@given(data=st.data())
def test_a_mutated_record_loses_nothing(cls: type[Any], data: st.DataObject) -> None:
    """If a mutated form is read, every field that is not null is written back, and no other."""
    form = mutated(wire_form(cls), data.draw(mutations_of(wire_form(cls))))

    record = attempt(lambda: from_wire(cls, form))

    if not isinstance(record, DecodeError):
        assert survives(record)
        assert {name for name, value in form.items() if value is not None} <= set(to_wire(record))
        assert set(to_wire(record)) <= set(form)


@quick
@given(st.lists(st.sampled_from([a_session(), a_session(startTime=7), None, {}]), max_size=6))
def test_a_page_is_read_whole_or_not_at_all(page: list[Any]) -> None:
    """A page is read with all of its sessions in order, or the error names the first bad one."""
    bad = [number for number, session in enumerate(page) if session != a_session()]

    sessions = attempt(lambda: from_wire(UserSessions, {"userSessions": page}))

    if bad:
        assert sessions.path.startswith(f"userSessions[{bad[0]}]")
    else:
        assert len(sessions.user_sessions) == len(page)


def test_threads_may_read_first_at_the_same_time() -> None:
    """The readers are made at first use; threads that need them at the same time all have one."""
    at_once = 8
    expected = from_wire(UserSession, a_session())
    decode.hook_for.cache_clear()
    decode._converter.cache_clear()
    start = threading.Barrier(at_once)

    def read(_number: int) -> UserSession:
        start.wait()
        return from_wire(UserSession, a_session())

    with ThreadPoolExecutor(at_once) as threads:
        assert [*threads.map(read, range(at_once))] == [expected] * at_once
