"""The requests to the call history service: query, body, and how a refusal is raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryClient,
    CallingBackend,
    Sort,
    UserSession,
)
from callhistory._http.session import Session
from callhistory._webex import history_api
from callhistory._webex.account import Account
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
SINCE = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
PAIRS = [{"endTime": 1769851800000, "sessionId": "x"}]


@pytest.fixture
def account(used_cloud: Sandbox) -> Iterator[Account]:
    """Return an account whose calls run on Webex Calling, and that needs no device."""
    with used_cloud.webex(calling_backend="WEBEX_CALLING", max_retries=0) as webex:
        yield webex._account


@pytest.fixture
def session(account: Account) -> Iterator[Session]:
    """Return an HTTP session of the account."""
    made = account.open_http_session()
    yield made
    made.close()


def test_query_of_a_page(used_cloud: Sandbox, account: Account, session: Session) -> None:
    """A page is asked for from a time in whole milliseconds on, by count and order."""
    history_api.fetch(account, session, since=SINCE, limit=3, sort=Sort.ASC)

    (request,) = used_cloud.requests_to(HISTORY)
    assert request.query == {
        "from": "2026-01-31T09:30:00.123Z",
        "limit": "3",
        "includeNewSessionTypes": "true",
        "sort": "ASC",
        "includeSharedSessions": "true",
    }


def test_sessions_of_a_page_may_be_read_by_the_caller(
    used_cloud: Sandbox, account: Account, session: Session
) -> None:
    """Whoever passes a function to read the sessions gets them as they came."""
    body = {"userSessions": [{"id": "1"}, "no session"], "more": 5}
    used_cloud.fail_next(HISTORY, body=body)
    seen: list[Any] = []

    def read(found: list[Any]) -> tuple[UserSession, ...]:
        seen.extend(found)
        return ()

    page = history_api.fetch(account, session, since=SINCE, limit=3, sort=Sort.ASC, read=read)

    assert seen == body["userSessions"]
    assert (len(page), page.data.extra) == (0, {"more": 5})


@pytest.mark.parametrize(
    ("call", "path", "name"),
    [
        (history_api.set_read_state, "/setReadState", "endTimeSessionIds"),
        (history_api.mark_as_deleted, "/markAsDeleted", "deleteSessionIds"),
    ],
)
def test_body_of_a_write(
    used_cloud: Sandbox, account: Account, session: Session, call: Any, path: str, name: str
) -> None:
    """A write sends the pairs under its own name."""
    used_cloud.fail_next(path, body={})

    assert call(account, session, PAIRS).ok

    (request,) = used_cloud.requests_to(path)
    assert json.loads(request.body) == {name: PAIRS}


@pytest.mark.parametrize("service", ["/catalog", HISTORY])
@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (403, ApiError)])
def test_refusal_is_raised(
    used_cloud: Sandbox, account: Account, session: Session, service: str, status: int, kind: Any
) -> None:
    """A "no" is raised with its status and tracking id, also that of the catalog."""
    used_cloud.fail_next(service, status=status, headers={"trackingid": "WEBEX_1"})

    with pytest.raises(ApiError) as caught:
        history_api.fetch(account, session, since=SINCE, limit=3, sort=Sort.ASC)

    assert type(caught.value) is kind
    assert (caught.value.status_code, caught.value.tracking_id) == (status, "WEBEX_1")


@pytest.mark.parametrize(
    "backend",
    [
        "WEBEX_CALLING",
        "broadworks_calling",
        CallingBackend.WEBEX_CALLING,
        CallingBackend.BROADWORKS_CALLING,
    ],
)
def test_given_backend_needs_no_device(cloud: Sandbox, backend: str) -> None:
    """With calling_backend the three calls register no device, and close() deletes none."""
    with cloud.webex(calling_backend=backend) as webex, CallHistoryClient(webex) as client:
        history = client.get_call_history_data()
        assert client.update_missed_calls(history[:1]).ok
        assert client.delete_call_history_records(history[:1]).ok

    assert cloud.requests_to("/devices") == ()
    assert {request.headers.get("cisco-device-url") for request in cloud.requests} == {None}
    shared = cloud.requests_to(HISTORY, "GET")[0].query.get("includeSharedSessions")
    assert shared == ("true" if backend.upper() == "WEBEX_CALLING" else None)
