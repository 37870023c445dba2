"""The client: what its three calls send and return, how it is made, its logger, its threads."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from responses import matchers

from callhistory import (
    CallHistoryClient,
    Calling,
    EndTimeSessionId,
    create_call_history_client,
)
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"
U2C = "https://u2c.wbx2.com/u2c/api/v1"
JANUS = "https://janus-a.wbx2.com/janus/api/v1"
WDM = "https://wdm-a.wbx2.com/wdm/api/v1"
CATALOG = {"serviceLinks": {"janus": JANUS, "wdm": WDM}, "hostCatalog": {}}
DEVICE = {
    "url": f"{WDM}/devices/1",
    "callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING",
    "features": {"entitlement": [{"key": "bc-sp-standard", "val": "true"}]},
}
FROM = r"from=(\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{3}Z)"


# --- the requests ---


@pytest.fixture
def commercial(strict: responses.RequestsMock) -> responses.RequestsMock:
    """Return commercial Webex with its catalog and one device."""
    strict.get(
        f"{U2C}/catalog",
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
    assert sent[0] == ("GET", f"{U2C}/catalog?format=hostmap")
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
    ("call", "path", "name"),
    [
        (CallHistoryClient.update_missed_calls, "/setReadState", b"endTimeSessionIds"),
        (CallHistoryClient.delete_call_history_records, "/markAsDeleted", b"deleteSessionIds"),
    ],
)
def test_body_of_a_write(
    commercial: responses.RequestsMock, call: Callable[..., Any], path: str, name: bytes
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
    assert request.headers["cisco-device-url"] == DEVICE["url"]
    assert request.url == f"{JANUS}{HISTORY}{path}"
    assert request.body == (
        b'{"%b": [{"endTime": 1769851800000, "sessionId": "one"}, '
        b'{"endTime": 1769851800123, "sessionId": "tw\\u00f6"}]}' % name
    )
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "BROADWORKS_CALLING", "UCM_CALLING"])
def test_query_of_a_fetch(backend: str) -> None:
    """The query is the documented one; only Webex Calling has shared sessions; never a sortBy."""
    with Sandbox(sessions=1, backend=backend) as cloud, CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data(limit=7, sort="ASC", sort_by="startTime").ok

    shared = "&includeSharedSessions=true" if backend == "WEBEX_CALLING" else ""
    sent = cloud.requests_to(HISTORY)[-1].query_string
    assert re.fullmatch(f"{FROM}&limit=7&includeNewSessionTypes=true&sort=ASC{shared}", sent)


@pytest.mark.parametrize(("begins", "ends"), [(-3, 60), (-60, -3)], ids=["forward", "back"])
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of this system cannot be set")
def test_clock_change_adds_no_hour(
    used_cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, begins: int, ends: int
) -> None:
    """Seven days are 168 hours, also when the clocks of this place changed three days ago."""
    now = datetime.now(UTC)
    days = [(now + timedelta(days=n)).timetuple().tm_yday % 365 + 1 for n in (begins, ends)]
    monkeypatch.setenv("TZ", "AAA0BBB,J{},J{}".format(*days))
    time.tzset()
    try:
        offsets = {time.localtime(time.time() - 86_400 * n).tm_gmtoff for n in (0, 7)}
        assert offsets == {0, 3600}
        with CallHistoryClient(used_cloud.webex()) as client:
            client.get_call_history_data(days=7)
    finally:
        monkeypatch.undo()
        time.tzset()

    since = datetime.fromisoformat(used_cloud.requests_to(HISTORY)[-1].query["from"])
    assert abs(now - timedelta(days=7) - since) < timedelta(seconds=30)


# --- the page ---


def place(cloud: Sandbox, *calls: tuple[int, int]) -> list[str]:
    """Place calls that lasted from one number of minutes ago to another; return their ids."""
    now = datetime.now(UTC)
    return [
        cloud.place_call(
            started_at=now - timedelta(minutes=start), ended_at=now - timedelta(minutes=end)
        ).session_id
        for start, end in calls
    ]


@pytest.mark.parametrize(
    ("sort", "sort_by", "starts", "order"),
    [
        ("DESC", "endTime", (60, 90, 50, 70), [2, 0, 1, 3]),
        ("ASC", "endTime", (60, 90, 50, 70), [3, 1, 0, 2]),
        ("DESC", "startTime", (60, 90, 50, 70), [2, 0, 3, 1]),
        ("ASC", "startTime", (60, 90, 50, 70), [1, 3, 0, 2]),
        ("DESC", "startTime", (60, 60, 60, 60), [2, 0, 1, 3]),
        ("ASC", "startTime", (60, 60, 60, 60), [3, 1, 0, 2]),
    ],
)
def test_page_is_sorted(sort: str, sort_by: str, starts: tuple[int, ...], order: list[int]) -> None:
    """Webex sorts by end; by start the page is sorted here, stable in both directions."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        ids = place(cloud, *zip(starts, (30, 40, 20, 50), strict=True))
        page = client.get_call_history_data(sort=sort, sort_by=sort_by)

    assert [ids.index(session.session_id) for session in page] == order


