"""The requests to the call history service: query, body, and how a refusal is raised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallingBackend,
    Sort,
    UserSession,
)
from callhistory._webex import history_api
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
SINCE = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)


def test_sessions_of_a_page_may_be_read_by_the_caller(used_cloud: Sandbox) -> None:
    """Whoever passes a function to read the sessions gets them as they came."""
    body = {"userSessions": [{"id": "1"}, "no session"], "more": 5}
    used_cloud.fail_next(HISTORY, body=body)
    seen: list[Any] = []

    def read(found: list[Any]) -> tuple[UserSession, ...]:
        seen.extend(found)
        return ()

    with used_cloud.webex(calling_backend="WEBEX_CALLING") as webex:
        account = webex._account
        session = account.open_http_session()
        page = history_api.fetch(account, session, since=SINCE, limit=3, sort=Sort.ASC, read=read)
        session.close()

    assert seen == body["userSessions"]
    assert (len(page), page.data.extra) == (0, {"more": 5})


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
