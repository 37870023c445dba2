"""The line numbers on Unified CM: whatever goes wrong with them, the history is returned."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from callhistory import CallHistoryClient, JanusResponseEvent
from callhistory.sandbox import Sandbox
from tests.support.limits import BriskSandbox
from tests.support.wire_server import WireServer, answer

HISTORY = "/history/userSessions"
LINES = "/lines"


@pytest.fixture(scope="module")
def _lines_cloud() -> Iterator[Sandbox]:
    with BriskSandbox(backend="UCM_CALLING", sessions=0) as running:
        for number in ("5501", "5502", "5503", "5599", "", None):
            own_side: dict[str, Any] = {"self": {"cucmDN": number}}
            running.place_call(**own_side)
        yield running


@pytest.fixture
def cloud(_lines_cloud: Sandbox) -> Iterator[Sandbox]:
    """Return a sandbox on Unified CM with a call on each of its lines, and some on none."""
    _lines_cloud.forget_requests()
    yield _lines_cloud
    _lines_cloud.clear_faults()


@pytest.fixture
def client(cloud: Sandbox) -> Iterator[CallHistoryClient]:
    """Return a client of it that does not wait long."""
    with cloud.webex(timeout=(5, 0.4), max_retries=0) as webex:
        yield CallHistoryClient(webex)


def numbered(history: JanusResponseEvent) -> dict[str | None, int | None]:
    return {session.self_.cucm_dn: session.self_.ucm_line_number for session in history}


UNNUMBERED = dict.fromkeys(("5501", "5502", "5503", "5599", "", None))


def test_lines_are_put_on_the_sessions(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Each session whose line is known has its number; of two matches the last one wins."""
    history = client.get_call_history_data()

    assert numbered(history) == {**UNNUMBERED, "5501": 1, "5502": 3, "5503": 1}
    (request,) = cloud.requests_to(LINES)
    (device,) = cloud.devices
    assert request.path == f"/ucmgmt/v1/uc/config/people/{cloud.user.id}/lines"
    assert request.query_string.startswith("orgId=")
    assert request.headers["cisco-device-url"] == device.url
    assert request.headers["Authorization"] == f"Bearer {cloud.access_token}"


def test_lines_are_asked_for_also_with_a_given_backend(cloud: Sandbox) -> None:
    """With calling_backend given, a device is registered for the lines only, to know whose."""
    with cloud.webex(calling_backend="UCM_CALLING") as webex:
        client = CallHistoryClient(webex)
        assert numbered(client.get_call_history_data())["5501"] == 1

    paths = [(r.method, r.path.rpartition("/")[2]) for r in cloud.requests]
    assert [path for _, path in paths[:4]] == ["catalog", "userSessions", "devices", "lines"]


