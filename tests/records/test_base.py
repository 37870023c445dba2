"""The records as values: frozen, equal, copied, shown."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from callhistory import (
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    UserSession,
    from_wire,
    to_wire,
)
from tests.records.samples import sample, session
from tests.support.wire_samples import CLASSES, RECORDS, Wire, a_bare_session, a_session, wire_form

every_class = pytest.mark.parametrize("cls", CLASSES)
every_record = pytest.mark.parametrize("cls", RECORDS)


@every_class
def test_a_record_is_frozen_and_slotted(cls: type[Any]) -> None:
    """No attribute of a record can be set, added or deleted."""
    record = sample(cls)

    for name in (*attrs.fields_dict(cls), "anything"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(record, name, None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(record, attrs.fields(cls)[-1].name)
    assert not hasattr(record, "__dict__")


@every_class
def test_equal_records_hash_alike(cls: type[Any]) -> None:
    """Records with the same content are equal and count as the same key."""
    one, other = sample(cls), sample(cls)

    assert one is not other
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert one != "a text"


@every_class
def test_records_that_differ_in_an_attribute_are_not_equal(cls: type[Any]) -> None:
    """Every attribute counts, ``extra`` too; only how the JSON was written does not."""
    record = sample(cls)

    for attribute in attrs.fields(cls):
        if attribute.eq:
            changed = copy.copy(record)
            object.__setattr__(changed, attribute.name, object())
            assert changed != record, attribute.name


def test_records_of_two_classes_are_not_equal() -> None:
    """A record equals no record of another class, not even of a subclass with the same content."""

    class Line(CallRecordSelf):
        pass

    assert CallRecordSelf(name="A") != Line(name="A")
    assert Line(name="A") != CallRecordSelf(name="A")
    assert Line(name="A") == Line(name="A")
    assert CallRecordSelf() != CallRecordLink()


@every_class
@pytest.mark.parametrize(
    "copied_by",
    [
        copy.copy,
        copy.deepcopy,
        lambda record: pickle.loads(pickle.dumps(record, 2)),
        lambda record: pickle.loads(pickle.dumps(record)),
    ],
)
def test_a_record_survives_being_copied_and_pickled(
    cls: type[Any], copied_by: Callable[[Any], Any]
) -> None:
    """A copy, also out of a pickle, is equal, of the same class, and writes the same JSON."""
    record = sample(cls)

    copied = copied_by(record)

    assert type(copied) is cls
    assert copied == record
    assert to_wire(copied) == to_wire(record)


@pytest.mark.parametrize("copied_by", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "wire", [a_session(oddity={"nested": [1]}), a_bare_session(durationSeconds="438")]
)
def test_a_copy_is_as_unchangeable(
    copied_by: Callable[[UserSession], UserSession], wire: Wire
) -> None:
    """A copied session writes what the original writes, and its extra cannot be changed either."""
    original = from_wire(UserSession, wire)

    copied = copied_by(original)

    assert copied == original
    assert to_wire(copied) == to_wire(original)
    with pytest.raises(TypeError, match="cannot be changed"):
        operator.setitem(copied.extra, "oddity", 1)  # type: ignore[call-overload] # that is the point


def test_a_record_can_be_evolved() -> None:
    """A changed copy of a record has the new value, and the original stays as it was."""
    unread = session(isRead=False, oddity=1)

    seen = attrs.evolve(unread, is_read=True)

    assert (seen.is_read, unread.is_read) == (True, False)
    assert attrs.evolve(seen, is_read=False) == unread
    assert seen.extra == {"oddity": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda extra: operator.setitem(extra, "other", 2),
        lambda extra: operator.delitem(extra, "oddity"),
        lambda extra: extra.__ior__({"other": 2}),
        lambda extra: extra.clear(),
        lambda extra: extra.pop("oddity"),
        lambda extra: extra.popitem(),
        lambda extra: extra.setdefault("other", 2),
        lambda extra: extra.update(other=2),
    ],
)
@pytest.mark.parametrize("fields", [{"oddity": 1}, {}])
def test_extra_cannot_be_changed(change: Callable[[Any], object], fields: Wire) -> None:
    """Nothing can be put into a record's extra, taken out of it or replaced in it."""
    record = session(**fields)

    with pytest.raises(TypeError, match=r"^a record's extra cannot be changed; copy it with dict"):
        change(record.extra)

    assert record.extra == fields
    assert UserSession.__attrs_attrs__.extra.default == {}


def test_extra_is_a_copy_of_what_a_record_was_made_with() -> None:
    """Changing the dict that a record was made with does not change the record."""
    values = {"oddity": 1}
    link = CallRecordLink(extra=values)

    values["oddity"] = 2

    assert link.extra == {"oddity": 1}
    assert dict(link.extra) | {"more": 3} == {"oddity": 1, "more": 3}


def test_the_repr_shows_what_webex_sent() -> None:
    """The repr of a record shows its values and what is in extra, and leaves out what is absent."""
    other = CallRecordListOther(name="Ada", is_private=False, extra={"oddity": 1})
    assert repr(other) == "CallRecordListOther(name='Ada', is_private=False, extra={'oddity': 1})"
    assert repr(CallRecordLink()) == "CallRecordLink()"

    shown = repr(session(durationSeconds=0))

    assert shown.startswith("UserSession(id='8b2f6c1e-")
    assert "duration_seconds=0" in shown
    assert "self_=CallRecordSelf(id='user-1'" in shown
    assert "cucm_dn='5001'" in shown
    assert "extra" not in shown
    assert "absent" not in shown
    assert "correlation_ids" not in repr(from_wire(UserSession, a_bare_session()))


@every_record
def test_what_is_in_extra_makes_another_record(cls: type[Any]) -> None:
    """A record with something in extra can be hashed, and differs from one without."""
    odd = from_wire(cls, wire_form(cls) | {"oddity": {"nested": [1]}})

    assert odd != sample(cls)
    assert odd in {odd}


@every_class
def test_the_repr_of_every_class_is_one_line(cls: type[Any]) -> None:
    """No record's repr breaks the line, and each begins with the name of its class."""
    shown = repr(sample(cls))

    assert "\n" not in shown
    assert shown.removeprefix("<").startswith(cls.__name__)
