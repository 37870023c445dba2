"""The rule for failures: what Webex answers is returned, anything else is raised."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryClient,
    DecodeError,
    DeleteCallHistoryRecordsResponse,
    JanusResponseEvent,
    TransportError,
    UpdateMissedCallsResponse,
    Webex,
)
from callhistory.sandbox import Sandbox
from tests.support.error_contents import chain, failure_of
from tests.support.limits import BRISK
from tests.support.wire_server import Behavior, Connection, WireServer, answer

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "5eSsIoN"}

Response = JanusResponseEvent | UpdateMissedCallsResponse | DeleteCallHistoryRecordsResponse
Call = Callable[[CallHistoryClient], Response]


def fetch(client: CallHistoryClient) -> Response:
    return client.get_call_history_data()


def mark(client: CallHistoryClient) -> Response:
    return client.update_missed_calls([PAIR])


def delete(client: CallHistoryClient) -> Response:
    return client.delete_call_history_records([PAIR])


CALLS = [
    pytest.param(fetch, HISTORY, id="fetch"),
    pytest.param(mark, "/setReadState", id="mark"),
    pytest.param(delete, "/markAsDeleted", id="delete"),
]
EVERY_CALL = pytest.mark.parametrize(("call", "path"), CALLS)
EVERY_WRITE = pytest.mark.parametrize(("call", "path"), CALLS[1:])
STATUSES = [
    (400, "400 Bad request"),
    (401, "User is unauthorised, possible token expiry"),
    (403, "User request is forbidden"),
    (404, "User info not found"),
    (408, "Request to the server timedout"),
    (500, "Internal server error occurred"),
    (501, "Method is not implemented at the backend"),
    (503, "Unable to establish a connection with the server"),
    (302, "302 Exception has occurred"),
    (304, "304 Exception has occurred"),
    (409, "409 Exception has occurred"),
    (429, "429 Exception has occurred"),
    (502, "502 Exception has occurred"),
    (599, "599 Exception has occurred"),
]
EVERY_STATUS = pytest.mark.parametrize(("status", "words"), STATUSES)


@pytest.fixture
def cloud(used_cloud: Sandbox) -> Sandbox:
    """Return a sandbox; nothing here depends on what is in its history."""
    return used_cloud


@pytest.fixture
def client(cloud: Sandbox) -> Iterator[CallHistoryClient]:
    """Return a client that does not retry."""
    with cloud.webex(max_retries=0) as webex, CallHistoryClient(webex) as made:
        yield made


def expect_failure(response: Response, status: int, words: str) -> None:
    """Assert all that a response says about a failure, and the error that each use of it raises."""
    assert response.status_code == status
    assert response.message == "FAILURE"
    assert response.data.error == words
    assert not response.ok
    assert not bool(response)
    assert response.tracking_id
    wanted = AuthenticationError if status == 401 else ApiError
    uses: list[Callable[[], object]] = [response.raise_for_status]
    if isinstance(response, JanusResponseEvent):
        assert response.data.user_sessions is None
        uses.append(lambda: list(response))
    elif isinstance(response, UpdateMissedCallsResponse):
        assert response.data.read_status_message is None
    else:
        assert response.data.delete_status_message is None
    for use in uses:
        error = failure_of(use)
        assert type(error) is wanted
        assert error.status_code == status
        assert error.error == words
        assert error.tracking_id == response.tracking_id
        assert error.retry_after == response.retry_after
        assert str(error).startswith(f"{status}: {words}")
        assert str(response.tracking_id) in str(error)
        assert list(chain(error)) == [error]


# --- Webex answered ---


@EVERY_STATUS
@EVERY_CALL
def test_answer_that_says_no_is_returned(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, status: int, words: str
) -> None:
    """Whatever status Janus answers with is the return value, with the documented words."""
    cloud.fail_next(path, status=status)

    expect_failure(call(client), status, words)


@EVERY_STATUS
@EVERY_CALL
@pytest.mark.parametrize("service", ["/catalog", "/devices"])
def test_bootstrap_that_says_no_is_returned(
    cloud: Sandbox,
    client: CallHistoryClient,
    service: str,
    call: Call,
    path: str,
    status: int,
    words: str,
) -> None:
    """A catalog or registration that says no is the answer to the call, which is not sent."""
    cloud.fail_next(service, status=status)

    expect_failure(call(client), status, words)
    assert cloud.requests_to(path) == ()


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"\xff\xfe", b"[", b"null"])
@EVERY_CALL
def test_body_of_a_failure_does_not_matter(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, body: bytes
) -> None:
    """A failure need not be JSON: the status says it all."""
    cloud.fail_next(path, status=500, body=body)

    expect_failure(call(client), 500, "Internal server error occurred")


@EVERY_CALL
@pytest.mark.parametrize(
    ("status", "words"), [(500, STATUSES[5][1]), (401, STATUSES[1][1]), (302, STATUSES[8][1])]
)
def test_success_that_says_failure_is_a_failure(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, status: int, words: str
) -> None:
    """A 200 whose body says another statusCode is a failure with that status."""
    cloud.fail_next(path, body={"statusCode": status, "userSessions": []})

    expect_failure(call(client), status, words)


@pytest.mark.parametrize("said", ["500", 500.0, True, None, 0, 99, 600, -200, {}, 10**30])
def test_status_code_that_is_none_does_not_count(
    cloud: Sandbox, client: CallHistoryClient, said: object
) -> None:
    """A statusCode in the body that is no HTTP status leaves the HTTP status as it is."""
    cloud.fail_next(HISTORY, body={"statusCode": said, "userSessions": []})

    history = client.get_call_history_data()

    assert history.status_code == 200
    assert history.ok
    assert history.data.extra == {"statusCode": said}


@pytest.mark.parametrize("body", [b"", b" \r\n"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
@EVERY_WRITE
def test_empty_answer_to_a_write_is_a_success(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, status: int, body: bytes
) -> None:
    """A write that is answered with a 2xx and nothing else was done."""
    cloud.fail_next(path, status=status, body=body)

    response = call(client)

    assert response.ok
    assert bool(response)
    assert (response.status_code, response.message) == (status, "SUCCESS")
    assert response.data.error is None
    response.raise_for_status()


def test_success_of_each_call(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A success says so in the documented words."""
    history = client.get_call_history_data()
    marked = client.update_missed_calls(history[:1])
    deleted = client.delete_call_history_records(history[:1])

    for response in (history, marked, deleted):
        assert response.ok
        assert bool(response)
        assert (response.status_code, response.message) == (200, "SUCCESS")
        assert response.data.error is None
        assert response.retry_after is None
        response.raise_for_status()
    assert marked.data.read_status_message == "Missed calls are read by the user."
    assert deleted.data.delete_status_message == "Call history records are deleted by the user."


