"""What the three calls accept as arguments, and what they refuse before anything is sent."""

from __future__ import annotations

import traceback
from collections import UserDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    EndTimeSessionId,
    Sort,
    SortBy,
    UserSession,
    Webex,
    from_wire,
)
from callhistory.sandbox import Sandbox
from tests.support.wire_samples import a_bare_session, a_session

# Neither may be seen in any error.
SESSION_ID = "8b2f6c1e-0d4a-4c57-9a55-000000000002"
NUMBER = "+12065550102"
END = "2026-03-01T09:00:00.250Z"
END_MS = 1_772_355_600_250
A_PAIR = {"endTime": END, "sessionId": SESSION_ID}
HISTORY = "/history/userSessions"


class Whole:
    """An integer of another type, such as numpy's."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


class Array:
    """Has an index by its type only, like an array of several numbers."""

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def __repr__(self) -> str:
        return "array([1, 2])"


class Unshowable:
    """Has no repr."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.fixture
def client() -> Iterator[CallHistoryClient]:
    """Return a client whose Webex does not answer: whatever is sent is a TransportError."""
    webex = Webex(access_token="token", u2c_url="http://127.0.0.1:9/", max_retries=0)
    with webex, CallHistoryClient(webex) as made:
        yield made


@pytest.fixture
def answered(used_cloud: Sandbox) -> Iterator[CallHistoryClient]:
    """Return a client of a sandbox."""
    with used_cloud.webex() as webex, CallHistoryClient(webex) as made:
        yield made


def a_user_session(**changes: Any) -> UserSession:
    return from_wire(UserSession, a_session(sessionId=SESSION_ID, endTime=END) | changes)


def check_refusal(error: BaseException, kind: type[Exception], text: str) -> None:
    """Assert the type and the words of an error, and that it shows nothing private."""
    assert type(error) is kind
    assert str(error) == text
    shown = "".join(traceback.format_exception(error)) + repr(error.args)
    assert SESSION_ID not in shown
    assert NUMBER not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


# --- days, limit, sort, sort_by ---


@pytest.mark.parametrize(
    ("limit", "sent"), [(1, "1"), (2**31 - 1, "2147483647"), (Whole(50), "50"), (Whole(1), "1")]
)
def test_limit(used_cloud: Sandbox, answered: CallHistoryClient, limit: Any, sent: str) -> None:
    """A limit is a whole number of any type, at least 1."""
    # The sandbox's own largest limit is not the point.
    used_cloud.fail_next(HISTORY, body={"userSessions": []})

    assert answered.get_call_history_data(limit=limit).ok

    assert used_cloud.requests_to(HISTORY)[-1].query["limit"] == sent


@pytest.mark.parametrize("days", [1, 7, Whole(30), 365, 20_000])
def test_days(used_cloud: Sandbox, answered: CallHistoryClient, days: Any) -> None:
    """Days are times of 24 hours, a whole number of any type, exact to the millisecond."""
    before = datetime.now(UTC)
    answered.get_call_history_data(days=days)
    after = datetime.now(UTC)

    since = datetime.fromisoformat(used_cloud.requests_to(HISTORY)[-1].query["from"])
    length = timedelta(days=days.__index__())
    assert before - timedelta(milliseconds=1) < since + length <= after
    assert since.microsecond % 1000 == 0


