"""TODO."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from callhistory import CallHistoryClient, DecodeError, Webex
from callhistory.sandbox import Sandbox
from tests.support.wire_server import CERTIFICATE, WireServer, answer

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


def test_callers_session_is_used_and_left_as_it_is(cloud: Sandbox) -> None:
    """Headers, parameters and hooks of a caller's session count; nothing in it changes."""
    session = requests.Session()
    session.headers["X-Program"] = "billing"
    session.cookies.set("own", "cookie", domain="127.0.0.1")
    seen = []
    session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
    adapters = dict(session.adapters)
    before = dict(session.__dict__)
    headers, cookies = dict(session.headers), dict(session.cookies)
    cloud.fail_next("/catalog", headers={"Set-Cookie": "theirs=1; Path=/"})

    with cloud.webex(session=session) as webex, CallHistoryClient(webex) as client:
        assert client.get_call_history_data().ok

    assert seen == [200, 200, 200, 204]
    assert {request.headers["X-Program"] for request in cloud.requests} == {"billing"}
    sent = [request.headers.get("Cookie") for request in cloud.requests]
    assert sent == ["own=cookie"] + ["own=cookie; theirs=1"] * 3
    assert session.__dict__ == before
    assert dict(session.adapters) == adapters
    assert dict(session.headers) == headers
    assert dict(session.cookies) == cookies


def test_callers_session_is_not_closed(cloud: Sandbox) -> None:
    """Closing a client closes neither the caller's session nor an adapter of theirs."""
    closed: list[object] = []

    class Adapter(HTTPAdapter):
        def close(self) -> None:
            closed.append(self)
            super().close()

    class Session(requests.Session):
        def close(self) -> None:
            closed.append(self)
            super().close()

    session = Session()
    session.mount("http://", Adapter())
    with cloud.webex(session=session) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert closed == []
    assert session.get(f"{cloud.u2c_url}/limited/catalog?format=hostmap").ok
    session.close()


def test_callers_adapter_sends_the_requests(cloud: Sandbox) -> None:
    """An adapter that the caller mounted sends what goes to its addresses, with our retries."""
    sent = []

    class Adapter(HTTPAdapter):
        def send(
            self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
        ) -> requests.Response:
            sent.append((request.path_url.partition("?")[0].rpartition("/")[2], kwargs["timeout"]))
            return super().send(request, *args, **kwargs)

    session = requests.Session()
    session.mount(cloud.u2c_url, Adapter())
    cloud.fail_next("/catalog", status=503)

    with cloud.webex(session=session, timeout=(2, 7)) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert sent == [("catalog", (2, 7))] * 2
    session.close()


def test_callers_subclass_sends_the_requests(cloud: Sandbox) -> None:
    """A session class of the caller's keeps what it does, also if it has its own timeout."""
    asked = []

    class Session(requests.Session):
        def __init__(self, program: str) -> None:
            super().__init__()
            self.program = program

        def request(  # type: ignore[override] # a subclass as they are written
            self, method: str, url: str, **options: Any
        ) -> requests.Response:
            asked.append((self.program, method))
            return super().request(method, url, **{**options, "timeout": 3})

    cloud.fail_next("/catalog", status=503)
    with cloud.webex(session=Session("billing")) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert asked == [("billing", m) for m in ("GET", "POST", "GET", "DELETE")]


def test_session_of_another_type_is_refused() -> None:
    """Something that is no requests session is a TypeError."""
    with pytest.raises(TypeError, match=r"session: expected a requests\.Session, not object"):
        Webex(access_token=TOKEN, session=object())  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize("verify", [False, str(CERTIFICATE)], ids=["none", "own"])
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_callers_certificates_outrank_the_environments(
    verify: bool | str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a caller's session says of certificates holds also where REQUESTS_CA_BUNDLE is set."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with WireServer(lambda connection: connection.send(answer()), tls=True) as server:
        session = requests.Session()
        session.verify = verify
        webex = Webex(access_token="t", u2c_url=server.url, session=session, max_retries=0)
        with webex, pytest.raises(DecodeError, match="serviceLinks"):
            webex.catalog()


def test_hook_that_raises_for_a_status_leaves_the_answer(cloud: Sandbox) -> None:
    """A session whose hook calls raise_for_status() gets Webex's answer as the return value."""
    session = requests.Session()
    session.hooks["response"].append(lambda response, **_: response.raise_for_status())
    with CallHistoryClient(cloud.webex(session=session, max_retries=0)) as client:
        cloud.fail_next("/history/", status=503, retry_after=99)

        history = client.get_call_history_data()

        assert (history.status_code, history.retry_after) == (503, 99.0)
        assert history.tracking_id
        assert client.get_call_history_data().ok


def test_certificates_of_the_callers_session_count() -> None:
    """A session that trusts another authority reaches a host that has it vouch for it."""
    session = requests.Session()
    session.verify = str(CERTIFICATE)

    with WireServer(lambda c: c.send(answer(status="404 Not Found")), tls=True) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, session=session)
        assert CallHistoryClient(webex).get_call_history_data().status_code == 404


def test_authorization_of_the_callers_session_does_not_win(cloud: Sandbox) -> None:
    """The session's own Authorization and credentials give way to the token."""
    session = requests.Session()
    session.headers["Authorization"] = "Basic c29tZWJvZHk6ZWxzZQ=="
    session.auth = ("somebody", "else")

    with CallHistoryClient(cloud.webex(session=session)) as client:
        assert client.get_call_history_data().ok

    sent = {request.headers["Authorization"] for request in cloud.requests}
    assert sent == {f"Bearer {cloud.access_token}"}
