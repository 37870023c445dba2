"""The sessions, and the pair that names one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from callhistory import (
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    EndTimeSessionId,
    UserSession,
    from_wire,
)
from callhistory._records.wire_names import RECORDS
from tests.support.wire_samples import (
    a_bare_session,
    a_session,
)


def test_a_session_gives_the_pair_that_names_it() -> None:
    """The pair of a session is its end time and its session id, not its record's id."""
    session = from_wire(UserSession, a_session())

    assert session.end_time_session_id == EndTimeSessionId(session.end_time, session.session_id)


def test_what_was_left_out_is_none_or_empty() -> None:
    """A session with nothing but its essentials has None, empty lists and empty records."""
    session = from_wire(UserSession, a_bare_session())

    left_out = {field.attribute for field in RECORDS[UserSession] if not field.required}
    empty = {
        "correlation_ids": (),
        "links": CallRecordLink(),
        "self_": CallRecordSelf(),
        "other": CallRecordListOther(),
    }
    assert {name: getattr(session, name) for name in left_out} == dict.fromkeys(left_out) | empty
    assert session.extra == {}
    assert session.other.name is None


def test_a_session_can_be_made_by_hand() -> None:
    """A record can be made from its essential attributes alone, by keyword."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)

    session = UserSession(id="1", session_id="1", start_time=moment, end_time=moment)

    assert session.end_time_session_id.session_id == "1"
    positional: tuple[Any, ...] = ("1", "1", moment, moment)
    with pytest.raises(TypeError, match="positional"):
        UserSession(*positional)  # type: ignore[call-arg] # that is the point
    with pytest.raises(TypeError, match="end_time"):
        UserSession(id="1", session_id="1", start_time=moment)  # type: ignore[call-arg] # that is the point


END = datetime(2026, 3, 1, 9, 0, 0, 250000, tzinfo=UTC)


class MissingTime(datetime):
    """A datetime that stands for a missing time, as pandas' NaT does."""

    def utcoffset(self) -> timedelta | None:
        raise ValueError("NaTType does not support utcoffset")

    def isoformat(self, *_args: Any, **_kwargs: Any) -> str:
        return "NaT"


@pytest.mark.parametrize(
    "end_time",
    [
        END,
        END.astimezone(timezone(timedelta(hours=-8))),
        "2026-03-01T09:00:00.250Z",
        "2026-03-01T10:00:00.25+01:00",
        "2026-03-01 09:00:00.250z",
    ],
)
def test_the_end_is_kept_in_utc(end_time: datetime | str) -> None:
    """An aware datetime and an ISO 8601 text with an offset both become the same UTC time."""
    pair = EndTimeSessionId(end_time, "session-1")

    assert pair.end_time == END
    assert pair.end_time.tzinfo is UTC
    assert pair.session_id == "session-1"
    assert pair == EndTimeSessionId(END, "session-1")
    assert hash(pair) == hash(EndTimeSessionId(END, "session-1"))


NOT_ISO = "is not an ISO 8601 time with an offset, such as 2026-01-31T09:30:00.000Z"
NOT_IN_UTC = "is not within the years 1 to 9999 in UTC"
NOT_A_TIME = "end_time: expected an ISO 8601 string or an aware datetime, not"
NAIVE = "has no time zone; add one, such as datetime(..., tzinfo=timezone.utc)"
TOO_LATE = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))


@pytest.mark.parametrize(
    ("end_time", "session_id", "kind", "text"),
    [
        (datetime(2026, 3, 1, 9), "s", ValueError, f"end_time: 2026-03-01T09:00:00 {NAIVE}"),
        (TOO_LATE, "s", ValueError, f"end_time: {TOO_LATE.isoformat()} {NOT_IN_UTC}"),
        (MissingTime(2026, 3, 1), "s", ValueError, f"end_time: NaT {NOT_IN_UTC}"),
        *(
            (text, "s", ValueError, f"end_time: {text!r} {NOT_ISO}")
            for text in ("2026-03-01T09:00:00", "yesterday", "")
        ),
        (1772355600250, "s", TypeError, f"{NOT_A_TIME} int"),
        (END.date(), "s", TypeError, f"{NOT_A_TIME} date"),
        (END, "", ValueError, "session_id: is empty"),
        (END, " \t", ValueError, "session_id: is empty"),
        (END, 7, TypeError, "session_id: expected a string, not int"),
        (
            "8b2f6c1e",
            "2026-03-01T09:00:00Z",
            ValueError,
            "end_time and session_id are swapped",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(
    end_time: Any, session_id: Any, kind: type[Exception], text: str
) -> None:
    """A wrong argument raises at once, with words that name it and what it should have been."""
    with pytest.raises(kind) as raised:
        EndTimeSessionId(end_time, session_id)

    assert type(raised.value) is kind
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("misplaced", "shown"),
    [
        ("8b2f6c1e-0d4a-4c57-9a55-000000000001", "a string of 36 characters"),
        ("2065-55-0102-abcdef", "a string of 19 characters"),
        ("1772355600250", "a string of 13 characters"),
        ("2026-03-01T09:00:00." + "0" * 100, r"'2026-03-01T09:00:00\.0{20}'"),
    ],
)
def test_an_id_or_a_number_in_the_place_of_the_time_is_not_shown(
    misplaced: str, shown: str
) -> None:
    """A session id or a phone number given for the time appears nowhere in the error."""
    with pytest.raises(ValueError, match=rf"^end_time: {shown} is not an ISO 8601 time") as raised:
        EndTimeSessionId(misplaced, "session-1")

    chained: BaseException | None = raised.value
    while chained is not None:
        assert misplaced not in repr(chained)
        chained = chained.__cause__ or chained.__context__


def test_a_pair_can_be_evolved_and_has_a_repr() -> None:
    """A changed copy of a pair has the new value; its repr is the call that makes it."""
    pair = EndTimeSessionId(END, "session-1")

    assert attrs.evolve(pair, session_id="session-2") == EndTimeSessionId(END, "session-2")
    assert repr(pair) == f"EndTimeSessionId(end_time={END!r}, session_id='session-1')"
