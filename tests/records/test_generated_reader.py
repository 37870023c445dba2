"""What holds of reading and writing for anything that JSON can be."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cattrs import Converter
from hypothesis import given, settings
from hypothesis import strategies as st

from callhistory import DecodeError, UserSession, UserSessions, from_wire, to_wire
from callhistory._records import decode as wire
from callhistory._records import generated_reader as shapes
from callhistory._records.decode import read_json, read_sessions
from callhistory._records.exact_types import Mismatch, Unreadable
from tests.support.wire_samples import CLASSES, RECORDS, Wire, a_session, wire_form

quick = settings(max_examples=30)
thorough = settings(quick, max_examples=400)

times = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.sampled_from(["2026-03-01T09:00:00.250Z", "2026-03-01T10:00:00+01:00", "9999-12-31T24:00Z"]),
)
words = st.sampled_from(["MISSED", "ANSWERED", "Initiated", "missed", "SPARK", "INCOMING", "", " "])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 10**13, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    words,
    times,
)
names = st.sampled_from(["a", "id", "sessionId", "é", "", "odd-name"])
shallow = scalars | st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=2)
anything = shallow | st.lists(shallow, max_size=2) | st.dictionaries(names, shallow, max_size=2)


@pytest.fixture(autouse=True, scope="module")
def _nothing_noted() -> Iterator[None]:
    """Leave the warnings that are given once to the other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "_noted", set())
        yield


def paths(value: Any, *above: str | int) -> list[tuple[str | int, ...]]:
    """List where something can be changed in a JSON value."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found: list[tuple[str | int, ...]] = []
    for name, item in items:
        found += [(*above, name), *paths(item, *above, name)]
    return found


Mutation = tuple[tuple[str | int, ...], str, Any]


def mutated(form: Wire, mutations: list[Mutation]) -> Wire:
    """Remove, replace or add something at each of the paths that are still there."""
    form = copy.deepcopy(form)
    for path, kind, value in mutations:
        if path not in paths(form):
            continue  # an earlier one has taken the place away
        holder: Any = form
        for part in path[:-1]:
            holder = holder[part]
        if kind == "remove":
            del holder[path[-1]]
        elif kind == "add" and isinstance(holder, dict):
            holder["oddity"] = value
        else:
            holder[path[-1]] = value
    return form


def mutations_of(form: Wire) -> st.SearchStrategy[list[Mutation]]:
    """Give up to five changes of a record's wire form."""
    kinds = st.sampled_from(["remove", "replace", "add"])
    return st.lists(st.tuples(st.sampled_from(paths(form)), kinds, anything), max_size=5)


def attempt(read: Callable[[], Any]) -> Any:
    """Give what is read, or the error that says why it is not."""
    try:
        return read()
    except (DecodeError, Unreadable, Mismatch) as error:
        return error


def written(record: Any) -> str:
    """Give the JSON text of a record, so that 1, 1.0 and true differ."""
    return json.dumps(to_wire(record), allow_nan=False, sort_keys=True)


def survives(record: Any) -> bool:
    """Whether a record reads the same from the text that it is written as."""
    again = from_wire(type(record), read_json(written(record).encode()))
    return bool(again == record and written(again) == written(record))


def only_tolerant() -> Converter:
    """Make a converter without the fast path."""

    def never(_cls: type[Any], _converter: object) -> Callable[[Wire], Any]:
        def fast(_raw: Wire) -> Any:
            raise Mismatch

        return fast

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "_fast_hook", never)
        converter = wire._make_converter()
        for cls in CLASSES:
            converter.get_structure_hook(cls)
    return converter


TOLERANT = only_tolerant()


@pytest.mark.parametrize("cls", CLASSES)
@quick
@given(data=st.data())
def test_any_json_value_is_read_or_refused(cls: type[Any], data: st.DataObject) -> None:
    """Any JSON value either is a record that survives being written, or a DecodeError."""
    fields = st.sampled_from(sorted(wire_form(cls))) | names
    value = data.draw(st.dictionaries(fields, anything, max_size=8) | anything)
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
    """A realistic session in which fields were lost, nulled, retyped or added, likewise."""
    session = attempt(lambda: from_wire(UserSession, mutated(a_session(), mutations)))
    page = attempt(lambda: read_sessions([a_session(), mutated(a_session(), mutations)]))

    if isinstance(session, DecodeError):
        assert session.path in {"id", "startTime", "endTime"}
        assert page.path == f"userSessions[1].{session.path}"
    else:
        assert survives(session)
        assert page == (from_wire(UserSession, a_session()), session)


@pytest.mark.parametrize("cls", RECORDS)
@quick
@given(data=st.data())
def test_a_mutated_record_loses_nothing(cls: type[Any], data: st.DataObject) -> None:
    """Of a mutated form that is read, every field comes back that is not null, and no other."""
    form = mutated(wire_form(cls), data.draw(mutations_of(wire_form(cls))))

    record = attempt(lambda: from_wire(cls, form))

    if not isinstance(record, DecodeError):
        assert survives(record)
        assert {name for name, value in form.items() if value is not None} <= set(to_wire(record))
        assert set(to_wire(record)) <= set(form)


@pytest.mark.parametrize("cls", RECORDS)
@quick
@given(data=st.data())
def test_the_fast_path_and_the_tolerant_one_agree(cls: type[Any], data: st.DataObject) -> None:
    """Both ways of reading give records that are equal and write the same, or the same refusal."""
    form = mutated(wire_form(cls), data.draw(mutations_of(wire_form(cls))))

    usual = attempt(lambda: wire._CONVERTER.structure(form, cls))
    slow = attempt(lambda: TOLERANT.structure(form, cls))

    if isinstance(usual, cls):
        assert usual == slow
        assert written(usual) == written(slow)
    else:
        assert type(usual) is type(slow)
        assert vars(usual) == vars(slow)


@pytest.mark.parametrize("cls", RECORDS)
def test_the_two_ways_agree_on_what_is_as_documented(cls: type[Any]) -> None:
    """The documented form of every record reads and writes the same without the fast path."""
    slow = TOLERANT.structure(wire_form(cls), cls)

    assert slow == from_wire(cls, wire_form(cls))
    assert written(slow) == json.dumps(wire_form(cls), sort_keys=True)


@quick
@given(st.lists(st.sampled_from([a_session(), a_session(startTime=7), None, {}]), max_size=6))
def test_a_page_is_read_whole_or_not_at_all(page: list[Any]) -> None:
    """A page gives all of its sessions in their order, or the place of the first bad one."""
    bad = [number for number, session in enumerate(page) if session != a_session()]

    sessions = attempt(lambda: from_wire(UserSessions, {"userSessions": page}))

    if bad:
        assert sessions.path.startswith(f"userSessions[{bad[0]}]")
    else:
        assert len(sessions.user_sessions) == len(page)


@thorough
@given(st.binary(max_size=40) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    """Any bytes give what json.loads gives for them, or are a DecodeError."""
    value = attempt(lambda: read_json(body))

    if isinstance(value, DecodeError):
        assert value.__context__ is None
    else:
        assert json.dumps(value) == json.dumps(json.loads(body))
