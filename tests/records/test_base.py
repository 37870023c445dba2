"""The records as values, and the names of their fields in JSON."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import pytest

from callhistory import (
    CallRecordLink,
    CallRecordListOther,
    UserSession,
    from_wire,
    to_wire,
)
from callhistory._records.timestamps import epoch_ms, write_time
from tests.records.samples import sample
from tests.support.wire_samples import (
    CLASSES,
    RECORDS,
    Wire,
    a_bare_session,
    a_session,
    wire_form,
)

# Every attribute, and the documentation's name for it.
NAMES: dict[str, dict[str, str]] = {
    "UserSession": {
        "id": "id",
        "session_id": "sessionId",
        "start_time": "startTime",
        "end_time": "endTime",
        "disposition": "disposition",
        "direction": "direction",
        "session_type": "sessionType",
        "url": "url",
        "duration_seconds": "durationSeconds",
        "joined_duration_seconds": "joinedDurationSeconds",
        "duration_secs": "durationSecs",
        "participant_count": "participantCount",
        "is_deleted": "isDeleted",
        "is_read": "isRead",
        "is_pmr": "isPMR",
        "correlation_ids": "correlationIds",
        "links": "links",
        "self_": "self",
        "other": "other",
        "calling_specifics": "callingSpecifics",
    },
    "CallRecordLink": {
        "locus_url": "locusUrl",
        "conversation_url": "conversationUrl",
        "callback_address": "callbackAddress",
    },
    "CallRecordSelf": {
        "id": "id",
        "name": "name",
        "phone_number": "phoneNumber",
        "cucm_dn": "cucmDN",
        "ucm_line_number": "ucmLineNumber",
    },
    "CallRecordListOther": {
        "id": "id",
        "owner_id": "ownerId",
        "name": "name",
        "sip_url": "sipUrl",
        "primary_display_string": "primaryDisplayString",
        "secondary_display_string": "secondaryDisplayString",
        "is_private": "isPrivate",
        "callback_address": "callbackAddress",
        "phone_number": "phoneNumber",
        "contact": "contact",
        "email": "email",
    },
    "CallingSpecifics": {"redirection_details": "redirectionDetails"},
    "RedirectionDetails": {
        "reason": "reason",
        "phone_number": "phoneNumber",
        "sip_url": "sipUrl",
        "name": "name",
        "user_id": "userId",
        "is_private": "isPrivate",
    },
    "EndTimeSessionId": {"end_time": "endTime", "session_id": "sessionId"},
    "UserSessions": {"user_sessions": "userSessions", "status_code": "statusCode"},
    "UserReadSession": {"session_id": "sessionId"},
    "UserReadSessions": {"user_read_sessions": "userReadSessions", "status_code": "statusCode"},
    "CallSessionData": {"user_sessions": "userSessions", "event_type": "eventType"},
    "CallSessionViewedData": {
        "user_read_sessions": "userReadSessions",
        "event_type": "eventType",
    },
    "CallSessionDeletedData": {"deleted_sessions": "deletedSessions", "event_type": "eventType"},
    "HistoryData": {"user_sessions": "userSessions", "error": "error"},
    "ReadStatusData": {"read_status_message": "readStatusMessage", "error": "error"},
    "DeleteStatusData": {"delete_status_message": "deleteStatusMessage", "error": "error"},
    **{
        event: {"id": "id", "timestamp": "timestamp", "tracking_id": "trackingId", "data": "data"}
        for event in ("CallSessionEvent", "CallSessionViewedEvent", "CallSessionDeletedEvent")
    },
    **{
        response: {"status_code": "statusCode", "message": "message", "data": "data"}
        for response in (
            "JanusResponseEvent",
            "UpdateMissedCallsResponse",
            "DeleteCallHistoryRecordsResponse",
        )
    },
}


# What has no place in the JSON: it is not Webex's, or comes in a header.
NOT_ON_THE_WIRE = {
    "extra",
    "_absent",
    "recovered",
    "retry_after",
}


every_class = pytest.mark.parametrize("cls", CLASSES)


every_record = pytest.mark.parametrize("cls", RECORDS)


def as_wire(attribute: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [as_wire(attribute, item) for item in value]
    if isinstance(value, datetime):
        return epoch_ms(value) if attribute == "timestamp" else write_time(value)
    return to_wire(value) if isinstance(value, CLASSES) else value


@every_class
def test_every_field_has_the_attribute_that_the_documentation_names(cls: type[Any]) -> None:
    """Each documented wire field of a class is read into its own snake_case attribute."""
    wire, record = wire_form(cls), sample(cls)
    names = NAMES[cls.__name__]

    assert set(wire) == set(names.values())
    for attribute, name in names.items():
        value = getattr(record, attribute)
        assert value is not None
        assert as_wire(attribute, value) == wire[name], attribute


@every_class
def test_no_attribute_is_undocumented(cls: type[Any]) -> None:
    """A class has the attributes of the documentation, and those that are not on the wire."""
    own = set(attrs.fields_dict(cls)) - NOT_ON_THE_WIRE
    if cls.__name__.endswith("Response") or cls.__name__ == "JanusResponseEvent":
        own -= {"tracking_id", "reason"}

    assert own == set(NAMES[cls.__name__])


@every_record
def test_a_record_is_frozen_and_slotted(cls: type[Any]) -> None:
    """No attribute of a record can be set, added or deleted."""
    record = sample(cls)

    for name in (*NAMES[cls.__name__], "extra", "anything"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(record, name, None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(record, next(iter(NAMES[cls.__name__])))
    assert not hasattr(record, "__dict__")


@every_class
def test_equal_records_hash_alike(cls: type[Any]) -> None:
    """Records with the same content are equal and one key; one that differs is another."""
    one, other = sample(cls), sample(cls)

    assert one is not other
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert one != "a text"


@every_record
def test_what_is_in_extra_makes_another_record(cls: type[Any]) -> None:
    """A record with something in extra can be hashed, and differs from one without."""
    odd = from_wire(cls, wire_form(cls) | {"oddity": {"nested": [1]}})

    assert odd != sample(cls)
    assert odd in {odd}


@every_class
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_a_record_survives_being_pickled(cls: type[Any], protocol: int) -> None:
    """A record comes out of a pickle equal, of its class, and writes the same JSON."""
    record = sample(cls)

    copied = pickle.loads(pickle.dumps(record, protocol))

    assert type(copied) is cls
    assert copied == record
    assert to_wire(copied) == to_wire(record)


@pytest.mark.parametrize("copied_by", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "wire", [a_session(oddity={"nested": [1]}), a_bare_session(durationSeconds="438")]
)
def test_a_copy_is_equal_and_as_unchangeable(
    copied_by: Callable[[UserSession], UserSession], wire: Wire
) -> None:
    """A copied session equals the first, writes the same JSON, and its extra is closed as well."""
    session = from_wire(UserSession, wire)

    copied = copied_by(session)

    assert copied == session
    assert to_wire(copied) == to_wire(session)
    with pytest.raises(TypeError, match="cannot be changed"):
        operator.setitem(copied.extra, "oddity", 1)  # type: ignore[call-overload]


def test_a_record_can_be_evolved() -> None:
    """A changed copy of a record has the new value, and leaves the first as it was."""
    session = from_wire(UserSession, a_session(isRead=False, oddity=1))

    seen = attrs.evolve(session, is_read=True)

    assert (seen.is_read, session.is_read) == (True, False)
    assert attrs.evolve(seen, is_read=False) == session
    assert seen.extra == {"oddity": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda extra: operator.setitem(extra, "oddity", 2),
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
    session = from_wire(UserSession, a_session(**fields))

    with pytest.raises(TypeError, match=r"^a record's extra cannot be changed; copy it with dict"):
        change(session.extra)

    assert session.extra == fields
    assert UserSession.__attrs_attrs__.extra.default == {}


def test_extra_is_a_copy_of_what_a_record_was_made_with() -> None:
    """Changing the dict that a record was made with does not change the record."""
    held = {"oddity": 1}
    link = CallRecordLink(extra=held)

    held["oddity"] = 2

    assert link.extra == {"oddity": 1}
    assert dict(link.extra) | {"more": 3} == {"oddity": 1, "more": 3}


def test_the_repr_shows_what_webex_sent() -> None:
    """The repr of a record names what it holds and what is in extra, and nothing that is absent."""
    other = CallRecordListOther(name="Ada", is_private=False, extra={"oddity": 1})
    assert repr(other) == "CallRecordListOther(name='Ada', is_private=False, extra={'oddity': 1})"
    assert repr(CallRecordLink()) == "CallRecordLink()"

    shown = repr(from_wire(UserSession, a_session(durationSeconds=0)))

    assert shown.startswith("UserSession(id='8b2f6c1e-")
    assert "duration_seconds=0" in shown
    assert "self_=CallRecordSelf(id='user-1'" in shown
    assert "cucm_dn='5001'" in shown
    assert "extra" not in shown
    assert "absent" not in shown
    assert "correlation_ids" not in repr(from_wire(UserSession, a_bare_session()))


@every_class
def test_the_repr_of_every_class_is_one_line(cls: type[Any]) -> None:
    """No record's repr breaks the line, and each begins with the name of its class."""
    shown = repr(sample(cls))

    assert "\n" not in shown
    assert shown.removeprefix("<").startswith(cls.__name__)
