"""Records to test with, and JSON values of every kind for hypothesis."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from callhistory import (
    DecodeError,
    HistoryData,
    JanusResponseEvent,
    UserSession,
    from_wire,
    to_wire,
)
from callhistory._records.generated_reader import Mismatch
from callhistory._records.json_path import Unreadable
from callhistory._records.strict_json import read_json
from tests.support.wire_samples import Wire, a_session, wire_form

SECRET = "8b2f6c1e-private-0102"

quick = settings(max_examples=30)
thorough = settings(quick, max_examples=400)

_times = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.sampled_from(["2026-03-01T09:00:00.250Z", "2026-03-01T10:00:00+01:00", "9999-12-31T24:00Z"]),
)
_words = st.sampled_from(
    ["MISSED", "ANSWERED", "Initiated", "missed", "SPARK", "INCOMING", "", " "]
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 10**13, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    _words,
    _times,
)
names = st.sampled_from(["a", "id", "sessionId", "é", "", "odd-name"])
_shallow = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(names, _scalars, max_size=2)
json_values = (
    _shallow | st.lists(_shallow, max_size=2) | st.dictionaries(names, _shallow, max_size=2)
)

Path = tuple[str | int, ...]
Mutation = tuple[Path, str, Any]


def sample(cls: type[Any]) -> Any:
    """Return a record of a class with every documented field."""
    return from_wire(cls, wire_form(cls))


def session(**changes: Any) -> UserSession:
    """Return a session with every documented field; changes are by wire name."""
    return from_wire(UserSession, a_session(**changes))


def history(*sessions: UserSession) -> JanusResponseEvent:
    """Return a page of sessions."""
    data = HistoryData(user_sessions=sessions)
    return JanusResponseEvent(status_code=200, data=data, message="SUCCESS")


def exactly(value: Any) -> str:
    """Return the JSON text of a value, so that 1, 1.0 and true differ."""
    return json.dumps(value, allow_nan=False, sort_keys=True)


def holds_nothing_of_the_value(error: DecodeError) -> None:
    """Check that neither the error nor anything chained to it has what was refused."""
    assert error.__cause__ is None
    assert error.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in repr(vars(error))
    assert SECRET.encode() not in pickle.dumps(error)


def attempt(read: Callable[[], Any]) -> Any:
    """Return what is read, or the error that says why it is not."""
    try:
        return read()
    except (DecodeError, Unreadable, Mismatch) as error:
        return error


def survives(record: Any) -> bool:
    """Whether a record reads the same from the text that it is written as."""
    text = exactly(to_wire(record))
    again = from_wire(type(record), read_json(text.encode()))
    return bool(again == record and exactly(to_wire(again)) == text)


def paths(value: Any, *above: str | int) -> list[Path]:
    """List where something can be changed in a JSON value."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found: list[Path] = []
    for name, item in items:
        found += [(*above, name), *paths(item, *above, name)]
    return found


def mutations_of(form: Wire) -> st.SearchStrategy[list[Mutation]]:
    """Return up to five changes of a record's wire form."""
    kinds = st.sampled_from(["remove", "replace", "add"])
    return st.lists(st.tuples(st.sampled_from(paths(form)), kinds, json_values), max_size=5)


def mutated(form: Wire, mutations: list[Mutation]) -> Wire:
    """Remove, replace or add something at each of the paths that are still there."""
    form = copy.deepcopy(form)
    for path, kind, value in mutations:
        if path not in paths(form):
            continue  # an earlier one has taken the place away
        parent: Any = form
        for part in path[:-1]:
            parent = parent[part]
        if kind == "remove":
            del parent[path[-1]]
        elif kind == "add" and isinstance(parent, dict):
            parent["oddity"] = value
        else:
            parent[path[-1]] = value
    return form
