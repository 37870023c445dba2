"""One request: its headers, its session, its deadline, and what becomes of its answer."""

from __future__ import annotations

import gzip
import json
import logging
import re
import socket
import threading
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from callhistory import CallHistoryClient, DecodeError, TransportError, Webex, __version__
from callhistory._http import deadline as patience
from callhistory._http.response import words_for
from callhistory._http.retry import Effort, RetryAdapter, retry_after
from callhistory._webex.catalog import COMMERCIAL_U2C
from callhistory.sandbox import Sandbox
from tests.support.wire_server import CERTIFICATE, Connection, WireServer, answer

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


def counted(tracking_ids: list[str]) -> tuple[set[str], list[int]]:
    """Take tracking ids apart: who counts, and how far."""
    parts = [TRACKING_ID.fullmatch(tracking_id) for tracking_id in tracking_ids]
    assert all(parts), tracking_ids
    return {part[1] for part in parts if part}, [int(part[2]) for part in parts if part]


# --- headers ---


def test_headers_of_a_fetch(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Every request says who asks, on whose behalf, and what it understands."""
    client.get_call_history_data()

    for request in cloud.requests:
        headers = request.headers
        assert headers["Authorization"] == f"Bearer {cloud.access_token}"
        assert headers["spark-user-agent"] == f"callhistory/{__version__} (python)"
        assert headers["cisco-no-http-redirect"] == "true"
        assert headers["Accept"] == "application/json"
        assert "gzip" in headers["Accept-Encoding"]


def test_device_is_named_once_it_is_registered(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Catalog and registration come from no device, what follows from the registered one."""
    sessions = client.get_call_history_data()[:1]
    client.update_missed_calls(sessions)
    (device,) = cloud.devices

    named = [
        (request.path.rpartition("/")[2], request.headers.get("cisco-device-url"))
        for request in cloud.requests
    ]

    assert named == [
        ("catalog", None),
        ("devices", None),
        ("userSessions", device.url),
        ("setReadState", device.url),
    ]


def test_content_type_goes_with_a_body(cloud: Sandbox, client: CallHistoryClient) -> None:
    """Only a request with a body has a content type."""
    client.update_missed_calls(client.get_call_history_data()[:1])

    for request in cloud.requests:
        assert request.headers.get("Content-Type") == (
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


def test_tracking_id_of_the_answer_is_the_responses(
    cloud: Sandbox, client: CallHistoryClient
) -> None:
    """The answer's tracking id is what Webex answered with, or else what was asked with."""
    cloud.fail_next(HISTORY, status=500, headers={"trackingid": "JANUS_1"})
    assert client.get_call_history_data().tracking_id == "JANUS_1"

    history = client.get_call_history_data()
    assert history.tracking_id == cloud.requests[-1].headers["trackingid"]


def test_tracking_id_stands_in_where_the_answer_has_none(strict: responses.RequestsMock) -> None:
    """An answer without a tracking id is known by the request's."""
    strict.get(f"{COMMERCIAL_U2C}/catalog", status=500)

    history = CallHistoryClient(Webex(access_token=TOKEN)).get_call_history_data()

    assert history.tracking_id == strict.calls[0].request.headers["trackingid"]


# --- the caller's session ---


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


def test_plain_adapter_of_the_caller_keeps_its_bounds() -> None:
    """An adapter that is to have one connection at a time has one, and no fewer otherwise."""
    for bound, size in ((True, 1), (False, 32)):
        session = requests.Session()
        session.mount("http://", HTTPAdapter(pool_maxsize=1, pool_block=bound))
        retrying = RetryAdapter(session.get_adapter("http://x"), Effort(1, 1, 0))
        pool = retrying._inner.poolmanager.connection_from_url("http://127.0.0.1:9")  # type: ignore[attr-defined]
        assert (pool.pool.maxsize, pool.block) == (size, bound)


def test_certificates_of_the_callers_session_count() -> None:
    """A session that trusts another authority reaches a host that has it vouch for it."""
    session = requests.Session()
    session.verify = str(CERTIFICATE)

    with WireServer(lambda c: c.send(answer(status="404 Not Found")), tls=True) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, session=session)
        assert CallHistoryClient(webex).get_call_history_data().status_code == 404


# --- answers ---


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip", "deflate"])
def test_compressed_answer_is_read(cloud: Sandbox, client: CallHistoryClient, name: str) -> None:
    """An answer may be compressed."""
    plain = json.dumps({"statusCode": 200, "userSessions": []}).encode()
    squeezed = zlib.compress(plain) if name == "deflate" else gzip.compress(plain)
    cloud.fail_next(HISTORY, body=squeezed, headers={"Content-Encoding": name})

    assert len(client.get_call_history_data()) == 0


def test_connections_are_kept(cloud: Sandbox) -> None:
    """A client's requests, one after the other, need no connection each."""
    body = json.dumps({"serviceLinks": {}}).encode()
    head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    opened = 0

    def behave(connection: Connection) -> None:
        nonlocal opened
        opened += 1
        for _ in range(3):
            connection.send(head + body)
            if not connection.next_request():
                return

    with WireServer(behave) as server:
        client = CallHistoryClient(Webex(access_token=TOKEN, u2c_url=server.url))
        for _ in range(3):
            assert client.get_call_history_data().status_code == 404
        client.close()

    assert opened == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "400 Bad request"),
        (401, "User is unauthorised, possible token expiry"),
        (403, "User request is forbidden"),
        (404, "User info not found"),
        (408, "Request to the server timedout"),
        (500, "Internal server error occurred"),
        (501, "Method is not implemented at the backend"),
        (503, "Unable to establish a connection with the server"),
        (302, "302 Exception has occurred"),
        (418, "418 Exception has occurred"),
        (599, "599 Exception has occurred"),
    ],
)
def test_words_for_a_status(status: int, words: str) -> None:
    """Each status that is no success has the words of the Webex documentation."""
    assert words_for(status) == words