def test_failure_is_logged(
    cloud: Sandbox, client: CallHistoryClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that Webex refused is a warning with the words and the tracking id."""
    cloud.fail_next(HISTORY, status=404)

    history = client.get_call_history_data()

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("callhistory", "WARNING")
    words = "404: User info not found"
    text = f"get_call_history_data: {words} (tracking id {history.tracking_id})"
    assert record.getMessage() == text


def test_too_many_devices_is_explained(
    cloud: Sandbox, client: CallHistoryClient, caplog: pytest.LogCaptureFixture
) -> None:
    """When the user has too many devices, the log says what may have caused it."""
    with Sandbox(device_limit=1) as crowded:
        first = CallHistoryClient(crowded.webex())
        first.get_call_history_data()
        with CallHistoryClient(crowded.webex()) as second:
            assert second.get_call_history_data().status_code == 403
        first.close()

    assert any("too many devices" in record.getMessage() for record in caplog.records)


# --- nobody answered ---


def refused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/u2c/api/v1"


def unanswered(behavior: Behavior, *, tls: bool = False) -> BaseException:
    """Return the error of a client whose server behaves in this way."""
    with WireServer(behavior, tls=tls) as server:
        read = 0.2 if behavior is Connection.hang else 9
        webex = Webex(
            access_token=TOKEN,
            u2c_url=server.url,
            timeout=(5, read),
            max_retries=1,
            _limits=BRISK,
        )
        error = failure_of(CallHistoryClient(webex).get_call_history_data)
        webex.close()
    return error


def sends(data: bytes) -> Behavior:
    return lambda connection: connection.send(data)


WHOLE = answer(b'{"serviceLinks": {}}')


@pytest.mark.parametrize(
    ("behavior", "reason", "cause"),
    [
        pytest.param(sends(b""), "Remote end closed", ConnectionError, id="nothing"),
        pytest.param(
            Connection.reset, "Connection reset by peer", ConnectionResetError, id="reset"
        ),
        pytest.param(Connection.hang, "timed out", TimeoutError, id="hang"),
        pytest.param(sends(WHOLE[:-5]), "IncompleteRead", ConnectionError, id="truncated"),
        pytest.param(sends(b"SSH-2.0-OpenSSH_9.6\r\n"), "BadStatusLine", OSError, id="ssh"),
        pytest.param(
            sends(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), "", OSError, id="many"
        ),
        pytest.param(
            sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
            "",
            ConnectionError,
            id="truncated chunk",
        ),
    ],
)
def test_no_answer_is_a_transport_error(
    behavior: Behavior, reason: str, cause: type[Exception]
) -> None:
    """A server that breaks off, is silent or speaks something else is a TransportError."""
    error = unanswered(behavior)

    assert isinstance(error, TransportError)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", error.host)
    assert error.method == "GET"
    assert error.tracking_id is not None
    assert str(error).startswith(f"GET {error.host}: no answer after 2 attempts: ")
    assert reason in str(error)
    assert str(error).endswith(f"(tracking id {error.tracking_id})")
    assert isinstance(error.__cause__, cause)


def test_refused_connection_is_a_transport_error() -> None:
    """A port where nobody listens is a TransportError with the system's words."""
    client = CallHistoryClient(Webex(access_token=TOKEN, u2c_url=refused(), _limits=BRISK))

    with pytest.raises(TransportError, match="no answer after 5 attempts: Connection refused") as e:
        client.get_call_history_data()

    assert isinstance(e.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize(
    "link", ["https://*.wbx2.com", "https:wdm-a.wbx2.com", "https://wbx2.com:99999", "//wbx2.com"]
)
def test_address_that_cannot_be_asked_is_a_transport_error(
    cloud: Sandbox, client: CallHistoryClient, link: str
) -> None:
    """A service whose address is malformed is not asked."""
    cloud.fail_next("/catalog", body={"serviceLinks": {"wdm": link}})

    error = failure_of(client.get_call_history_data)

    assert isinstance(error, TransportError)
    assert error.method == "POST"
    assert re.search(r"no answer: (InvalidURL|MissingSchema|LocationParseError) ", str(error))
    assert isinstance(error.__cause__, ConnectionError)


def test_unknown_name_is_a_transport_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be looked up is a TransportError, after the retries."""
    lookups = []

    def nobody(host: str, *_: object, **__: object) -> None:
        lookups.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    client = CallHistoryClient(Webex(access_token=TOKEN, _limits=BRISK))

    with pytest.raises(
        TransportError, match=r"GET u2c\.wbx2\.com: .*Name or service not known"
    ) as caught:
        client.get_call_history_data()

    assert isinstance(caught.value.__cause__, socket.gaierror)
    assert lookups == ["u2c.wbx2.com"] * 5


def test_unknown_certificate_is_a_transport_error() -> None:
    """A host whose certificate nobody vouches for is not asked."""
    with WireServer(sends(WHOLE), tls=True) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, _limits=BRISK)
        error = failure_of(CallHistoryClient(webex).get_call_history_data)

    assert isinstance(error, TransportError)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert "attempts" not in str(error), "it does not become better"
    assert server.requests == []


def test_plain_http_where_tls_is_wanted_is_a_transport_error() -> None:
    """A host that does not speak TLS is a TransportError, and no token goes there."""
    with WireServer(sends(WHOLE)) as server:
        url = server.url.replace("http:", "https:")
        webex = Webex(access_token=TOKEN, u2c_url=url, max_retries=0, timeout=0.5, _limits=BRISK)
        error = failure_of(CallHistoryClient(webex).get_call_history_data)

    assert isinstance(error, TransportError)
    assert TOKEN.encode() not in b"".join(server.requests)


def test_silent_server_does_not_hold_a_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes no connection is given up after the connect timeout, each time."""
    asked = []
    connect = socket.socket.connect

    def never(sock: socket.socket, address: Any) -> None:
        if address[0] != "192.0.2.1":
            connect(sock, address)
            return
        asked.append(sock.gettimeout())
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", never)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    client = CallHistoryClient(Webex(access_token=TOKEN, timeout=(0.25, 9), _limits=BRISK))

    with pytest.raises(TransportError, match="no answer after 5 attempts: timed out") as caught:
        client.get_call_history_data()

    assert isinstance(caught.value.__cause__, TimeoutError)
    assert asked == [0.25] * 5


@EVERY_CALL
@pytest.mark.parametrize("service", ["/catalog", "/devices", None])
def test_no_answer_is_raised_by_every_call(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, service: str | None
) -> None:
    """Whichever request of a call nobody answers, the call raises."""
    cloud.fail_next(service or path, reset=True)

    with pytest.raises(TransportError) as caught:
        call(client)

    fetches = service == "/catalog" or (service is None and path == HISTORY)
    assert caught.value.method == ("GET" if fetches else "POST")
    assert call(client), "a failure is not remembered"


# --- the answer is not what Webex sends ---

BOMB = gzip.compress(b" " * 3_000_000)
DEEP = b"[" * 200_000
GETS = ("/catalog", HISTORY)

WRONG = [
    pytest.param({"body": b"<html>Sign in to the hotel's WLAN</html>"}, "JSON", id="html"),
    pytest.param({"body": b""}, "nothing", id="empty"),
    pytest.param({"body": b'{"userSessions": "\xff"}'}, "not UTF-8", id="latin-1"),
    pytest.param({"body": b'{"userSessions": NaN}'}, "something else", id="nan"),
    pytest.param({"body": b'{"a":' + DEEP}, "nested too deep", id="deep"),
    pytest.param({"body": b"null"}, "an object, found null", id="null"),
    pytest.param({"body": b"[]"}, "an object, found an array", id="array"),
    pytest.param(
        {"body": b"plain", "headers": {"Content-Encoding": "gzip"}}, "compressed", id="no gzip"
    ),
    pytest.param(
        {"body": BOMB[:40] + b"xx" + BOMB[42:], "headers": {"Content-Encoding": "gzip"}},
        "compressed",
        id="bad gzip",
    ),
    pytest.param(
        {"body": BOMB, "headers": {"Content-Encoding": "gzip"}}, "more than 2 MiB", id="bomb"
    ),
    pytest.param({"body": b" " * 3_000_000}, "more than 2 MiB", id="large"),
]


@pytest.fixture
def small(cloud: Sandbox) -> Iterator[CallHistoryClient]:
    """Return a client that reads answers of 2 MiB at most."""
    webex = cloud.webex(_limits=evolve(BRISK, largest_response=2 * 1024 * 1024))
    with webex, CallHistoryClient(webex) as client:
        yield client


@pytest.mark.parametrize(("fault", "found"), WRONG)
@pytest.mark.parametrize(
    ("call", "service"),
    [(fetch, "/catalog"), (fetch, "/devices"), *(param.values for param in CALLS)],
)
def test_wrong_answer_is_a_decode_error(
    cloud: Sandbox, small: CallHistoryClient, call: Call, service: str, fault: Any, found: str
) -> None:
    """An answer that is not Webex's is a DecodeError that says where and what, at once."""
    client = small
    cloud.fail_next(service, **fault)
    if found == "nothing" and call is not fetch:
        assert call(client).ok, "an empty answer to a write is a success"
        return

    error = failure_of(lambda: call(client))

    assert isinstance(error, DecodeError)
    # A catalog is looked into for its links only.
    is_no_object = service == "/catalog" and "an object" in found
    assert error.path == ("serviceLinks" if is_no_object else "$")
    assert found in str(error)
    assert len(cloud.requests_to(service, "GET" if service in GETS else "POST")) == 1
    assert call(client), "a failure is not remembered"


def test_limit_of_an_answer_is_64_mib(cloud: Sandbox) -> None:
    """64 MiB after decompression are read, and what is larger is given up."""
    limit = 64 * 1024 * 1024
    body = b'{"userSessions": []}'
    full = gzip.compress(body + b" " * (limit - len(body)), 1)
    more = gzip.compress(body + b" " * (100_000_000 - len(body)), 1)
    headers = {"Content-Encoding": "gzip"}

    with CallHistoryClient(cloud.webex(calling_backend="WEBEX_CALLING")) as client:
        cloud.fail_next(HISTORY, body=full, headers=headers)
        assert client.get_call_history_data().ok
        cloud.fail_next(HISTORY, body=more, headers=headers)
        with pytest.raises(DecodeError, match="more than 64 MiB"):
            client.get_call_history_data()


@pytest.mark.parametrize(
    ("service", "body", "path", "text"),
    [
        (HISTORY, {}, "userSessions", "expected an array, found nothing"),
        (HISTORY, {"userSessions": None}, "userSessions", "expected an array, found null"),
        (HISTORY, {"userSessions": [None]}, "userSessions[0]", "expected an object, found null"),
        (HISTORY, {"userSessions": [{}]}, "userSessions[0].id", "found nothing"),
        ("/catalog", {}, "serviceLinks", ""),
        ("/catalog", {"serviceLinks": []}, "serviceLinks", ""),
        ("/catalog", {"serviceLinks": {}}, "serviceLinks.wdm", ""),
        ("/catalog", {"serviceLinks": {"wdm": 5}}, "serviceLinks.wdm", ""),
        ("/catalog", {"serviceLinks": {"wdm": ""}}, "serviceLinks.wdm", ""),
        ("/catalog", {"serviceLinks": {"wdm": None}, "hostCatalog": 5}, "serviceLinks.wdm", ""),
        ("/devices", {}, "url", "expected an address, found "),
        ("/devices", {"url": 5}, "url", "expected an address, found "),
    ],
)
def test_answer_without_what_is_essential_is_a_decode_error(
    cloud: Sandbox, client: CallHistoryClient, service: str, body: object, path: str, text: str
) -> None:
    """A history must have readable sessions, a catalog its links, and a device its address."""
    cloud.fail_next(service, body=body)

    with pytest.raises(DecodeError) as caught:
        client.get_call_history_data()

    assert caught.value.path == path
    assert text in str(caught.value)


def test_failed_bootstrap_is_shared_but_not_remembered(cloud: Sandbox) -> None:
    """Threads that wait for the same catalog share its failure; a later call tries again."""
    cloud.fail_next("/catalog", status=404, delay=0.3)
    with cloud.webex(max_retries=0) as webex, CallHistoryClient(webex) as client:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get_call_history_data(), range(8)))
        assert [history.status_code for history in answers] == [404] * 8
        assert len(cloud.requests) == 1
        assert client.get_call_history_data().ok
