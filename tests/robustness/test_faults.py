"""Every fault of the wire, at each of the three calls: outcome, requests, time and memory."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from callhistory import CallHistoryClient, DecodeError
from callhistory.sandbox import Sandbox
from tests.robustness.fault_table import (
    CASES,
    DELETE,
    FETCH,
    MARK,
    PATHS,
    Case,
    bomb,
    call,
    measure,
)
from tests.support.error_contents import chain
from tests.support.programs import run
from tests.support.wire_samples import a_session

SECRETS = ("Bearer ", "nobodys-session")


@pytest.fixture
def cloud(used_cloud: Sandbox) -> Sandbox:
    """Return a sandbox; only the lost replies depend on what is in its history."""
    return used_cloud


@pytest.mark.parametrize(
    ("case", "name"),
    [pytest.param(case, name, id=f"{case.name}-{name}") for case in CASES for name in case.calls],
)
def test_each_fault_has_one_outcome(cloud: Sandbox, case: Case, name: str) -> None:
    """A call that meets a fault ends as the table says, with as many requests, and in time."""
    found = measure(cloud, case, name)

    assert found.outcome == case.outcome_of(name)
    assert found.requests == case.requests
    assert case.seconds[0] <= found.seconds <= case.seconds[1]
    assert found.retry_after == case.retry_after
    if found.error is not None:
        links = list(chain(found.error))
        shown = " ".join(f"{link!s} {link!r} {link.args} {vars(link)}" for link in links)
        assert not [secret for secret in (*SECRETS, cloud.access_token) if secret in shown]
        assert not any(link.__context__ for link in links)


@pytest.mark.parametrize("name", [MARK, DELETE])
@pytest.mark.parametrize("hard", [False, True], ids=["closed", "reset"])
def test_write_whose_reply_was_lost_is_applied_once(cloud: Sandbox, name: str, hard: bool) -> None:
    """A write whose reply is lost is sent again; it takes effect once, and is a success."""
    session = cloud.place_call(disposition="MISSED")
    with CallHistoryClient(cloud.webex()) as client:
        client.get_call_history_data()
        cloud.fail_next(PATHS[name], lose=True, reset=hard)

        if name == MARK:
            assert client.update_missed_calls([session]).ok
        else:
            assert client.delete_call_history_records([session]).ok

        first, second = cloud.requests_to(PATHS[name])[-2:]
        assert first.body == second.body
        found = [s for s in client.get_call_history_data() if s.session_id == session.session_id]
        assert [s.is_read for s in found] == ([True] if name == MARK else [])


def test_redirect_of_a_write_never_becomes_a_get(cloud: Sandbox) -> None:
    """A write is not redirected to another host, and never becomes a GET."""
    with Sandbox() as other, CallHistoryClient(cloud.webex()) as client:
        client.get_call_history_data()
        for status in (301, 302, 303, 307, 308):
            for target in (f"{other.u2c_url}/catalog", "/janus/api/v1/history/userSessions"):
                cloud.forget_requests()
                cloud.fail_next(PATHS[MARK], status=status, headers={"Location": target})
                answer = call(client, MARK)
                if status in (307, 308) and target.startswith("/"):
                    methods = [request.method for request in cloud.requests]
                    assert methods == ["POST", "POST"], "the same request, at another path"
                else:
                    assert answer.status_code == status
                    assert len(cloud.requests) == 1
        assert other.requests == ()


# --- every field of a session ---

WRONG: list[Any] = [None, True, 5, 1.5, "text", [], {}, [1], {"a": [1]}]
ESSENTIAL = {"startTime", "endTime"}


def _paths(document: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, value in document.items():
        found.append((*above, name))
        if isinstance(value, dict):
            found += _paths(value, (*above, name))
    return found


def _with(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    return {**document, first: _with(document[first], tuple(rest), value) if rest else value}


def test_another_type_at_any_field_costs_no_page(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever type a field has, the page is read, unless the field is essential: it is named."""
    complete = a_session()
    with CallHistoryClient(cloud.webex()) as client:
        for path in _paths(complete):
            for value in WRONG:
                session = _with(complete, path, value)
                cloud.fail_next(PATHS[FETCH], body={"statusCode": 200, "userSessions": [session]})
                where = _unreadable(client)
                assert where in (None, f"userSessions[0].{path[0]}")
                assert where is None or path[0] in ESSENTIAL
    assert "text" not in caplog.text


def _unreadable(client: CallHistoryClient) -> str | None:
    """Fetch a page with one session; return the path of what could not be read, or ``None``."""
    try:
        (session,) = client.get_call_history_data()
    except DecodeError as error:
        return error.path
    assert session.session_id
    return None


# --- memory ---

MEASURE = """
import resource, sys
from callhistory import CallHistoryClient, DecodeError, Webex

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

client = CallHistoryClient(Webex(access_token=sys.argv[1], u2c_url=sys.argv[2], max_retries=0))
assert client.get_call_history_data().ok
before = peak()
try:
    client.get_call_history_data()
except DecodeError as error:
    print(peak() - before, error)
client.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
@pytest.mark.parametrize("fault", ["bomb", "endless"])
def test_memory_has_a_bound(cloud: Sandbox, fault: str) -> None:
    """A bomb of 1 GiB, or a body without end, takes at most twice the limit of 64 MiB."""
    options: dict[str, Any] = {"body": b"{", "endless": True}
    if fault == "bomb":
        options = {"body": bomb(), "headers": {"Content-Encoding": "gzip"}}
    arguments = [cloud.access_token, cloud.u2c_url]
    cloud.fail_next(PATHS[FETCH], body={"userSessions": []})
    cloud.fail_next(PATHS[FETCH], **options)

    done = run("-c", MEASURE, *arguments)

    growth, _, text = done.stdout.partition(" ")
    assert "64 MiB" in text
    assert int(growth) < 128