# --- deadlines ---


def body_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    connection.drip(b" " * 1000, 0.02)


def headers_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.drip(b"x" * 1000, 0.02)


def status_line_without_end(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 200 " + b"x" * 1000, 0.02)


def chunks_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"1\r\n \r\n" * 200, 0.02)


def chunk_size_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"0" * 1000, 0.02)


DRIPPING = [
    (body_without_end, False),
    (headers_without_end, False),
    (status_line_without_end, False),
    (chunks_without_end, False),
    (chunk_size_without_end, False),
    (headers_without_end, True),
    (chunks_without_end, True),
]


def expect_an_end(behavior: Any, tls: bool) -> None:
    """Ask a server that drips, with a read timeout of 0.4 s."""
    session = requests.Session()
    session.verify = str(CERTIFICATE)
    with WireServer(behavior, tls=tls) as server:
        webex = Webex(
            access_token=TOKEN, u2c_url=server.url, timeout=(5, 0.4), max_retries=4, session=session
        )
        began = time.monotonic()
        with pytest.raises(TransportError, match="GET 127") as caught:
            CallHistoryClient(webex).get_call_history_data()
        took = time.monotonic() - began
        webex.close()

    case = behavior.__name__, tls
    assert isinstance(caught.value.__cause__, TimeoutError), case
    assert 1.4 < took < 6, (*case, "it takes 1.6 s, and has 20 s to say")
    assert len(server.requests) == 1, case


def test_dripping_answer_ends() -> None:
    """An answer that drips meets no read timeout, and ends after four of them, with no retry."""
    with ThreadPoolExecutor(len(DRIPPING)) as pool:
        for ended in [pool.submit(expect_an_end, *case) for case in DRIPPING]:
            ended.result()


def test_dripping_answer_ends_with_a_callers_adapter() -> None:
    """A body that drips ends also where the caller's own adapter reads it."""

    class Adapter(HTTPAdapter):
        pass

    session = requests.Session()
    session.mount("http://", Adapter())
    with WireServer(body_without_end) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, timeout=0.2, session=session)
        began = time.monotonic()
        with pytest.raises(TransportError):
            CallHistoryClient(webex).get_call_history_data()
        took = time.monotonic() - began
    session.close()

    assert took < 5
    assert len(server.requests) == 1


def test_slow_answer_is_waited_for(cloud: Sandbox) -> None:
    """An answer that comes within the read timeout is an answer."""
    cloud.fail_next("/catalog", delay=0.3)

    with cloud.webex(timeout=(5, 5), max_retries=0) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok


def test_kept_connection_has_its_whole_timeout_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer does not shorten the patience with the next one on the same connection."""
    timeouts = []

    class Noted(patience._Deadline):
        def __init__(self, file: socket.SocketIO, sock: socket.socket) -> None:
            timeouts.append(sock.gettimeout())
            super().__init__(file, sock)

    def behave(connection: Connection) -> None:
        for _ in range(2):
            connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n")
            connection.drip(b"{}", 0.1)
            if not connection.next_request():
                return

    monkeypatch.setattr(patience, "_Deadline", Noted)
    monkeypatch.setattr(patience, "READ_TIMEOUTS_AN_ANSWER", 1)
    with WireServer(behave) as server:
        client = CallHistoryClient(Webex(access_token=TOKEN, u2c_url=server.url, timeout=9))
        for _ in range(2):
            assert client.get_call_history_data().status_code == 404
        client.close()

    assert len(server.requests) == 1, "the connection was kept"
    assert timeouts == [9, 9]


def test_deadline_holds_between_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer whose time is up is not read any further."""
    monkeypatch.setattr(patience, "READ_TIMEOUTS_AN_ANSWER", 0)
    with WireServer(lambda connection: connection.send(answer())) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, max_retries=0)
        with pytest.raises(TransportError, match=r"timed out|took too long") as caught:
            CallHistoryClient(webex).get_call_history_data()

    assert isinstance(caught.value.__cause__, TimeoutError)