@pytest.mark.parametrize("sort", [Sort.ASC, "ASC", "asc", "Asc", "aSC"])
def test_sort(used_cloud: Sandbox, answered: CallHistoryClient, sort: Any) -> None:
    """An order is a member, or its value or name in any case."""
    answered.get_call_history_data(sort=sort)

    assert used_cloud.requests_to(HISTORY)[-1].query["sort"] == "ASC"


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [
        *((SortBy.END_TIME, "ba"), ("endTime", "ba"), ("ENDTIME", "ba"), ("end_time", "ba")),
        *((SortBy.START_TIME, "ab"), ("startTime", "ab"), ("STARTTIME", "ab")),
        *(("starttime", "ab"), ("START_TIME", "ab"), ("start_time", "ab")),
    ],
)
def test_sort_by(
    used_cloud: Sandbox, answered: CallHistoryClient, sort_by: Any, order: str
) -> None:
    """The time to sort by is a member, or its value or name in any case."""
    starts = {"a": "2026-03-01T08:59:59.000Z", "b": "2026-03-01T08:00:00.000Z"}
    page = [a_bare_session(id=name, startTime=starts[name]) for name in "ba"]
    used_cloud.fail_next(HISTORY, body={"userSessions": page})

    history = answered.get_call_history_data(sort_by=sort_by)

    assert "".join(session.id for session in history) == order


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"days": 0}, ValueError, "days: expected at least 1, not 0"),
        ({"days": 30_000}, ValueError, "days: 30000 is too large: it reaches back before 1970"),
        ({"days": 10**12}, ValueError, "days: 1000000000000 is too large"),
        ({"days": 10**5000}, ValueError, "days: a value of type int is too large"),
        ({"days": -(10**5000)}, ValueError, "days: expected at least 1, not a value of type int"),
        ({"days": 1.0}, TypeError, "days: expected a whole number, not 1.0"),
        ({"days": "7"}, TypeError, "days: expected a whole number, not '7'"),
        ({"days": True}, TypeError, "days: expected a whole number, not True"),
        ({"days": None}, TypeError, "days: expected a whole number, not None"),
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
            {"days": [EndTimeSessionId(END, SESSION_ID)]},
            TypeError,
            "days: expected a whole number, not a value of type list",
        ),
        ({"limit": 0}, ValueError, "limit: expected at least 1, not 0"),
        ({"limit": 2**31}, ValueError, "limit: 2147483648 is too large"),
        ({"limit": 50.0}, TypeError, "limit: expected a whole number, not 50.0"),
        ({"sort": ""}, ValueError, "sort: expected one of 'ASC', 'DESC', not ''"),
        (
            {"sort": SortBy.END_TIME},
            ValueError,
            "sort: expected one of 'ASC', 'DESC', not <SortBy.END_TIME: 'endTime'>",
        ),
        ({"sort": None}, TypeError, "sort: expected one of 'ASC', 'DESC', not None"),
        (
            {"sort_by": "duration"},
            ValueError,
            "sort_by: expected one of 'startTime', 'endTime', not 'duration'",
        ),
    ],
)
def test_wrong_argument_of_a_fetch(
    client: CallHistoryClient, arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    """It is named with its value, or with its type where that is long or may be private."""
    with pytest.raises(kind) as raised:
        client.get_call_history_data(**arguments)

    check_refusal(raised.value, kind, text)


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
        UserDict(A_PAIR),
        A_PAIR | {"endTime": "2026-03-01T10:00:00.25+01:00"},
        A_PAIR | {"endTime": datetime(2026, 3, 1, 1, 0, 0, 250000, timezone(timedelta(hours=-8)))},
        a_session(sessionId=SESSION_ID, endTime=END),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_entry(used_cloud: Sandbox, answered: CallHistoryClient, entry: Any) -> None:
    """A pair, a session or a mapping is sent as its end in milliseconds and its session id."""
    assert answered.update_missed_calls([entry]).ok

    (request,) = used_cloud.requests_to("/setReadState")
    assert request.json == {"endTimeSessionIds": [{"endTime": END_MS, "sessionId": SESSION_ID}]}


@pytest.mark.parametrize(
    "several",
    [
        list,
        tuple,
        iter,
        lambda pairs: (pair for pair in pairs),
        lambda pairs: dict(enumerate(pairs)).values(),
    ],
    ids=["list", "tuple", "iter", "generator", "values"],
)
def test_iterable(
    used_cloud: Sandbox, answered: CallHistoryClient, several: Callable[[Any], Any]
) -> None:
    """Any iterable will do, also one that can be read once, with a retry; its order is kept."""
    pairs = [EndTimeSessionId(END, name) for name in "cabcab"]
    answered.get_call_history_data()
    used_cloud.fail_next("/markAsDeleted", status=503)

    assert answered.delete_call_history_records(several(pairs)).ok

    for request in used_cloud.requests_to("/markAsDeleted"):
        assert "".join(pair["sessionId"] for pair in request.json["deleteSessionIds"]) == "cabcab"
    assert len(used_cloud.requests_to("/markAsDeleted")) == 2


@pytest.mark.parametrize("empty", [[], (), set(), iter(()), {}.values()])
def test_nothing_to_do(client: CallHistoryClient, empty: Any) -> None:
    """With an empty iterable nothing is sent, and the response is a success that says so."""
    for response in (
        client.update_missed_calls(empty),
        client.delete_call_history_records(empty),
    ):
        assert response.ok
        assert (response.status_code, response.message) == (200, "SUCCESS")
        assert response.tracking_id is None
        assert "nothing to do" in repr(response.data)


TIME = "is not an ISO 8601 time with an offset, such as 2026-01-31T09:30:00.000Z"
BAD_ENTRIES: list[tuple[object, type[Exception], str]] = [
    (
        SESSION_ID,
        TypeError,
        ": expected an EndTimeSessionId, a UserSession or a mapping with endTime and sessionId, "
        "not str",
    ),
    ({"sessionId": SESSION_ID}, ValueError, ": has no endTime"),
    ({"endTime": END}, ValueError, ": has no sessionId"),
    (
        {"end_time": END, "session_id": SESSION_ID},
        ValueError,
        ": has no endTime and no sessionId",
    ),
    (A_PAIR | {"sessionId": ""}, ValueError, ".session_id: is empty"),
    (
        A_PAIR | {"endTime": END_MS},
        TypeError,
        ".end_time: expected an ISO 8601 string or an aware datetime, not int",
    ),
    (A_PAIR | {"endTime": "yesterday"}, ValueError, f".end_time: 'yesterday' {TIME}"),
    (A_PAIR | {"endTime": NUMBER}, ValueError, f".end_time: a string of 12 characters {TIME}"),
    (
        {"endTime": SESSION_ID, "sessionId": END},
        ValueError,
        ".end_time and session_id are swapped",
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
        "add one, such as datetime(..., tzinfo=timezone.utc)",
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
def test_wrong_entry(
    client: CallHistoryClient,
    call: Callable[..., object],
    name: str,
    entry: object,
    kind: type[Exception],
    text: str,
    index: int,
) -> None:
    """It is named with its index and without a session id or number; nothing is sent."""
    entries = [a_user_session()] * index + [entry, a_user_session()]

    with pytest.raises(kind) as raised:
        call(client, entries)

    check_refusal(raised.value, kind, f"{name}[{index}]{text}")


@calls
@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (SESSION_ID, "expected several sessions, not one str"),
        (A_PAIR, "expected several sessions, not one dict"),
        (EndTimeSessionId(END, SESSION_ID), "expected several sessions, not one EndTimeSessionId"),
        (a_user_session(), "expected several sessions, not one UserSession"),
        (None, "expected sessions, not NoneType"),
        (7, "expected sessions, not int"),
    ],
)
def test_something_else_than_several_sessions(
    client: CallHistoryClient, call: Callable[..., object], name: str, pairs: object, text: str
) -> None:
    """A single session, or what cannot be iterated over, is refused with its type."""
    with pytest.raises(TypeError) as raised:
        call(client, pairs)

    check_refusal(raised.value, TypeError, f"{name}: {text}")


def test_iterable_that_breaks(client: CallHistoryClient) -> None:
    """An error of the iterable itself comes out, before anything is sent."""

    def pairs() -> Iterator[EndTimeSessionId]:
        yield EndTimeSessionId(END, SESSION_ID)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        client.delete_call_history_records(pairs())
