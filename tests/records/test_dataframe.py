"""Sessions as a DataFrame: its columns, its types, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pandas
import pytest

import callhistory
from callhistory import (
    ApiError,
    AuthenticationError,
    CallRecordListOther,
    Direction,
    Disposition,
    HistoryData,
    JanusResponseEvent,
    SessionType,
    UserSession,
    from_wire,
    to_dataframe,
)
from tests.records.samples import history, session
from tests.support.wire_samples import a_bare_session

# Each column, its type, and its value for the session that has every field.
COLUMNS: dict[str, tuple[str, Any]] = {
    "session_id": ("string", "8b2f6c1e-0d4a-4c57-9a55-000000000002"),
    "start_time": ("datetime64[us, UTC]", pandas.Timestamp("2026-03-01T08:59:30.125Z")),
    "end_time": ("datetime64[us, UTC]", pandas.Timestamp("2026-03-01T09:00:00.250Z")),
    "direction": ("category", "INCOMING"),
    "disposition": ("category", "MISSED"),
    "session_type": ("category", "WEBEXCALLING"),
    "duration_seconds": ("Int64", 30),
    "joined_duration_seconds": ("Int64", 28),
    "participant_count": ("Int64", 2),
    "is_read": ("boolean", True),
    "is_deleted": ("boolean", False),
    "is_pmr": ("boolean", False),
    "self_name": ("string", "Robin"),
    "self_phone_number": ("string", "+12065550101"),
    "self_cucm_dn": ("string", "5001"),
    "self_ucm_line_number": ("Int64", 2),
    "other_id": ("string", "user-2"),
    "other_name": ("string", "Ada"),
    "other_phone_number": ("string", "+12065550102"),
    "other_email": ("string", "ada@example.com"),
    "other_is_private": ("boolean", False),
    "redirection_reason": ("string", "busy"),
    "redirection_name": ("string", "Front desk"),
    "redirection_phone_number": ("string", "+12065550104"),
}
TYPES = {name: kind for name, (kind, _) in COLUMNS.items()}


@pytest.mark.parametrize(
    "sessions",
    [
        [],
        [session()],
        [from_wire(UserSession, a_bare_session())],
        [session(isRead=None), session(callingSpecifics=None, other=None, self=None)],
    ],
    ids=["none", "full", "bare", "mixed"],
)
def test_the_columns_and_types_are_always_the_same(sessions: list[UserSession]) -> None:
    """A frame has these columns of these types, whatever is in the sessions, or without any."""
    for frame in (to_dataframe(sessions), history(*sessions).to_dataframe()):
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == TYPES
        assert len(frame) == len(sessions)
        pandas.testing.assert_series_equal(frame.dtypes, to_dataframe([]).dtypes)


def test_a_row_has_what_the_session_has() -> None:
    """Each column has the value of the session, and <NA> where there is none."""
    frame = to_dataframe([session(), from_wire(UserSession, a_bare_session())])

    assert frame.loc[0].to_dict() == {name: value for name, (_, value) in COLUMNS.items()}
    missing = [name for name, value in frame.loc[1].items() if pandas.isna(value)]
    assert set(missing) == set(TYPES) - {"session_id", "start_time", "end_time"}


@pytest.mark.parametrize(
    "sessions",
    [
        [session(sessionId=number) for number in "321"],
        (session(sessionId=number) for number in "321"),
        history(*(session(sessionId=number) for number in "321")),
    ],
    ids=["list", "generator", "history"],
)
def test_any_iterable_of_sessions_will_do(sessions: Iterable[UserSession]) -> None:
    """Sessions may be in any iterable, and keep their order."""
    assert list(to_dataframe(sessions).session_id) == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        (session(), r"^sessions: expected several sessions, not UserSession$"),
        (None, r"^sessions: expected several sessions, not NoneType$"),
        ([session(), "secret"], r"^sessions\[1\]: expected a UserSession, not str$"),
        ("secret", r"^sessions\[0\]: expected a UserSession, not str$"),
    ],
)
def test_anything_else_is_refused(sessions: Any, words: str) -> None:
    """One session alone, or what is not a session, is refused with its place and its type."""
    with pytest.raises(TypeError, match=words):
        to_dataframe(sessions)


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (503, ApiError)])
@pytest.mark.parametrize("make", [to_dataframe, JanusResponseEvent.to_dataframe])
def test_a_failed_history_is_no_empty_frame(
    status: int, kind: type[ApiError], make: Callable[[JanusResponseEvent], Any]
) -> None:
    """A failed history raises what raise_for_status does."""
    failed = JanusResponseEvent(status_code=status, data=HistoryData(error="no"))

    with pytest.raises(ApiError) as raised:
        make(failed)
    assert type(raised.value) is kind


def test_categories_are_what_is_known_then_what_is_new() -> None:
    """Known values are categories, also those that do not occur; a new one comes after them."""
    frame = to_dataframe(
        [
            session(disposition=disposition, direction=direction, sessionType="FAX")
            for disposition, direction in [("VOICEMAIL", None), ("Initiated", "OUTGOING")]
        ]
    )

    assert list(frame.disposition.cat.categories) == [*Disposition, "VOICEMAIL"]
    assert list(frame.direction.cat.categories) == [*Direction]
    assert list(frame.session_type.cat.categories) == [*SessionType, "FAX"]
    assert list(frame.disposition) == ["VOICEMAIL", "Initiated"]
    assert frame.direction.isna().tolist() == [True, False]
    assert {type(value) for value in frame.disposition.cat.categories} == {str}


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=UTC),
        datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=-7))),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_a_time_is_the_same_instant(moment: datetime) -> None:
    """A time of any year is in the frame to the microsecond, in UTC."""
    frame = to_dataframe([attrs.evolve(session(), start_time=moment)])

    assert frame.start_time[0] == moment
    assert str(frame.start_time.dt.tz) == "UTC"


@pytest.mark.parametrize(
    ("sent", "older", "shown"), [(30, 29, 30), (None, 29, 29), (0, 29, 0), (2**70, None, None)]
)
def test_a_duration_goes_by_either_name(
    sent: int | None, older: int | None, shown: int | None
) -> None:
    """A duration has Webex's newer name or its older one; one of more than 64 bits is <NA>."""
    (value,) = to_dataframe([session(durationSeconds=sent, durationSecs=older)]).duration_seconds

    assert (None if value is pandas.NA else value) == shown


