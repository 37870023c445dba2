"""The three calls: what goes over the wire, what comes back, and what is refused before that."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import responses
from responses import matchers

from callhistory import (
    CallHistoryClient,
    EndTimeSessionId,
    Sort,
    SortBy,
    UserSession,
    Webex,
    create_call_history_client,
)
from callhistory._webex.catalog import COMMERCIAL_U2C
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"
JANUS = "https://janus-a.wbx2.com/janus/api/v1"
WDM = "https://wdm-a.wbx2.com/wdm/api/v1"
CATALOG = {"serviceLinks": {"janus": JANUS, "wdm": WDM}, "hostCatalog": {}}
DEVICE = {
    "url": f"{WDM}/devices/1",
    "callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING",
    "features": {"entitlement": [{"key": "bc-sp-standard", "val": "true"}]},
}
FROM = r"from=(\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{3}Z)"


def query(cloud: Sandbox) -> str:
    return cloud.requests_to(HISTORY)[-1].query_string


def asked_since(cloud: Sandbox) -> datetime:
    return datetime.fromisoformat(cloud.requests_to(HISTORY)[-1].query["from"])


# --- the requests ---


@pytest.fixture
def commercial(strict: responses.RequestsMock) -> responses.RequestsMock:
    """Give commercial Webex, as far as the device."""
    strict.get(
        f"{COMMERCIAL_U2C}/catalog",
        json=CATALOG,
        match=[matchers.query_string_matcher("format=hostmap")],
    )
    strict.post(
        f"{WDM}/devices",
        json=DEVICE,
        match=[matchers.query_string_matcher("includeUpstreamServices=all")],
    )
    strict.delete(f"{WDM}/devices/1", status=204)
    return strict


def test_requests_of_a_fetch_at_commercial_webex(commercial: responses.RequestsMock) -> None:
    """A fetch is three requests at Webex's own addresses, and close() is one."""
    commercial.get(f"{JANUS}{HISTORY}", json={"statusCode": 200, "userSessions": []})

    with CallHistoryClient(TOKEN) as client:
        assert client.get_call_history_data().ok

    sent = [(call.request.method, str(call.request.url)) for call in commercial.calls]
    assert sent[0] == ("GET", "https://u2c.wbx2.com/u2c/api/v1/catalog?format=hostmap")
    assert sent[1] == ("POST", f"{WDM}/devices?includeUpstreamServices=all")
    assert sent[2][0] == "GET"
    assert re.fullmatch(
        re.escape(f"{JANUS}{HISTORY}?")
        + FROM
        + "&limit=50&includeNewSessionTypes=true&sort=DESC&includeSharedSessions=true",
        sent[2][1],
    )
    assert sent[3] == ("DELETE", f"{WDM}/devices/1")
    headers = [call.request.headers for call in commercial.calls]
    assert [h["trackingid"].rpartition("_")[2] for h in headers] == ["1", "2", "3", "4"]
    assert {h["Authorization"] for h in headers} == {f"Bearer {TOKEN}"}
    assert [h.get("cisco-device-url") for h in headers] == [None, None, DEVICE["url"], None]


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda client, pairs: client.update_missed_calls(pairs),
            "/setReadState",
            b'{"endTimeSessionIds": [{"endTime": 1769851800000, "sessionId": "one"}, '
            b'{"endTime": 1769851800123, "sessionId": "tw\\u00f6"}]}',
        ),
        (
            lambda client, pairs: client.delete_call_history_records(pairs),
            "/markAsDeleted",
            b'{"deleteSessionIds": [{"endTime": 1769851800000, "sessionId": "one"}, '
            b'{"endTime": 1769851800123, "sessionId": "tw\\u00f6"}]}',
        ),
    ],
    ids=["mark", "delete"],
)
def test_body_of_a_write(
    commercial: responses.RequestsMock,
    call: Callable[[CallHistoryClient, object], Any],
    path: str,
    body: bytes,
) -> None:
    """A write posts the pairs with their end in whole milliseconds, under the documented name."""
    commercial.post(f"{JANUS}{HISTORY}{path}", json={"statusCode": 200})
    pairs = [
        {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "one"},
        EndTimeSessionId("2026-01-31T11:30:00.123456+02:00", "twö"),
    ]

    with CallHistoryClient(TOKEN) as client:
        assert call(client, pairs).ok

    request = commercial.calls[2].request
    assert request.url == f"{JANUS}{HISTORY}{path}"
    assert request.body == body
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        ({}, "limit=50&includeNewSessionTypes=true&sort=DESC"),
        ({"limit": 1, "sort": "ASC"}, "limit=1&includeNewSessionTypes=true&sort=ASC"),
        ({"sort": Sort.ASC}, "limit=50&includeNewSessionTypes=true&sort=ASC"),
        ({"sort": "desc"}, "limit=50&includeNewSessionTypes=true&sort=DESC"),
        ({"limit": 2**31 - 1}, "limit=2147483647&includeNewSessionTypes=true&sort=DESC"),
        ({"sort_by": SortBy.START_TIME}, "limit=50&includeNewSessionTypes=true&sort=DESC"),
        ({"sort_by": "startTime"}, "limit=50&includeNewSessionTypes=true&sort=DESC"),
        ({"sort_by": "end_time"}, "limit=50&includeNewSessionTypes=true&sort=DESC"),
    ],
)
@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "BROADWORKS_CALLING", "UCM_CALLING"])
def test_query_of_a_fetch(arguments: dict[str, Any], rest: str, backend: str) -> None:
    """The query is the documented one; only Webex Calling has shared sessions; never a sortBy."""
    with Sandbox(sessions=1, backend=backend) as cloud, cloud.webex() as webex:
        # A Janus that takes any limit: the sandbox's own largest is not what this is about.
        cloud.fail_next(HISTORY, body={"userSessions": []})
        assert CallHistoryClient(webex).get_call_history_data(**arguments).ok

    shared = "&includeSharedSessions=true" if backend == "WEBEX_CALLING" else ""
    assert re.fullmatch(f"{FROM}&{rest}{shared}", query(cloud))