def test_start_time_orders_the_page_that_webex_chose() -> None:
    """The page is chosen by end time, whatever it is sorted by afterwards."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        ids = place(cloud, (600, 5), (20, 10), (40, 35))
        page = client.get_call_history_data(limit=2, sort_by="startTime")

    assert [ids.index(session.session_id) for session in page] == [1, 0]


def test_what_the_answer_holds_beyond_is_kept(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Undocumented fields of an answer are in the data's extra."""
    cloud.fail_next(HISTORY, body={"statusCode": 200, "userSessions": [], "next": {"page": 2}})

    assert client.get_call_history_data().data.extra == {"next": {"page": 2}}

    cloud.fail_next("/setReadState", body={"statusCode": 200, "marked": 1})
    marked = client.update_missed_calls([EndTimeSessionId(datetime.now(UTC), "one")])
    assert marked.data.extra == {"marked": 1}

    cloud.fail_next("/markAsDeleted", body={"deleted": 1})
    deleted = client.delete_call_history_records([EndTimeSessionId(datetime.now(UTC), "one")])
    assert deleted.data.extra == {"deleted": 1}


# --- the two writes ---


def test_writes_change_the_named_session_only(client: CallHistoryClient) -> None:
    """The session that is named is marked or deleted, and no other is."""
    before = client.get_call_history_data(limit=100)
    first, second = [s for s in before if s.disposition == "MISSED" and not s.is_read][:2]

    client.update_missed_calls([first]).raise_for_status()
    read = {s.session_id: s.is_read for s in client.get_call_history_data(limit=100)}
    assert read[first.session_id] is True
    assert not read[second.session_id]

    client.delete_call_history_records([first.end_time_session_id]).raise_for_status()
    after = client.get_call_history_data(limit=100)
    gone = {s.session_id for s in before} - {s.session_id for s in after}
    assert gone == {first.session_id}


def test_whole_page_may_be_passed_on(client: CallHistoryClient) -> None:
    """A fetched history is an iterable of sessions itself."""
    client.delete_call_history_records(client.get_call_history_data(limit=1000)).raise_for_status()

    assert len(client.get_call_history_data(limit=1000)) == 0


def test_failed_history_cannot_be_passed_on(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A history that failed is not taken for an empty one by the writes."""
    cloud.fail_next(HISTORY, status=403)
    failed = client.get_call_history_data()
    cloud.forget_requests()

    with pytest.raises(Exception, match="403: User request is forbidden"):
        client.delete_call_history_records(failed)

    assert cloud.requests == ()


# --- making one, and its end ---


@pytest.mark.parametrize("make", [CallHistoryClient, create_call_history_client, Calling])
@pytest.mark.parametrize("form", ["webex", "token", "callable", "environment"])
def test_client_is_made_from(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, make: Any, form: str
) -> None:
    """A Webex, a token, a function that returns one, and the environment make a client or Calling.

    Leaving its with block closes it and deletes the device.
    """
    token = cloud.access_token
    monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)
    if form == "environment":
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", token)
    argument = {"webex": cloud.webex(), "token": token, "callable": lambda: token}.get(form)

    with make(argument) as made:
        client = made.call_history if make is Calling else made
        assert isinstance(client, CallHistoryClient)
        assert client.get_call_history_data().ok
        assert cloud.devices

    assert cloud.devices == ()
    with pytest.raises(RuntimeError, match="closed"):
        client.get_call_history_data()


def test_calling_has_one_client(cloud: Sandbox) -> None:
    """Its client is always the same object and read-only; both may be closed repeatedly."""
    calling = Calling(cloud.webex())
    client = calling.call_history
    assert calling.call_history is client
    with pytest.raises(AttributeError):
        calling.call_history = None  # type: ignore[misc, assignment] # that is the point
    client.get_call_history_data()

    calling.close()
    client.close()
    calling.close()

    assert len(cloud.requests_to("/devices", "DELETE")) == 1


@pytest.mark.parametrize("wrong", [5, b"token", ["token"], object(), 0, False])
def test_client_of_something_else_is_a_type_error(wrong: object) -> None:
    """What cannot give a token is a TypeError that names its type."""
    with pytest.raises(TypeError, match=f"webex: expected .* not {type(wrong).__name__}"):
        CallHistoryClient(wrong)  # type: ignore[arg-type] # that is the point


def test_reprs(cloud: Sandbox) -> None:
    """The repr of a client tells its Webex and whether it is closed, but not the token."""
    with Calling(cloud.webex()) as calling:
        client = calling.call_history
        assert repr(client) == f"<CallHistoryClient of <Webex at {cloud.u2c_url}>, open>"
        assert repr(calling) == f"<Calling with {client!r}>"
    assert repr(client) == f"<CallHistoryClient of <Webex at {cloud.u2c_url}>, closed>"


# --- threads ---


def test_one_client_serves_several_threads(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Threads that fetch, mark and delete at once get the answers to their own calls."""
    sessions = client.get_call_history_data(limit=60)
    failures: list[object] = []

    def use(number: int) -> None:
        mine, session_limit = sessions[number::8][:3], number + 1
        for session in mine:
            fetched = client.get_call_history_data(limit=session_limit)
            results = [
                client.update_missed_calls([session]),
                client.delete_call_history_records([session]),
            ]
            failures.extend(result for result in results if not result.ok)
            failures.extend([fetched] if len(fetched) != session_limit else [])

    threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    left = {s.session_id for s in client.get_call_history_data(limit=100)}
    assert len(left) == len(sessions) - 24 == len({s.session_id for s in sessions} & left)
    assert len(cloud.devices) == 1
    ids = [request.headers["trackingid"] for request in cloud.requests]
    assert len(set(ids)) == len(ids)


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
