"""What is taken over from a session of the caller's, item by item, and that it stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPBasicAuth

from callhistory import CallHistoryClient, Webex
from callhistory._http.callers_session import session_like
from callhistory.sandbox import Sandbox
from tests.support.canned_adapter import canned

TOKEN = "sEcReT"


class Recorder(BaseAdapter):
    """Answers each request with 404, and records what it was to send.

    Attributes:
        requests: the requests.
        settings: the timeout, certificates and proxies of the last one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[requests.PreparedRequest] = []
        self.settings: Mapping[str, Any] = {}

    def send(
        self, request: requests.PreparedRequest, *_: Any, **settings: Any
    ) -> requests.Response:
        """Record a request and answer it."""
        self.requests.append(request)
        self.settings = settings
        return canned(404, b"{}")

    def close(self) -> None:
        """Fail: the adapter is the caller's to close."""
        raise AssertionError("it is the caller's to close")


def asked_with(session: requests.Session, **options: Any) -> Recorder:
    """Ask Webex twice through a caller's session that sends through a recorder."""
    recorder = Recorder()
    session.mount("https://", recorder)
    with CallHistoryClient(Webex(access_token=TOKEN, session=session, **options)) as client:
        for _ in range(2):
            assert client.get_call_history_data().status_code == 404
    return recorder


COOKIES = requests.cookies.RequestsCookieJar()
COOKIES.set("program", "x", domain="u2c.wbx2.com")
Seen = Callable[[Recorder], object]


def header(name: str) -> Seen:
    return lambda recorder: recorder.requests[-1].headers.get(name)


def setting(name: str) -> Seen:
    return lambda recorder: recorder.settings[name]


@pytest.mark.parametrize(
    ("name", "value", "seen", "expected"),
    [
        ("proxies", {"https": "http://p:1"}, setting("proxies"), {"https": "http://p:1"}),
        ("verify", False, setting("verify"), False),
        ("verify", "/ca.pem", setting("verify"), "/ca.pem"),
        ("cert", ("/cert.pem", "/key.pem"), setting("cert"), ("/cert.pem", "/key.pem")),
        ("trust_env", True, setting("verify"), "/environment.pem"),
        ("trust_env", False, setting("verify"), True),
        ("headers", {"X-Program": "billing"}, header("X-Program"), "billing"),
        ("headers", {"Authorization": "Basic x"}, header("Authorization"), f"Bearer {TOKEN}"),
        ("auth", HTTPBasicAuth("a", "b"), header("Authorization"), f"Bearer {TOKEN}"),
        (
            "params",
            {"program": "billing"},
            lambda recorder: recorder.requests[-1].path_url.partition("?")[2],
            "program=billing&format=hostmap",
        ),
        ("cookies", COOKIES, header("Cookie"), "program=x"),
    ],
)
def test_setting_of_the_callers_session(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, seen: Seen, expected: object
) -> None:
    """Each setting counts as in the caller's session, but for its auth; none of them changes."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    session = requests.Session()
    setattr(session, name, value)
    before = copy.deepcopy(value)

    recorder = asked_with(session)

    assert seen(recorder) == expected
    assert getattr(session, name) is value
    assert value == before
    assert session.cookies.get_dict() == ({"program": "x"} if name == "cookies" else {})


def test_hooks_of_the_callers_session() -> None:
    """A hook sees each answer, and may be one that the session has for good."""
    statuses = []
    session = requests.Session()
    session.hooks["response"].append(lambda response, **_: statuses.append(response.status_code))
    hooks = list(session.hooks["response"])

    asked_with(session)

    assert statuses == [404, 404]
    assert session.hooks == {"response": hooks}


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


def test_adapter_of_the_caller_sends_what_goes_to_its_addresses(cloud: Sandbox) -> None:
    """An adapter that the caller mounted sends to its addresses alone, with our retries."""
    sent = []

    class Adapter(HTTPAdapter):
        def send(
            self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
        ) -> requests.Response:
            sent.append((request.path_url.partition("?")[0].rpartition("/")[2], kwargs["timeout"]))
            return super().send(request, *args, **kwargs)

        def close(self) -> None:
            sent.append(("closed", None))

    with requests.Session() as session:
        session.mount(cloud.u2c_url, Adapter())
        adapters = dict(session.adapters)
        cloud.fail_next("/catalog", status=503)
        with cloud.webex(session=session, timeout=(2, 7)) as webex:
            assert CallHistoryClient(webex).get_call_history_data().ok

        assert sent == [("catalog", (2, 7))] * 2
        assert dict(session.adapters) == adapters


class Billing(requests.Session):
    """A session of a program's own, as programs write them.

    Attributes:
        program: an argument of it.
        asked: what its methods were asked for.
    """

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program
        self.asked: list[tuple[str, str]] = []

    def request(  # type: ignore[override] # a subclass as they are written
        self, method: str, url: str, **options: Any
    ) -> requests.Response:
        """Send a request, with a timeout of its own."""
        self.asked.append(("request", method))
        return super().request(method, url, **{**options, "timeout": 3})

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, with the program's name."""
        self.asked.append(("send", request.method or ""))
        request.headers["X-Program"] = self.program
        return super().send(request, **options)

    def close(self) -> None:
        """Close it, which is the caller's to do."""
        self.asked.append(("close", ""))