@pytest.mark.parametrize("days", [1, 7, 30, 365, 20_000])
def test_from_is_so_many_times_24_hours_ago(
    cloud: Sandbox, client: CallHistoryClient, days: int
) -> None:
    """The fetch reaches back so many times 24 hours, to the millisecond."""
    before = datetime.now(UTC)
    client.get_call_history_data(days=days)
    after = datetime.now(UTC)

    since = asked_since(cloud)
    tick = timedelta(milliseconds=1)
    assert before - tick <= since + timedelta(days=days) <= after
    assert since.microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("now", "since"),
    [
        # Clocks in Berlin went forward on 29 March 2026, and back on 25 October.
        ("2026-04-02T10:00:00.123999+00:00", "2026-03-26T10:00:00.123Z"),
        ("2026-10-29T10:00:00+00:00", "2026-10-22T10:00:00.000Z"),
        ("2026-03-29T01:30:00+00:00", "2026-03-22T01:30:00.000Z"),
        ("2028-03-02T00:00:00+00:00", "2028-02-24T00:00:00.000Z"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of this system cannot be set")
def test_clock_change_adds_no_hour(
    cloud: Sandbox,
    client: CallHistoryClient,
    monkeypatch: pytest.MonkeyPatch,
    live_in: Callable[[str], None],
    zone: str,
    now: str,
    since: str,
) -> None:
    """Seven days are 168 hours, also when the clocks of this place changed in between."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.fromisoformat(now).astimezone(tz)

    live_in(zone)
    monkeypatch.setattr("callhistory._arguments.datetime", Then)

    client.get_call_history_data()

    assert cloud.requests_to(HISTORY)[-1].query["from"] == since


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a function that sets the clocks to another place."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


# --- the page ---


def place(cloud: Sandbox, *calls: tuple[int, int]) -> list[str]:
    """Let calls happen, each from so many to so many minutes ago, and give their ids."""
    now = datetime.now(UTC)
    return [
        cloud.place_call(
            started_at=now - timedelta(minutes=start), ended_at=now - timedelta(minutes=end)
        ).session_id
        for start, end in calls
    ]


@pytest.mark.parametrize(
    ("sort", "sort_by", "order"),
    [
        ("DESC", "endTime", [2, 0, 1, 3]),
        ("ASC", "endTime", [3, 1, 0, 2]),
        ("DESC", "startTime", [2, 0, 3, 1]),
        ("ASC", "startTime", [1, 3, 0, 2]),
    ],
)
def test_page_is_sorted(sort: str, sort_by: str, order: list[int]) -> None:
    """Webex sorts by end; by start the page is sorted here, stable in both directions."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        ids = place(cloud, (60, 30), (90, 40), (50, 20), (70, 50))
        page = client.get_call_history_data(sort=sort, sort_by=sort_by)

    assert [ids.index(session.session_id) for session in page] == order


@pytest.mark.parametrize(("sort", "order"), [("DESC", [2, 0, 1, 3]), ("ASC", [3, 1, 0, 2])])
def test_sorting_by_start_is_stable(sort: str, order: list[int]) -> None:
    """Sessions that began at the same time stay in the order of the page, in both directions."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        ids = place(cloud, (60, 30), (60, 40), (60, 20), (60, 50))
        page = client.get_call_history_data(sort=sort, sort_by="startTime")
        assert [ids.index(session.session_id) for session in page] == order


def test_start_time_orders_the_page_that_webex_chose() -> None:
    """The page is chosen by end time, whatever it is sorted by afterwards."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        ids = place(cloud, (600, 5), (20, 10), (40, 35))
        page = client.get_call_history_data(limit=2, sort_by="startTime")

    assert [ids.index(session.session_id) for session in page] == [1, 0]


def test_page_has_at_most_limit_sessions(client: CallHistoryClient) -> None:
    """A limit is kept, and the default is 50."""
    assert len(client.get_call_history_data(limit=3)) == 3
    assert len(client.get_call_history_data()) == 50


def test_page_reaches_back_so_far(client: CallHistoryClient) -> None:
    """Only sessions of the days that were asked for are on the page."""
    since = datetime.now(UTC) - timedelta(days=2)

    recent = client.get_call_history_data(days=2)

    assert 0 < len(recent) < len(client.get_call_history_data(days=30))
    assert all(session.end_time >= since for session in recent)


def test_what_the_answer_holds_beyond_is_kept(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Fields of the answer that nobody named are in the data's extra."""
    cloud.fail_next(HISTORY, body={"statusCode": 200, "userSessions": [], "next": {"page": 2}})

    assert client.get_call_history_data().data.extra == {"next": {"page": 2}}

    cloud.fail_next("/setReadState", body={"statusCode": 200, "marked": 1})
    marked = client.update_missed_calls([EndTimeSessionId(datetime.now(UTC), "one")])
    assert marked.data.extra == {"marked": 1}

    cloud.fail_next("/markAsDeleted", body={"deleted": 1})
    deleted = client.delete_call_history_records([EndTimeSessionId(datetime.now(UTC), "one")])
    assert deleted.data.extra == {"deleted": 1}


# --- the two writes ---


FORMS: list[Any] = [
    pytest.param(lambda s: s, id="session"),
    pytest.param(lambda s: s.end_time_session_id, id="pair"),
    pytest.param(lambda s: EndTimeSessionId(s.end_time.isoformat(), s.session_id), id="text"),
    pytest.param(
        lambda s: {
            "endTime": s.end_time.astimezone(timezone(timedelta(hours=5, minutes=45))),
            "sessionId": s.session_id,
            "other": None,
        },
        id="mapping",
    ),
]
CONTAINERS: list[Any] = [
    list,
    tuple,
    iter,
    lambda s: dict.fromkeys(s).keys(),
    lambda s: (x for x in s),
]


@pytest.mark.parametrize("form", FORMS)
def test_missed_call_is_marked_in_any_form(
    client: CallHistoryClient, form: Callable[[UserSession], Any]
) -> None:
    """A session, its pair or a mapping names it: it is unread before, and read after."""
    missed = [
        s for s in client.get_call_history_data() if s.disposition == "MISSED" and not s.is_read
    ]

    client.update_missed_calls([form(missed[0])]).raise_for_status()

    after = {s.session_id: s.is_read for s in client.get_call_history_data()}
    assert after[missed[0].session_id] is True
    assert not after[missed[1].session_id]


@pytest.mark.parametrize("form", FORMS)
def test_record_is_deleted_in_any_form(
    client: CallHistoryClient, form: Callable[[UserSession], Any]
) -> None:
    """A session, its pair or a mapping names it: it is gone after, and no other is."""
    before = client.get_call_history_data(limit=100)

    client.delete_call_history_records([form(before[1])]).raise_for_status()

    after = client.get_call_history_data(limit=100)
    gone = {s.session_id for s in before} - {s.session_id for s in after}
    assert gone == {before[1].session_id}


@pytest.mark.parametrize(
    "container", CONTAINERS, ids=["list", "tuple", "iter", "keys", "generator"]
)
def test_any_iterable_of_sessions_will_do(
    cloud: Sandbox, client: CallHistoryClient, container: Callable[[Any], Any]
) -> None:
    """Sessions may come from any iterable, also one that can be read only once, with a retry."""
    sessions = [s.end_time_session_id for s in client.get_call_history_data()[:3]]
    cloud.fail_next("/markAsDeleted", status=503)

    assert client.delete_call_history_records(container(sessions)).ok

    first, second = cloud.requests_to("/markAsDeleted")
    assert first.body == second.body
    assert [p["sessionId"] for p in second.json["deleteSessionIds"]] == [
        s.session_id for s in sessions
    ]


def test_whole_page_may_be_passed_on(client: CallHistoryClient) -> None:
    """A fetched history is an iterable of sessions itself."""
    client.delete_call_history_records(client.get_call_history_data(limit=1000)).raise_for_status()

    assert len(client.get_call_history_data(limit=1000)) == 0


@pytest.mark.parametrize(
    "empty", [[], (), {}.keys(), iter([])], ids=["list", "tuple", "keys", "iter"]
)
def test_empty_list_is_a_success_without_a_request(
    cloud: Sandbox, client: CallHistoryClient, empty: Any
) -> None:
    """With nothing to do nothing is sent, and the response says so."""
    for response in (
        client.update_missed_calls(empty),
        client.delete_call_history_records(empty),
    ):
        assert response.ok
        assert (response.status_code, response.message) == (200, "SUCCESS")
        assert response.tracking_id is None
        assert "nothing to do" in repr(response.data)

    assert cloud.requests == ()


def test_failed_history_cannot_be_passed_on(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A history that failed is not taken for an empty one by the writes."""
    cloud.fail_next(HISTORY, status=403)
    failed = client.get_call_history_data()
    cloud.forget_requests()

    with pytest.raises(Exception, match="403: User request is forbidden"):
        client.delete_call_history_records(failed)

    assert cloud.requests == ()


# --- wrong arguments ---

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
GOOD = EndTimeSessionId(NOW, "good")
BAD_FETCHES = [
    ({"days": 0}, ValueError, "days: expected at least 1, not 0"),
    ({"days": -7}, ValueError, "days: expected at least 1, not -7"),
    ({"days": 7.0}, TypeError, "days: expected a whole number, not 7.0"),
    ({"days": "7"}, TypeError, "days: expected a whole number, not '7'"),
    ({"days": True}, TypeError, "days: expected a whole number, not True"),
    ({"days": None}, TypeError, "days: expected a whole number, not None"),
    ({"days": 10**6}, ValueError, "days: 1000000 is too large"),
    ({"days": 10**30}, ValueError, "days: 1000000000000000000000000000000 is too large"),
    ({"limit": 0}, ValueError, "limit: expected at least 1, not 0"),
    ({"limit": -1}, ValueError, "limit: expected at least 1, not -1"),
    ({"limit": 50.5}, TypeError, "limit: expected a whole number, not 50.5"),
    ({"limit": False}, TypeError, "limit: expected a whole number, not False"),
    ({"limit": 2**31}, ValueError, "limit: 2147483648 is too large"),
    ({"sort": "UP"}, ValueError, "sort: expected one of 'ASC', 'DESC', not 'UP'"),
    ({"sort": ""}, ValueError, "sort: expected one of 'ASC', 'DESC', not ''"),
    ({"sort": None}, TypeError, "sort: expected one of 'ASC', 'DESC', not None"),
    ({"sort_by": "id"}, ValueError, "sort_by: expected one of 'startTime', 'endTime', not 'id'"),
    ({"sort_by": 1}, TypeError, "sort_by: expected one of 'startTime', 'endTime', not 1"),
    ({"sort": SortBy.END_TIME}, ValueError, "sort: expected one of"),
]
BAD_PAIRS: list[tuple[object, type[Exception], str]] = [
    (None, TypeError, "{name}: expected sessions, not NoneType"),
    (5, TypeError, "{name}: expected sessions, not int"),
    ("sEsSiOn", TypeError, "{name}: expected several sessions, not one str"),
    (GOOD, TypeError, "{name}: expected several sessions, not one EndTimeSessionId"),
    (
        {"endTime": NOW, "sessionId": "sEsSiOn"},
        TypeError,
        "{name}: expected several sessions, not one dict",
    ),
    ([GOOD, None], TypeError, "{name}[1]: expected"),
    ([GOOD, "sEsSiOn"], TypeError, "{name}[1]: expected"),
    ([(NOW, "sEsSiOn")], TypeError, "{name}[0]: expected"),
    ([GOOD, {"endTime": NOW}], ValueError, "{name}[1]: has no sessionId"),
    ([GOOD, {"sessionId": "sEsSiOn"}], ValueError, "{name}[1]: has no endTime"),
    ([{}], ValueError, "{name}[0]: has no endTime and no sessionId"),
    ([{"endTime": NOW, "sessionId": ""}], ValueError, "{name}[0].session_id: is empty"),
    ([{"endTime": NOW, "sessionId": " "}], ValueError, "{name}[0].session_id: is empty"),
    ([{"endTime": NOW, "sessionId": 5}], TypeError, "{name}[0].session_id: expected a text"),
    ([GOOD] * 3 + [{"endTime": NOW, "sessionId": None}], TypeError, "{name}[3].session_id"),
    (
        [{"endTime": NOW.replace(tzinfo=None), "sessionId": "sEsSiOn"}],
        ValueError,
        "{name}[0].end_time: 2026-01-31T09:30:00 has no time zone",
    ),
    (
        [{"endTime": "2026-01-31T09:30:00", "sessionId": "sEsSiOn"}],
        ValueError,
        "{name}[0].end_time: '2026-01-31T09:30:00' is no ISO 8601 time",
    ),
    (
        [{"endTime": "yesterday", "sessionId": "sEsSiOn"}],
        ValueError,
        "{name}[0].end_time: 'yesterday' is no ISO 8601 time",
    ),
    ([{"endTime": 1769851800000, "sessionId": "sEsSiOn"}], TypeError, "{name}[0].end_time"),
    ([{"endTime": None, "sessionId": "sEsSiOn"}], TypeError, "{name}[0].end_time"),
]


@pytest.mark.parametrize(("arguments", "error", "text"), BAD_FETCHES)
def test_wrong_argument_of_a_fetch_sends_nothing(
    used_cloud: Sandbox,
    arguments: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    """A wrong argument is named with its value, before a byte is sent."""
    with (
        CallHistoryClient(used_cloud.webex()) as client,
        pytest.raises(error, match=re.escape(text)),
    ):
        client.get_call_history_data(**arguments)

    assert used_cloud.requests == ()


@pytest.mark.parametrize(("pairs", "error", "text"), BAD_PAIRS)
@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("update_missed_calls", "end_time_session_ids"),
        ("delete_call_history_records", "delete_session_ids"),
    ],
)
def test_wrong_entry_of_a_write_sends_nothing(
    used_cloud: Sandbox,
    method: str,
    name: str,
    pairs: object,
    error: type[Exception],
    text: str,
) -> None:
    """A wrong entry is named with its index, never with a session id; the good ones wait."""
    client = CallHistoryClient(used_cloud.webex())
    with pytest.raises(error, match=re.escape(text.format(name=name))) as caught:
        getattr(client, method)(pairs)
    client.close()

    assert "sEsSiOn" not in str(caught.value)
    assert used_cloud.requests == ()


def test_iterable_that_breaks_sends_nothing(cloud: Sandbox, client: CallHistoryClient) -> None:
    """An error of the iterable itself comes out, and nothing was sent by then."""

    def pairs() -> Iterator[EndTimeSessionId]:
        yield GOOD
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        client.delete_call_history_records(pairs())

    assert cloud.requests == ()


# --- making one, and its end ---


@pytest.mark.parametrize("make", [CallHistoryClient, create_call_history_client])
@pytest.mark.parametrize("form", ["webex", "token", "callable", "environment"])
def test_client_is_made_from(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, make: Any, form: str
) -> None:
    """A client is made from a Webex, a token, a function that gives one, or the environment."""
    token = cloud.access_token
    monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)
    if form == "environment":
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", token)
    argument = {"webex": cloud.webex(), "token": token, "callable": lambda: token}.get(form)

    with make(argument) as client:
        assert isinstance(client, CallHistoryClient)
        assert client.get_call_history_data().ok

    assert cloud.devices == ()


@pytest.mark.parametrize("wrong", [5, b"token", ["token"], object(), 0, False])
def test_client_of_something_else_is_a_type_error(wrong: object) -> None:
    """Something that gives no token is a TypeError that names its type."""
    with pytest.raises(TypeError, match=f"webex: expected .* not {type(wrong).__name__}"):
        CallHistoryClient(wrong)  # type: ignore[arg-type] # that is the point


def test_repr_says_where_and_whether_it_is_open(cloud: Sandbox) -> None:
    """The repr of a client tells its Webex and whether it is closed, and not the token."""
    client = CallHistoryClient(cloud.webex())
    assert repr(client) == f"<CallHistoryClient of <Webex at {cloud.u2c_url}>, open>"
    client.close()
    assert repr(client) == f"<CallHistoryClient of <Webex at {cloud.u2c_url}>, closed>"


# --- the logger ---


def test_logger_of_the_program_gets_the_failures(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A logger that was passed is the one that failed calls are told to."""
    cloud.fail_next(HISTORY, status=404)

    with CallHistoryClient(cloud.webex(), logging.getLogger("billing.calls")) as client:
        client.get_call_history_data()

    assert [record.name for record in caplog.records] == ["billing.calls"]


@pytest.mark.usefixtures("library_logger")
@pytest.mark.parametrize(
    ("name", "level"), [("debug", 10), ("INFO", 20), ("Warning", 30), ("error", 40)]
)
def test_logger_may_be_the_name_of_a_level(cloud: Sandbox, name: str, level: int) -> None:
    """The name of a level, in any case, is the level of the library's own logger."""
    CallHistoryClient(cloud.webex(), name)

    assert logging.getLogger("callhistory").level == level


@pytest.mark.usefixtures("library_logger")
def test_named_level_speaks_without_logging_set_up(
    cloud: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a notebook with no logging set up the messages go to standard error, once each."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    cloud.fail_next(HISTORY, status=404)

    for _ in range(3):
        client = CallHistoryClient(cloud.webex(), "warning")
    client.get_call_history_data()
    client.close()

    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith("WARNING callhistory: ")]) == 1
    assert len(lines) == 1


@pytest.mark.usefixtures("library_logger")
def test_named_level_leaves_the_programs_logging_alone(cloud: Sandbox) -> None:
    """Where the program has set up logging, no handler is added to it."""
    logging.getLogger().addHandler(handler := logging.NullHandler())
    CallHistoryClient(cloud.webex(), "info")
    logging.getLogger().removeHandler(handler)

    assert logging.getLogger("callhistory").handlers == []


def testlibrary_logger_is_left_as_it_is(cloud: Sandbox) -> None:
    """Without a logger argument nothing about logging changes."""
    logger = logging.getLogger("callhistory")
    before = logger.level, logger.handlers[:], logger.propagate

    CallHistoryClient(cloud.webex())

    assert (logger.level, logger.handlers, logger.propagate) == before


@pytest.mark.parametrize(
    ("logger", "error", "text"),
    [
        ("loud", ValueError, "logger: expected one of .*INFO.*, not 'loud'"),
        ("", ValueError, "logger: expected one of .*, not ''"),
        (20, TypeError, "logger: expected a logging.Logger or a level's name, not int"),
        (logging, TypeError, "logger: .* not module"),
    ],
)
def test_wrong_logger_is_refused(
    cloud: Sandbox, logger: Any, error: type[Exception], text: str
) -> None:
    """What is neither a logger nor the name of a level is refused."""
    with pytest.raises(error, match=text):
        CallHistoryClient(cloud.webex(), logger)


# --- threads ---


def test_one_client_serves_several_threads(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Threads that fetch, mark and delete at once do not get in each other's way."""
    sessions = client.get_call_history_data(limit=60)
    failures: list[object] = []

    def use(mine: tuple[UserSession, ...]) -> None:
        for session in mine:
            results = [
                client.update_missed_calls([session]),
                client.get_call_history_data(limit=5),
                client.delete_call_history_records([session]),
            ]
            failures.extend(result for result in results if not result.ok)

    threads = [threading.Thread(target=use, args=(sessions[n::8][:3],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    left = {s.session_id for s in client.get_call_history_data(limit=100)}
    assert len(left) == len(sessions) - 24 == len({s.session_id for s in sessions} & left)
    assert len(cloud.devices) == 1


def test_webex_of_two_users_are_apart(cloud: Sandbox) -> None:
    """Clients of two users see each their own history."""
    other = cloud.add_user("Ada Quist", sessions=2)
    with (
        CallHistoryClient(cloud.webex()) as first,
        CallHistoryClient(cloud.webex(user=other)) as second,
    ):
        mine = {s.session_id for s in first.get_call_history_data()}
        theirs = {s.session_id for s in second.get_call_history_data()}

    assert len(theirs) == 2
    assert not mine & theirs


def test_government_cloud_may_be_asked(strict: responses.RequestsMock) -> None:
    """A client of a FedRAMP Webex begins at the government's catalog."""
    strict.get("https://u2c.gov.ciscospark.com/u2c/api/v1/catalog?format=hostmap", status=403)

    client = CallHistoryClient(Webex(access_token=TOKEN, fedramp=True))

    assert client.get_call_history_data().status_code == 403