@pytest.mark.parametrize("name", ["", "<b>", "\ud800", "\x00", "x" * 100_000, "nan", "None", "NA"])
def test_a_name_is_kept_as_it_is(name: str) -> None:
    """A stranger's name is in the frame exactly as it is."""
    shown = attrs.evolve(session(), other=CallRecordListOther(name=name))

    assert list(to_dataframe([shown]).other_name) == [name]


def test_without_pandas_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pandas is not installed, the error says what to install; a failure comes first."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    for make in (history().to_dataframe, lambda: callhistory.to_dataframe([])):
        with pytest.raises(ImportError, match=r'pip install "callhistory\[pandas\]"') as raised:
            make()
        assert raised.value.name == "pandas"
    with pytest.raises(ApiError):
        JanusResponseEvent(status_code=500, data=HistoryData()).to_dataframe()


def test_ten_thousand_sessions_have_a_row_each() -> None:
    """A frame of ten thousand sessions has as many rows, in their order."""
    sessions = [session(sessionId=str(number)) for number in range(10_000)]

    assert list(to_dataframe(sessions).session_id) == [each.session_id for each in sessions]


def test_members_of_the_enums_find_their_rows() -> None:
    """A column can be compared with a member of its enum, as a session's attribute can."""
    frame = to_dataframe([session(), session(disposition="Answered")])

    assert (frame.disposition == Disposition.MISSED).tolist() == [True, False]
