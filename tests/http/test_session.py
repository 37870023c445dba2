"""One request: its headers, its tracking id, its redirects, and its connection."""

from __future__ import annotations

import logging
import re

import pytest
import responses

from callhistory import CallHistoryClient, TransportError, Webex, __version__
from callhistory._webex.catalog import COMMERCIAL_U2C
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


def counted(tracking_ids: list[str]) -> tuple[set[str], list[int]]:
    """Return the prefixes and the numbers of tracking ids."""
    parts = [TRACKING_ID.fullmatch(tracking_id) for tracking_id in tracking_ids]
    assert all(parts), tracking_ids
    return {part[1] for part in parts if part}, [int(part[2]) for part in parts if part]


# --- headers ---


def test_headers_of_a_request(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Every request says who asks, for whom and what it understands, and its body's type."""
    client.update_missed_calls(client.get_call_history_data()[:1])

    for request in cloud.requests:
        headers = request.headers
        assert headers["Authorization"] == f"Bearer {cloud.access_token}"
        assert headers["spark-user-agent"] == f"callhistory/{__version__} (python)"
        assert headers["cisco-no-http-redirect"] == "true"
        assert headers["Accept"] == "application/json"
        assert "gzip" in headers["Accept-Encoding"]
        assert headers.get("Content-Type") == (
            "application/json" if request.method == "POST" else None
        )


def test_tracking_ids_count_from_one(cloud: Sandbox) -> None:
    """Each client of a Webex of its own has a tracking prefix of its own, and counts from 1."""
    prefixes = set()
    for _ in range(2):
        with cloud.webex() as webex, CallHistoryClient(webex) as client:
            for _ in range(3):
                client.get_call_history_data()
        ids = [request.headers["trackingid"] for request in cloud.requests]
        cloud.forget_requests()
        prefix, numbers = counted(ids)
        assert len(prefix) == 1
        assert numbers == [1, 2, 3, 4, 5, 6]
        prefixes |= prefix

    assert len(prefixes) == 2


def test_repeated_request_has_the_same_tracking_id(
    cloud: Sandbox, client: CallHistoryClient
) -> None:
    """Attempts of one request are one request to Webex support; a renewed token makes another."""
    cloud.fail_next("/catalog", status=503, times=2)

    client.get_call_history_data()

    ids = [request.headers["trackingid"] for request in cloud.requests_to("/catalog")]
    assert len(ids) == 3
    assert len(set(ids)) == 1


@pytest.mark.parametrize("answered", ["JANUS_1", None])
def test_tracking_id_of_the_answer(strict: responses.RequestsMock, answered: str | None) -> None:
    """An answer is known by the tracking id that it came with, or else by the request's."""
    headers = {} if answered is None else {"trackingid": answered}
    strict.get(f"{COMMERCIAL_U2C}/catalog", status=500, headers=headers)

    history = CallHistoryClient(Webex(access_token=TOKEN)).get_call_history_data()

    assert history.tracking_id == (answered or strict.calls[0].request.headers["trackingid"])


# --- the log ---


def test_requests_are_logged_without_their_content(
    cloud: Sandbox, client: CallHistoryClient, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG each request is one line: method, host, status and time."""
    with caplog.at_level(logging.DEBUG, "callhistory"):
        client.get_call_history_data()

    host = cloud.u2c_url.split("/")[2]
    lines = [record.getMessage() for record in caplog.records]
    assert [re.sub(r", \d+ ms$", "", line) for line in lines] == [
        f"GET {host}: 200",
        f"POST {host}: 200",
        f"GET {host}: 200",
    ]


# --- redirects; those to a foreign host are in test_foreign_hosts.py ---


@pytest.mark.parametrize(
    "location",
    [
        "http://janus-a.wbx2.com/",
        "//evil.example/",
        "https://[::1",
        "https://wbx2.com@evil.example/",
        "https://wbx2.com:99999/",
        "\x01",
        "https://wbx2.com/\u00e9",
        "",
        None,
    ],
)
def test_redirect_nowhere_is_a_failure_with_its_status(
    strict: responses.RequestsMock, location: str | None
) -> None:
    """A redirect to an address that is malformed, or to none, is the answer."""
    janus = "https://janus-a.wbx2.com"
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json={"serviceLinks": {"janus": janus}})
    headers = {} if location is None else {"Location": location}
    strict.get(f"{janus}{HISTORY}", status=302, headers=headers)
    webex = Webex(access_token=TOKEN, calling_backend="BROADWORKS_CALLING")

    assert CallHistoryClient(webex).get_call_history_data().status_code == 302


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("relative", [True, False])
def test_redirect_within_webex_is_followed(cloud: Sandbox, status: int, relative: bool) -> None:
    """A fetch goes where Webex sends it, with the token and the query that Webex gave."""
    path = f"/janus/api/v1{HISTORY}?from=2026-01-01T00:00:00.000Z&limit=1"
    base = "" if relative else cloud.u2c_url.removesuffix("/u2c/api/v1")
    cloud.fail_next(HISTORY, status=status, headers={"Location": base + path})

    with CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data().ok

    _, second = cloud.requests_to(HISTORY)
    assert second.query_string == "from=2026-01-01T00:00:00.000Z&limit=1"
    assert second.headers["Authorization"] == f"Bearer {cloud.access_token}"


def test_redirects_in_a_circle_end(cloud: Sandbox) -> None:
    """A redirect that leads to itself is followed a few times, and then is the answer."""
    location = f"/janus/api/v1{HISTORY}"
    cloud.fail_next(HISTORY, status=302, headers={"Location": location}, times=50)

    with CallHistoryClient(cloud.webex()) as client:
        assert client.get_call_history_data().status_code == 302

    assert len(cloud.requests_to(HISTORY)) == 6


@pytest.mark.parametrize(("status", "follows"), [(301, 0), (302, 0), (303, 0), (307, 1), (308, 1)])
def test_redirected_write_stays_a_write(
    cloud: Sandbox, client: CallHistoryClient, status: int, follows: bool
) -> None:
    """A redirect that would make a POST a GET is the answer; another keeps method and body."""
    sessions = client.get_call_history_data()[:1]
    cloud.forget_requests()
    location = f"/janus/api/v1{HISTORY}/markAsDeleted"
    cloud.fail_next("/markAsDeleted", status=status, headers={"Location": location})

    assert client.delete_call_history_records(sessions).status_code == (200 if follows else status)

    sent = {(r.method, r.body, r.headers["Content-Type"]) for r in cloud.requests}
    assert len(cloud.requests) == 1 + follows
    assert len(sent) == 1
    assert {method for method, _, _ in sent} == {"POST"}


# --- close() ---


def test_closed_session_sends_nothing(cloud: Sandbox) -> None:
    """A call of several requests does not go on with the next one after close()."""
    with cloud.webex() as webex:
        account = webex._account
        session = account.open_http_session()
        account.catalog(session)
        session.close()
        with pytest.raises(TransportError, match=r"POST 127.*: not sent: closed meanwhile"):
            account.device(session)

    assert cloud.requests_to("/devices") == ()


@pytest.mark.parametrize("shared", [True, False])
def test_session_like_another(cloud: Sandbox, shared: bool) -> None:
    """A session goes on with another's cookies and tracking ids, closed with it or after it."""
    with cloud.webex() as webex:
        session = webex._account.open_http_session()
        url = f"{cloud.u2c_url}/catalog?format=hostmap"
        cloud.fail_next("/catalog", headers={"Set-Cookie": "webex=1; Path=/"})
        session.request("GET", url)
        other = (session.with_policy if shared else session.successor)(session.policy)
        other.request("GET", url)
        session.close()
        if shared:
            with pytest.raises(TransportError, match="closed meanwhile"):
                other.request("GET", url)
        else:
            assert other.request("GET", url).ok
            other.close()

    assert [request.headers.get("Cookie") for request in cloud.requests[:2]] == [None, "webex=1"]
    prefixes, numbers = counted([request.headers["trackingid"] for request in cloud.requests])
    assert len(prefixes) == 1
    assert numbers == list(range(1, 3 if shared else 4))
