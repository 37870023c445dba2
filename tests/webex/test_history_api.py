"""The requests to the call history service: query, body, and how a refusal is raised."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callhistory import (
    CallHistoryClient,
    CallingBackend,
    Sort,
    UserSession,
    from_wire,
)
from callhistory._webex import history_api
from callhistory.sandbox import Sandbox
from tests.support.wire_samples import a_session

HISTORY = "/history/userSessions"
SINCE = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)


def test_a_page_has_what_cannot_be_read_apart(used_cloud: Sandbox) -> None:
    """Whoever can do without some sessions gets the others, and an error for each one missing."""
    body = {"userSessions": [a_session(), {"id": "1"}, "no session"], "more": 5}
    used_cloud.fail_next(HISTORY, body=body)

    with used_cloud.webex(calling_backend="WEBEX_CALLING") as webex:
        account = webex._account
        session = account.open_http_session()
        page = history_api.fetch_page(account, session, since=SINCE, limit=3, sort=Sort.ASC)
        session.close()

    assert page.sessions == (from_wire(UserSession, a_session()),)
    assert [p.path for p in page.problems] == ["userSessions[1].startTime", "userSessions[2]"]
    assert (page.status_code, page.extra) == (200, {"more": 5})


@pytest.mark.parametrize("order", [1, -1])
def test_a_refusal_in_the_body_outranks_its_sessions(
    cloud: Sandbox, client: CallHistoryClient, order: int
) -> None:
    """A body that says 500 is a refusal, before or after sessions, even unreadable ones."""
    fields = [("statusCode", 500), ("userSessions", [{"id": "1"}])]
    cloud.fail_next(HISTORY, body=dict(fields[::order]))

    assert client.get_call_history_data().status_code == 500


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
