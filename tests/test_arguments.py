"""The arguments of the three calls: what they take, and the words that refuse the rest."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallingBackend,
    EndTimeSessionId,
    HistoryData,
    JanusResponseEvent,
    Sort,
    SortBy,
    UserSession,
    Webex,
    from_wire,
)
from callhistory._arguments import (
    days_ago,
    member,
    pairs_for_wire,
    seconds_above_zero,
    whole_number,
)
from tests.support.wire_samples import a_session

# Neither may be seen in any error.
SESSION_ID = "8b2f6c1e-0d4a-4c57-9a55-000000000002"
NUMBER = "+12065550102"
END = "2026-03-01T09:00:00.250Z"
END_MS = 1_772_355_600_250
FORM = {"endTime": END_MS, "sessionId": SESSION_ID}
A_PAIR = {"endTime": END, "sessionId": SESSION_ID}


class Whole:
    """An integer of another type, such as numpy's."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


class Array:
    """Has an index by its type only, as an array of several numbers."""

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def __repr__(self) -> str:
        return "array([1, 2])"


class Unshowable:
    """Cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.fixture
def client() -> Iterator[CallHistoryClient]:
    """Give a client whose Webex does not answer: whatever is sent fails as a TransportError."""
    webex = Webex(access_token="token", u2c_url="http://127.0.0.1:9/", max_retries=0)
    with webex, CallHistoryClient(webex) as made:
        yield made


def a_user_session(**changes: Any) -> UserSession:
    return from_wire(UserSession, a_session(sessionId=SESSION_ID, endTime=END) | changes)


def nothing_private(error: BaseException) -> bool:
    text = "".join(traceback.format_exception(error))
    return SESSION_ID not in text and NUMBER not in text


# --- days, limit, sort, sort_by ---


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"days": 0}, ValueError, "days: expected at least 1, not 0"),
        ({"days": -3}, ValueError, "days: expected at least 1, not -3"),
        (
            {"days": 100_000},
            ValueError,
            "days: 100000 is too large: it reaches back before 1970",
        ),
        ({"days": 10**12}, ValueError, "days: 1000000000000 is too large"),
        ({"days": 10**5000}, ValueError, "days: a value of type int is too large"),
        ({"days": -(10**5000)}, ValueError, "days: expected at least 1, not a value of type int"),
        ({"days": 1.0}, TypeError, "days: expected a whole number, not 1.0"),
        ({"days": 1.5}, TypeError, "days: expected a whole number, not 1.5"),
        ({"days": float("nan")}, TypeError, "days: expected a whole number, not nan"),
        ({"days": "7"}, TypeError, "days: expected a whole number, not '7'"),
        ({"days": True}, TypeError, "days: expected a whole number, not True"),
        ({"days": None}, TypeError, "days: expected a whole number, not None"),
        ({"days": int}, TypeError, "days: expected a whole number, not <class 'int'>"),
        ({"days": Array()}, TypeError, "days: expected a whole number, not array([1, 2])"),
        (
            {"days": Unshowable()},
            TypeError,
            "days: expected a whole number, not a value of type Unshowable",
        ),
        (
            {"days": "7" * 100},
            TypeError,
            "days: expected a whole number, not '" + "7" * 56 + "...",
        ),
        (
            {"days": timedelta(days=7)},
            TypeError,
            "days: expected a whole number, not datetime.timedelta(days=7)",
        ),
        ({"limit": 0}, ValueError, "limit: expected at least 1, not 0"),
        ({"limit": -1}, ValueError, "limit: expected at least 1, not -1"),
        ({"limit": 2**31}, ValueError, "limit: 2147483648 is too large"),
        ({"limit": 50.0}, TypeError, "limit: expected a whole number, not 50.0"),
        ({"limit": False}, TypeError, "limit: expected a whole number, not False"),
        ({"limit": [50]}, TypeError, "limit: expected a whole number, not [50]"),
        (
            {"sort": "descending"},
            ValueError,
            "sort: expected one of 'ASC', 'DESC', not 'descending'",
        ),
        ({"sort": ""}, ValueError, "sort: expected one of 'ASC', 'DESC', not ''"),
        ({"sort": " ASC"}, ValueError, "sort: expected one of 'ASC', 'DESC', not ' ASC'"),
        (
            {"sort": SortBy.END_TIME},
            ValueError,
            "sort: expected one of 'ASC', 'DESC', not <SortBy.END_TIME: 'endTime'>",
        ),
        ({"sort": None}, TypeError, "sort: expected one of 'ASC', 'DESC', not None"),
        ({"sort": -1}, TypeError, "sort: expected one of 'ASC', 'DESC', not -1"),
        ({"sort": b"ASC"}, TypeError, "sort: expected one of 'ASC', 'DESC', not b'ASC'"),
        (
            {"sort_by": "duration"},
            ValueError,
            "sort_by: expected one of 'startTime', 'endTime', not 'duration'",
        ),
        (
            {"sort_by": Sort.DESC},
            ValueError,
            "sort_by: expected one of 'startTime', 'endTime', not <Sort.DESC: 'DESC'>",
        ),
        (
            {"sort_by": None},
            TypeError,
            "sort_by: expected one of 'startTime', 'endTime', not None",
        ),
    ],
)
def test_a_wrong_argument_of_a_fetch_is_shown(
    client: CallHistoryClient, arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    """A wrong argument of a fetch is refused with its name and value, before anything is sent."""
    with pytest.raises(kind) as raised:
        client.get_call_history_data(**arguments)

    assert type(raised.value) is kind
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), (2**31 - 1, 2**31 - 1), (Whole(50), 50), (Whole(1), 1)]
)
def test_a_whole_number_of_any_type_is_taken(value: object, number: int) -> None:
    """A whole number may be of any type that has an index, and becomes an int."""
    taken = whole_number(value, "limit", least=1)

    assert type(taken) is int
    assert taken == number


def test_the_least_is_taken() -> None:
    """A whole number may be the least one itself."""
    assert whole_number(0, "max_retries", least=0) == 0


@pytest.mark.parametrize("days", [1, 7, Whole(30), 20_000])
def test_days_are_times_of_24_hours(days: Any) -> None:
    """The time so many days back is exact, in UTC, and in whole milliseconds."""
    length = timedelta(days=days.__index__())

    before = datetime.now(UTC)
    since = days_ago(days)
    after = datetime.now(UTC)

    assert before - length - timedelta(milliseconds=1) < since <= after - length
    assert since.microsecond % 1000 == 0
    assert since.tzinfo is UTC


@pytest.mark.parametrize("value", [Sort.ASC, "ASC", "asc", "Asc", "aSC"])
def test_a_member_is_taken_by_its_value_or_name(value: str) -> None:
    """An order is taken as a member, or as its value or name in any case."""
    assert member(value, Sort, "sort") is Sort.ASC


@pytest.mark.parametrize(
    "value", [SortBy.START_TIME, "startTime", "STARTTIME", "starttime", "START_TIME", "start_time"]
)
def test_a_member_whose_name_is_not_its_value_is_taken_by_both(value: str) -> None:
    """The time to sort by is taken as a member, its value or its name, in any case."""
    assert member(value, SortBy, "sort_by") is SortBy.START_TIME


@pytest.mark.parametrize("enum", [Sort, SortBy, CallingBackend])
def test_every_member_can_be_asked_for(enum: Any) -> None:
    """Each member of an enum is found by itself, its value and its name."""
    for option in enum:
        for value in (option, option.value, option.name, option.value.lower(), option.name.lower()):
            assert member(value, enum, "argument") is option


@pytest.mark.parametrize(("value", "seconds"), [(1, 1.0), (0.5, 0.5), (10**6, 1e6)])
def test_seconds_are_taken(value: float, seconds: float) -> None:
    """Seconds may be an int or a float, and become a float."""
    taken = seconds_above_zero(value, "timeout")

    assert type(taken) is float
    assert taken == seconds


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (10**400, ValueError),
        (True, TypeError),
        ("30", TypeError),
        (None, TypeError),
    ],
)
def test_what_are_no_seconds_is_refused(value: object, kind: type[Exception]) -> None:
    """Seconds that are not above zero, not finite or no number are refused by name and value."""
    with pytest.raises(kind) as raised:
        seconds_above_zero(value, "timeout")

    assert type(raised.value) is kind
    assert str(raised.value).startswith("timeout: expected ")
    assert repr(value)[:40] in str(raised.value)


# --- the pairs of a mark and a deletion ---


@pytest.mark.parametrize(
    "entry",
    [
        EndTimeSessionId(END, SESSION_ID),
        EndTimeSessionId(datetime(2026, 3, 1, 9, 0, 0, 250999, tzinfo=UTC), SESSION_ID),
        a_user_session(),
        a_user_session(id="another"),
        A_PAIR,
        MappingProxyType(A_PAIR),
        A_PAIR | {"endTime": "2026-03-01T10:00:00.25+01:00"},
        A_PAIR | {"endTime": datetime(2026, 3, 1, 1, 0, 0, 250000, timezone(timedelta(hours=-8)))},
        a_session(sessionId=SESSION_ID, endTime=END),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_a_pair_is_taken_in_any_form(entry: object) -> None:
    """A pair, a session or a mapping gives the end in integer milliseconds, and the session id."""
    assert pairs_for_wire([entry], "delete_session_ids") == [FORM]


@pytest.mark.parametrize(
    "several",
    [
        lambda pairs: pairs,
        tuple,
        iter,
        lambda pairs: (pair for pair in pairs),
        lambda pairs: dict.fromkeys(pairs).keys(),
        lambda pairs: dict(enumerate(pairs)).values(),
        frozenset,
    ],
)
def test_any_iterable_of_pairs_is_taken(several: Callable[[Any], Any]) -> None:
    """Pairs may come in a list, a set, a generator or whatever else can be iterated over."""
    pairs = [EndTimeSessionId(END, f"session-{number}") for number in range(3)]

    taken = pairs_for_wire(several(pairs), "delete_session_ids")

    assert sorted(pair["sessionId"] for pair in taken) == ["session-0", "session-1", "session-2"]
    assert {pair["endTime"] for pair in taken} == {END_MS}


@pytest.mark.parametrize("empty", [[], (), set(), iter(()), {}.values()])
def test_no_pairs_are_taken_as_none(empty: Any) -> None:
    """An empty iterable is no mistake."""
    assert pairs_for_wire(empty, "delete_session_ids") == []


def test_the_order_of_pairs_is_kept() -> None:
    """Pairs are sent in the order in which they came, doubles included."""
    pairs = [EndTimeSessionId(END, name) for name in "cab"] * 2

    assert [pair["sessionId"] for pair in pairs_for_wire(pairs, "x")] == list("cabcab")


def test_the_pairs_of_a_history_are_taken() -> None:
    """A history is a sequence of sessions, and can be passed on as a whole."""
    page = JanusResponseEvent(
        status_code=200, data=HistoryData(user_sessions=(a_user_session(),)), message="SUCCESS"
    )

    assert pairs_for_wire(page, "end_time_session_ids") == [FORM]


TIME = "is no ISO 8601 time with an offset, such as 2026-01-31T09:30:00.000Z"
BAD_ENTRIES: list[tuple[object, type[Exception], str]] = [
    (
        SESSION_ID,
        TypeError,
        ": expected an EndTimeSessionId, a UserSession or a mapping with endTime and sessionId, "
        "not str",
    ),
    (
        (END, SESSION_ID),
        TypeError,
        ": expected an EndTimeSessionId, a UserSession or a mapping with endTime and sessionId, "
        "not tuple",
    ),
    (
        None,
        TypeError,
        ": expected an EndTimeSessionId, a UserSession or a mapping with endTime and sessionId, "
        "not NoneType",
    ),
    ({"sessionId": SESSION_ID}, ValueError, ": has no endTime"),
    ({"endTime": END}, ValueError, ": has no sessionId"),
    (
        {"end_time": END, "session_id": SESSION_ID},
        ValueError,
        ": has no endTime and no sessionId",
    ),
    (A_PAIR | {"sessionId": ""}, ValueError, ".session_id: is empty"),
    (A_PAIR | {"sessionId": "  "}, ValueError, ".session_id: is empty"),
    (A_PAIR | {"sessionId": None}, TypeError, ".session_id: expected a text, not NoneType"),
    (A_PAIR | {"sessionId": 7}, TypeError, ".session_id: expected a text, not int"),
    (
        A_PAIR | {"endTime": None},
        TypeError,
        ".end_time: expected an ISO 8601 text or an aware datetime, not NoneType",
    ),
    (
        A_PAIR | {"endTime": END_MS},
        TypeError,
        ".end_time: expected an ISO 8601 text or an aware datetime, not int",
    ),
    (
        A_PAIR | {"endTime": "2026-03-01T09:00:00"},
        ValueError,
        f".end_time: '2026-03-01T09:00:00' {TIME}",
    ),
    (A_PAIR | {"endTime": "yesterday"}, ValueError, f".end_time: 'yesterday' {TIME}"),
    (A_PAIR | {"endTime": ""}, ValueError, f".end_time: '' {TIME}"),
    (A_PAIR | {"endTime": NUMBER}, ValueError, f".end_time: a text of 12 characters {TIME}"),
    (A_PAIR | {"endTime": SESSION_ID}, ValueError, f".end_time: a text of 36 characters {TIME}"),
    (
        {"endTime": SESSION_ID, "sessionId": END},
        ValueError,
        ".end_time and session_id are in each other's place",
    ),
    (
        A_PAIR | {"endTime": datetime(2026, 3, 1, 9)},
        ValueError,
        ".end_time: 2026-03-01T09:00:00 has no time zone; "
        "give it one, such as datetime(..., tzinfo=timezone.utc)",
    ),
    (
        UserSession(
            id=SESSION_ID,
            session_id=SESSION_ID,
            start_time=datetime(2026, 3, 1, 9),
            end_time=datetime(2026, 3, 1, 9),
        ),
        ValueError,
        ".end_time: 2026-03-01T09:00:00 has no time zone; "
        "give it one, such as datetime(..., tzinfo=timezone.utc)",
    ),
    (
        A_PAIR | {"endTime": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
        ValueError,
        ".end_time: 9999-12-31T23:59:59.999999-01:00 is no time in the years 1 to 9999 of UTC",
    ),
]
calls = pytest.mark.parametrize(
    ("call", "name"),
    [
        (CallHistoryClient.update_missed_calls, "end_time_session_ids"),
        (CallHistoryClient.delete_call_history_records, "delete_session_ids"),
    ],
)


@calls
@pytest.mark.parametrize(("entry", "kind", "text"), BAD_ENTRIES)
@pytest.mark.parametrize("index", [0, 2])
def test_a_wrong_entry_is_told_by_its_index(
    client: CallHistoryClient,
    call: Callable[..., object],
    name: str,
    entry: object,
    kind: type[Exception],
    text: str,
    index: int,
) -> None:
    """A list with a wrong entry is refused with its index, and shows no session id or number."""
    entries = [a_user_session()] * index + [entry, a_user_session()]

    with pytest.raises(kind) as raised:
        call(client, entries)

    assert type(raised.value) is kind
    assert str(raised.value) == f"{name}[{index}]{text}"
    assert nothing_private(raised.value)


@calls
@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (SESSION_ID, "expected several sessions, not one str"),
        (SESSION_ID.encode(), "expected several sessions, not one bytes"),
        (A_PAIR, "expected several sessions, not one dict"),
        (EndTimeSessionId(END, SESSION_ID), "expected several sessions, not one EndTimeSessionId"),
        (a_user_session(), "expected several sessions, not one UserSession"),
        (None, "expected sessions, not NoneType"),
        (7, "expected sessions, not int"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(
    client: CallHistoryClient, call: Callable[..., object], name: str, pairs: object, text: str
) -> None:
    """One session instead of several, or no iterable at all, is refused with its type."""
    with pytest.raises(TypeError) as raised:
        call(client, pairs)

    assert str(raised.value) == f"{name}: {text}"
    assert nothing_private(raised.value)


def test_a_mapping_may_be_of_any_type() -> None:
    """Whatever behaves as a mapping is taken as a pair in wire form."""

    class Row(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            return A_PAIR[key]

        def __iter__(self) -> Iterator[str]:
            return iter(A_PAIR)

        def __len__(self) -> int:
            return len(A_PAIR)

    assert pairs_for_wire([Row()], "delete_session_ids") == [FORM]


def test_a_session_in_the_wrong_place_is_not_shown(client: CallHistoryClient) -> None:
    """A session or a pair given for another argument is named by its type: its id stays hidden."""
    pair = EndTimeSessionId("2026-01-31T09:30:00Z", "a-secret-id")
    for wrong in (pair, [pair]):
        with pytest.raises(TypeError) as raised:
            client.get_call_history_data(days=wrong)  # type: ignore[arg-type]
        assert str(raised.value).endswith(f"not a value of type {type(wrong).__name__}")


def test_a_name_given_for_a_time_is_not_shown() -> None:
    """What may be a person's name is described, not shown."""
    with pytest.raises(ValueError, match="end_time: a text of 12 characters is no ISO 8601 time"):
        EndTimeSessionId("Ada Lovelace", "a-secret-id")