def test_lines_are_not_asked_for_without_a_need(cloud: Sandbox) -> None:
    """Lines are not asked for where no session has one, nor after a failure or elsewhere."""
    with CallHistoryClient(cloud.webex()) as client:
        cloud.fail_next(HISTORY, body={"userSessions": []})
        assert client.get_call_history_data().ok
        cloud.fail_next(HISTORY, status=500)
        assert client.get_call_history_data().status_code == 500
        refused = {"statusCode": 500, "userSessions": [{"self": {"cucmDN": "5501"}}]}
        cloud.fail_next(HISTORY, body=refused)
        assert client.get_call_history_data().status_code == 500
    with CallHistoryClient(cloud.webex(calling_backend="BROADWORKS_CALLING")) as client:
        assert numbered(client.get_call_history_data()) == UNNUMBERED

    assert cloud.requests_to(LINES) == ()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 302},
        {"status": 500},
        {"body": b"<html>"},
        {"body": b"plain", "headers": {"Content-Encoding": "gzip"}},
        {"status": 204},
        {"delay": 20},
        {"drip": 0.02},
        {"reset": True},
        {"truncate": True},
    ],
    ids=lambda fault: " ".join(fault),
)
def test_failed_lines_leave_the_history(
    cloud: Sandbox,
    client: CallHistoryClient,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """However the request for the lines fails, the history is returned, and the log says why."""
    cloud.fail_next(LINES, **fault)

    with caplog.at_level(logging.WARNING, "callhistory"):
        history = client.get_call_history_data()

    assert numbered(history) == UNNUMBERED
    assert history.ok
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("no line numbers: ")
    assert numbered(client.get_call_history_data())["5501"] == 1, "the next page has them"


@pytest.mark.parametrize(
    "body",
    [
        5,
        {},
        {"devices": "none"},
        {"devices": [None, 5, [], {}]},
        {"devices": [{"lines": None}, {"lines": {}}, {"lines": [None, 5, []]}]},
        {"devices": [{"lines": [{}, {"dnorpattern": "5501"}, {"index": 1}]}]},
        {"devices": [{"lines": [{"dnorpattern": 5501, "index": 1}]}]},
        {"devices": [{"lines": [{"dnorpattern": "5501", "index": "1"}]}]},
        {"devices": [{"lines": [{"dnorpattern": "5501", "index": True}]}]},
    ],
    ids=str,
)
def test_lines_of_another_shape_number_nothing(
    cloud: Sandbox, client: CallHistoryClient, body: object
) -> None:
    """Lines that are not as they should be are as if they were not there."""
    cloud.fail_next(LINES, body=body)

    assert numbered(client.get_call_history_data()) == UNNUMBERED


def test_readable_lines_among_others_count(cloud: Sandbox, client: CallHistoryClient) -> None:
    """One line that cannot be read does not cost the others."""
    lines: list[object] = [None, {"dnorpattern": "5501", "index": "x"}]
    lines += [{"dnorpattern": "5502", "index": 7}, {"dnorpattern": "5501", "index": 9}]
    cloud.fail_next(LINES, body={"devices": [{"lines": lines}, None]})

    assert numbered(client.get_call_history_data()) == {**UNNUMBERED, "5502": 7, "5501": 9}


def test_sessions_of_another_shape_are_left_alone(
    cloud: Sandbox, client: CallHistoryClient
) -> None:
    """Sessions whose own side is no object, or has a number of another type, get no line."""
    times = {"startTime": "2026-03-01T08:59:30.125Z", "endTime": "2026-03-01T09:00:00.250Z"}
    sides: list[object] = [None, 5, [], {}, {"cucmDN": 5501}, {"cucmDN": ["5501"]}, "5501"]
    sides.append({"cucmDN": "5501"})
    sessions = [{"id": str(n), **times, "self": side} for n, side in enumerate(sides)]
    cloud.fail_next(HISTORY, body={"userSessions": sessions})

    history = client.get_call_history_data()

    assert [session.self_.ucm_line_number for session in history] == [None] * 7 + [1]


@pytest.mark.parametrize("link", [None, 5, "", "http://ucm.partner.example", "https://u@wbx2.com"])
def test_missing_link_leaves_the_history(
    cloud: Sandbox, client: CallHistoryClient, caplog: pytest.LogCaptureFixture, link: object
) -> None:
    """A catalog without the lines' service, or one that may not be asked, costs no history."""
    base = cloud.u2c_url.removesuffix("/u2c/api/v1")
    links = {"janus": f"{base}/janus/api/v1", "wdm": f"{base}/wdm/api/v1"}
    if link is not None:
        links["ucmgmt-gateway"] = link  # type: ignore[assignment] # some are wrong
    cloud.fail_next("/catalog", body={"serviceLinks": links})

    assert numbered(client.get_call_history_data()) == UNNUMBERED
    assert [r for r in caplog.records if r.getMessage().startswith("no line numbers: ")]


def test_user_id_is_quoted(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Whatever a user id consists of, it is one part of the path."""
    user_id, path = "a/b?c#d eü&=+%@:", "a%2Fb%3Fc%23d%20e%C3%BC%26%3D%2B%25%40%3A"
    with WireServer(lambda connection: connection.send(answer())) as server:
        base = cloud.u2c_url.removesuffix("/u2c/api/v1")
        gateway = server.url.removesuffix("/u2c/api/v1")
        links = {
            "janus": f"{base}/janus/api/v1",
            "wdm": f"{base}/wdm/api/v1",
            "ucmgmt-gateway": gateway,
        }
        cloud.fail_next("/catalog", body={"serviceLinks": links})
        device = {"url": f"{base}/wdm/api/v1/devices/1", "userId": user_id, "orgId": "o & p"}
        device["callingBehavior"] = "NATIVE_SIP_CALL_TO_UCM"
        cloud.fail_next("/devices", body=device)
        assert client.get_call_history_data().ok

    (request,) = server.requests
    expected = f"GET /v1/uc/config/people/{path}/lines?orgId=o+%26+p HTTP/1.1"
    assert request.split(b"\r\n")[0].decode() == expected


@pytest.mark.parametrize("user_id", [None, "", 5, "\ud800"], ids=ascii)
def test_device_without_a_user_leaves_the_history(
    cloud: Sandbox, client: CallHistoryClient, caplog: pytest.LogCaptureFixture, user_id: object
) -> None:
    """Without knowing whose the device is, nobody's lines are asked for."""
    device = {"url": f"{cloud.u2c_url}/devices/1", "userId": user_id}
    cloud.fail_next("/devices", body={**device, "callingBehavior": "NATIVE_SIP_CALL_TO_UCM"})

    assert numbered(client.get_call_history_data()) == UNNUMBERED
    assert cloud.requests_to(LINES) == ()
    assert [r for r in caplog.records if r.getMessage().startswith("no line numbers: ")]


def test_device_without_an_organization_is_asked_without(
    cloud: Sandbox, client: CallHistoryClient
) -> None:
    """Where Webex did not say which organization, the request does not either."""
    device = {"url": f"{cloud.u2c_url}/devices/1", "userId": cloud.user.id}
    cloud.fail_next("/devices", body={**device, "callingBehavior": "NATIVE_SIP_CALL_TO_UCM"})
    cloud.fail_next(LINES, body={"devices": [{"lines": [{"dnorpattern": "5501", "index": 4}]}]})

    assert numbered(client.get_call_history_data())["5501"] == 4
    assert cloud.requests_to(LINES)[0].query_string == ""


def test_refused_device_leaves_the_history(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A device that is registered for the lines only, and refused, costs no history."""
    cloud.fail_next("/devices", status=403)
    with cloud.webex(calling_backend="UCM_CALLING", max_retries=0) as webex:
        assert numbered(CallHistoryClient(webex).get_call_history_data()) == UNNUMBERED

    (message,) = caplog.messages
    assert message.startswith("no line numbers: 403: User request is forbidden (tracking id")


def test_broken_function_for_the_token_leaves_the_history(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A function for the token that breaks at the lines' 401 costs no history, nor is it quoted."""
    tokens = [cloud.access_token]

    def source() -> str:
        if tokens:
            return tokens.pop()
        raise LookupError("sEcReT")

    with CallHistoryClient(cloud.webex(access_token=source)) as client:
        cloud.fail_next(LINES, status=401)
        assert numbered(client.get_call_history_data()) == UNNUMBERED

    assert caplog.messages == ["no line numbers: LookupError"]