def test_socket_without_a_timeout_has_no_deadline() -> None:
    """Where no timeout is set, none is invented."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        file = patience._Deadline(ours.makefile("rb", buffering=0), ours)
        theirs.sendall(b"answer")
        assert file.readinto(bytearray(6)) == 6
        assert ours.gettimeout() is None
        file.close()


# --- an early end ---


def test_interrupted_adapter_waits_for_no_answer() -> None:
    """An adapter that was interrupted ends an answer also if it begins after that."""
    adapter = patience.PatientAdapter()
    session = requests.Session()
    session.mount("http://", adapter)
    adapter.interrupt()

    with WireServer(Connection.hang) as server, pytest.raises(requests.ConnectionError):
        session.get(server.url, timeout=20)
    session.close()


def test_stopped_transport_sends_nothing(cloud: Sandbox) -> None:
    """A call of several requests does not go on with the next one after close()."""
    with cloud.webex() as webex:
        transport = webex.open_transport(threading.Event())
        webex.catalog(transport)
        transport.stop()
        with pytest.raises(TransportError, match=r"POST 127.*: not sent: closed meanwhile"):
            webex.device(transport)

    assert cloud.requests_to("/devices") == ()


# --- proxies ---


def test_answer_through_a_proxy_has_a_deadline() -> None:
    """A proxy that drips is as little waited for as a server that does."""
    session = requests.Session()
    with WireServer(status_line_without_end) as proxy:
        session.proxies["https"] = f"http://127.0.0.1:{proxy.port}"
        webex = Webex(access_token=TOKEN, session=session, timeout=0.2, max_retries=0)
        began = time.monotonic()
        with pytest.raises(TransportError, match=r"GET u2c\.wbx2\.com: no answer"):
            CallHistoryClient(webex).get_call_history_data()
        webex.close()

    assert time.monotonic() - began < 5


def test_connection_within_another_is_ended_as_well() -> None:
    """TLS within TLS, as through a proxy that is reached over TLS, has no shutdown of a socket."""

    class Within:
        def __init__(self, sock: object) -> None:
            self.socket = sock

    one, other = socket.socketpair()
    with one, other:
        waiting = patience._Waiting()
        inner = Within(Within(one))
        waiting.add(inner)
        waiting.end()
        assert other.recv(1) == b""


def test_socks_proxy_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections through a SOCKS proxy are another library's own."""

    class Socks(PoolManager):
        def __init__(self, proxy: str, **_: Any) -> None:
            super().__init__()
            self.proxy_url = proxy

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", Socks)
    manager = patience.PatientAdapter().proxy_manager_for("socks5h://127.0.0.1:1080")

    assert manager.proxy_url == "socks5h://127.0.0.1:1080"
    assert manager.pool_classes_by_scheme == PoolManager().pool_classes_by_scheme


# --- threads ---


def test_one_transport_serves_many_threads(cloud: Sandbox) -> None:
    """Eight threads with a client of their own choice of calls get each their own answers."""
    for number in range(8):
        cloud.place_call(name=f"Person {number}")
    wrong = []

    with cloud.webex() as webex, CallHistoryClient(webex) as client:

        def ask(limit: int) -> None:
            for _ in range(5):
                if len(client.get_call_history_data(limit=limit)) != limit:
                    wrong.append(limit)

        threads = [threading.Thread(target=ask, args=(limit,)) for limit in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert wrong == []
    _, numbers = counted([request.headers["trackingid"] for request in cloud.requests])
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


# --- what the library makes of Retry-After; what it does with it is in test_retries.py ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("120", 120),
        ("999999999", 999999999),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Thu Jan  1 00:00:00 1970", 0),
        *(
            (text, None)
            for text in (
                "",
                " ",
                "nan",
                "inf",
                "-inf",
                "1e3",
                "1e3000",
                "-5",
                "+5",
                "1.5",
                "0x10",
                "1_000",
                "\N{ARABIC-INDIC DIGIT FIVE}",
                "5, 5",
                "5 seconds",
                "9" * 400,
                "rand(30),add(30)",
                "Thu, 99 Jan 1970 00:00:00 GMT",
                "Thu, 01 Jan 99999 00:00:00 GMT",
                "Thu, 01 Jan 1970 00:00:00 +999999999999",
                "Thu,",
                ",",
                "\x00",
            )
        ),
    ],
)
def test_retry_after_is_read_or_counts_as_none(text: str, seconds: float | None) -> None:
    """Seconds and dates are understood; anything else is as if it were not there."""
    headers: Mapping[str, str] = {"Retry-After": text}
    assert retry_after(headers) == seconds


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