def test_subclass_of_the_caller_sends_the_requests(cloud: Sandbox) -> None:
    """A session class of the caller's keeps its request(), its send() and their attributes."""
    session = Billing("billing")
    before = {name: value for name, value in vars(session).items() if name != "asked"}
    cloud.fail_next("/catalog", status=503)

    with cloud.webex(session=session) as webex, CallHistoryClient(webex) as client:
        assert client.get_call_history_data().ok

    expected = [(name, method) for method in ("GET", "POST", "GET") for name in ("request", "send")]
    assert session.asked == [*expected, ("request", "DELETE"), ("send", "DELETE")]
    assert {request.headers["X-Program"] for request in cloud.requests} == {"billing"}
    assert {**vars(session), "asked": None} == {**before, "asked": None}


def test_attribute_that_nobody_has_is_an_attribute_error() -> None:
    """What a subclass looks for in itself, and the caller's session has not, is not found."""

    class Lost(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            assert not hasattr(self, "nowhere")
            return super().send(request, **options)

    asked_with(Lost())


def test_session_goes_on_after_its_webex(cloud: Sandbox) -> None:
    """The caller's session is not closed with the Webex, and gets none of its cookies."""
    cloud.fail_next("/catalog", headers={"Set-Cookie": "theirs=1; Path=/"})
    with requests.Session() as session:
        session.cookies.set("own", "cookie", domain="127.0.0.1")
        with cloud.webex(session=session) as webex:
            assert CallHistoryClient(webex).get_call_history_data().ok

        sent = [request.headers.get("Cookie") for request in cloud.requests]
        assert sent[:2] == ["own=cookie", "own=cookie; theirs=1"]
        assert session.cookies.get_dict() == {"own": "cookie"}
        assert session.get(f"{cloud.u2c_url}/limited/catalog?format=hostmap").ok


def test_session_of_another_type_is_refused() -> None:
    """Something that is no requests session is a TypeError."""
    with pytest.raises(TypeError, match=r"session: expected a requests\.Session, not object"):
        Webex(access_token=TOKEN, session=object())  # type: ignore[arg-type] # that is the point


def test_callers_class_with_a_hook_for_its_subclasses() -> None:
    """Clients of one class of session share one class of ours, and run no hook of its author."""
    made = []

    class Registered(requests.Session):
        def __init_subclass__(cls, *, name: str) -> None:
            made.append(name)

    kinds = {type(session_like(Registered())) for _ in range(2)}

    assert len(kinds) == 1
    assert made == []
