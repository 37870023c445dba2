"""What is not as documented: what is put aside, and that nothing is coerced."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callhistory import (
    CallingSpecifics,
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    RedirectionDetails,
    UserSession,
    from_wire,
    to_wire,
)
from tests.records.samples import exactly
from tests.support.wire_samples import RECORDS, a_session, wire_form

SESSION_RECORDS: tuple[type[Any], ...] = (
    UserSession,
    CallRecordLink,
    CallRecordSelf,
    CallRecordListOther,
    CallingSpecifics,
    RedirectionDetails,
)


# One or more values of each JSON type except null.
JSON_VALUES: tuple[Any, ...] = ("false", "438", "None", True, False, 0, 438, 1.0, 1.5)
JSON_VALUES += ([], [1], ["a", None], {}, {"a": 1})


def other_types() -> list[Any]:
    """List every optional field of a session with every value of another type than documented."""
    essential = {"id", "sessionId", "startTime", "endTime"}
    found = []
    for cls in SESSION_RECORDS:
        for name, documented in wire_form(cls).items():
            if cls is UserSession and name in essential:
                continue
            for value in JSON_VALUES:
                texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
                if type(value) is not type(documented) or (type(value) is list and not texts):
                    case = f"{cls.__name__}-{name}-{value!r}"
                    found.append(pytest.param(cls, name, value, id=case))
    return found


both_ids = pytest.mark.parametrize(("sent", "other"), [("id", "sessionId"), ("sessionId", "id")])


@both_ids
@pytest.mark.parametrize("value", [..., None, 7, "", "  ", ["session-2"], {}])
def test_one_id_stands_for_the_other(sent: str, other: str, value: Any) -> None:
    """An id that is absent is replaced by the other one; one that is unreadable is put aside."""
    form = a_session(**{sent: "session-1"})
    del form[other]
    unreadable = {} if value in (None, ...) else {other: value}

    session = from_wire(UserSession, form if value is ... else form | {other: value})

    assert session.id == session.session_id == "session-1"
    assert session.extra == unreadable
    assert exactly(to_wire(session)) == exactly(form | unreadable)


@pytest.mark.parametrize(("cls", "name", "value"), other_types())
def test_nothing_is_coerced(cls: type[Any], name: str, value: Any) -> None:
    """A value of another type than documented is put aside as it is; its attribute is empty."""
    form = wire_form(cls) | {name: value}
    without = {key: kept for key, kept in form.items() if key != name}

    record = from_wire(cls, form)

    assert exactly(record.extra) == exactly({name: value})
    assert attrs.evolve(record, extra={}) == from_wire(cls, without)
    assert exactly(to_wire(record)) == exactly(form)


@pytest.mark.parametrize("cls", RECORDS)
@pytest.mark.parametrize("value", [*JSON_VALUES, None])
def test_an_unknown_field_is_kept(cls: type[Any], value: Any) -> None:
    """A field that the model does not name is in extra as it came, and is written back."""
    form = wire_form(cls) | {"oddity": value, "ODD-ity 2": value}

    record = from_wire(cls, form)

    assert exactly(record.extra) == exactly({"oddity": value, "ODD-ity 2": value})
    assert exactly(to_wire(record)) == exactly(form)


def test_unknown_and_unreadable_fields_are_kept_together() -> None:
    """A session keeps unknown and unreadable fields, on every level."""
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
