"""Asking again: when, how often, how long to wait, and when to give up."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory._http.retry import RetryPolicy, retry_after
from callhistory._limits import Limits
from callhistory.sandbox import Sandbox
from tests.support.canned_adapter import CannedAdapter, canned, session_with
from tests.support.limits import BRISK
from tests.support.waiting import wait_until
from tests.support.wire_server import Connection, WireServer

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"

Call = Callable[[CallHistoryClient], Any]
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "session"}
CALLS = [
    pytest.param(lambda client: client.get_call_history_data(), HISTORY, id="fetch"),
    pytest.param(lambda client: client.update_missed_calls([PAIR]), "/setReadState", id="mark"),
    pytest.param(
        lambda client: client.delete_call_history_records([PAIR]), "/markAsDeleted", id="delete"
    ),
]
POLICY = RetryPolicy(connect=1, read=1, retries=1_000_000)


# --- which failures ---


@pytest.mark.parametrize(("call", "path"), CALLS)
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_status_is_tried_again(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, status: int
) -> None:
    """A status that passes is tried again, on writes too, and the success is the answer."""
    cloud.fail_next(path, status=status, times=4)

    assert call(client).ok
    requests_ = cloud.requests_to(path)
    assert len(requests_) == 5
    assert len({request.body for request in requests_}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 500, 501, 505])
def test_other_status_is_the_answer_at_once(
    cloud: Sandbox, client: CallHistoryClient, status: int
) -> None:
    """A status that does not pass by waiting is not tried again."""
    cloud.fail_next(HISTORY, status=status)

    assert client.get_call_history_data().status_code == status
    assert len(cloud.requests_to(HISTORY)) == 1


@pytest.mark.parametrize("service", ["/catalog", "/devices", HISTORY])
def test_every_service_is_tried_again(
    cloud: Sandbox, client: CallHistoryClient, service: str
) -> None:
    """The catalog and the device registration are retried as often as the history."""
    cloud.fail_next(service, status=503, times=2)
    cloud.fail_next(service, reset=True)

    assert client.get_call_history_data().ok
    assert len(cloud.requests_to(service)) == 4


@pytest.mark.parametrize(("call", "path"), CALLS)
@pytest.mark.parametrize("fault", [{"reset": True}, {"truncate": True}])
def test_connection_failure_is_tried_again(
    cloud: Sandbox, client: CallHistoryClient, call: Call, path: str, fault: dict[str, bool]
) -> None:
    """A connection that breaks, before or in the answer, is tried again, on writes too."""
    cloud.fail_next(path, times=4, **fault)  # type: ignore[arg-type] # they are all flags

    assert call(client).ok
    assert len(cloud.requests_to(path)) == 5


def test_retries_are_used_up_by_statuses(cloud: Sandbox, client: CallHistoryClient) -> None:
    """When the retries are used up, the last answer is the return value."""
    for status in (429, 502, 504, 503, 502):
        cloud.fail_next(HISTORY, status=status)

    assert client.get_call_history_data().status_code == 502
    assert len(cloud.requests_to(HISTORY)) == 5


@pytest.mark.parametrize("max_retries", [0, 1, 6])
def test_max_retries_is_the_users(cloud: Sandbox, max_retries: int) -> None:
    """A request is sent once more than max_retries, by status and by failure."""
    with cloud.webex(max_retries=max_retries) as webex, CallHistoryClient(webex) as client:
        cloud.fail_next(HISTORY, status=503, times=50)
        assert client.get_call_history_data().status_code == 503
        assert len(cloud.requests_to(HISTORY)) == max_retries + 1

        cloud.clear_faults()
        cloud.forget_requests()
        cloud.fail_next(HISTORY, reset=True, times=50)
        with pytest.raises(TransportError):
            client.get_call_history_data()
        assert len(cloud.requests_to(HISTORY)) == max_retries + 1


# --- timeouts ---


@pytest.mark.parametrize(("call", "path"), CALLS)
def test_read_timeout_is_tried_again_once(cloud: Sandbox, call: Call, path: str) -> None:
    """A server that is silent is asked twice at most, also for a write, whatever max_retries is."""
    with cloud.webex(timeout=(5, 0.4), max_retries=4) as webex, CallHistoryClient(webex) as client:
        client.get_call_history_data()
        cloud.forget_requests()
        cloud.fail_next(path, delay=20, times=50)
        with pytest.raises(TransportError, match="no answer after 2 attempts: timed out") as caught:
            call(client)
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert len(cloud.requests_to(path)) == 2


def test_read_timeout_in_between_counts(cloud: Sandbox) -> None:
    """Two timeouts end it also when other failures come in between."""
    with cloud.webex(timeout=(5, 0.4), max_retries=9) as webex:
        cloud.fail_next("/catalog", delay=20)
        cloud.fail_next("/catalog", status=503)
        cloud.fail_next("/catalog", reset=True)
        cloud.fail_next("/catalog", delay=20)
        with pytest.raises(TransportError, match="after 4 attempts"):
            CallHistoryClient(webex).get_call_history_data()

    assert len(cloud.requests) == 4


def test_read_timeout_then_an_answer_is_a_success(cloud: Sandbox) -> None:
    """The second attempt after a timeout may bring the answer."""
    cloud.fail_next("/catalog", delay=20)

    with cloud.webex(timeout=(5, 0.4)) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "beginning",
    [
        HEAD + b"Content-Le",
        HEAD + b'Content-Length: 100\r\n\r\n{"serviceLinks"',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["headers", "body", "chunk"],
)
def test_silence_within_an_answer_is_a_read_timeout(beginning: bytes) -> None:
    """A server that falls silent halfway is asked twice at most."""

    def fall_silent(connection: Connection) -> None:
        connection.send(beginning)
        connection.hang()

    with WireServer(fall_silent) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, timeout=(5, 0.3), _limits=BRISK)
        with webex, pytest.raises(TransportError, match="after 2 attempts") as caught:
            CallHistoryClient(webex).get_call_history_data()

    assert isinstance(caught.value.__cause__, TimeoutError)
    assert len(server.requests) == 2


# --- how long to wait ---


def test_backoff_doubles_with_jitter() -> None:
    """Each wait is up to twice as long as the one before, never less than half of that."""
    outcome = canned(503)

    for attempt, longest in enumerate([0.5, 1, 2, 4, 8], start=1):
        waits = [POLICY.pause(outcome, attempt) or 0 for _ in range(300)]
        assert longest / 2 <= min(waits) < longest * 0.6
        assert longest * 0.9 < max(waits) <= longest


@pytest.mark.parametrize("attempt", [8, 100, 1_025, 1_000_000])
def test_backoff_has_an_end(attempt: int) -> None:
    """However many attempts there were, the next wait is of about a minute at most."""
    wait = POLICY.pause(canned(503), attempt)

    assert wait is not None
    assert 32 <= wait <= 64


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(cloud: Sandbox, client: CallHistoryClient, as_date: bool) -> None:
    """The next attempt comes after as many seconds as Webex asked for, or at its date."""
    client.get_call_history_data()
    moment = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    cloud.fail_next(HISTORY, retry_after=format_datetime(moment, usegmt=True) if as_date else 1)

    assert client.get_call_history_data().ok

    _, first, second = cloud.requests_to(HISTORY)
    assert datetime.now(UTC) >= moment if as_date else second.received_at - first.received_at >= 1


@pytest.mark.parametrize(
    "past", [0, "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 -0000"]
)
def test_retry_after_that_is_over_means_at_once(cloud: Sandbox, past: float | str) -> None:
    """Zero seconds and a date in the past are no reason to wait at all."""
    cloud.fail_next("/catalog", retry_after=past, times=4)

    with cloud.webex(_limits=Limits(first_backoff=30)) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", [61, 3600, 999_999_999])
def test_long_retry_after_ends_the_retries(
    cloud: Sandbox, client: CallHistoryClient, status: int, asked: int
) -> None:
    """Asked to wait for more than a minute, the client returns the answer, and says how long."""
    cloud.fail_next(HISTORY, status=status, retry_after=asked, times=50)

    history = client.get_call_history_data()

    assert history.status_code == status
    assert history.retry_after == asked
    assert len(cloud.requests_to(HISTORY)) == 1
    with pytest.raises(Exception, match=re.escape(f"retry after {asked:g} s")) as caught:
        history.raise_for_status()
    assert caught.value.retry_after == asked  # type: ignore[attr-defined] # an ApiError


def test_far_date_ends_the_retries(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A date that is more than a minute away is as good as so many seconds."""
    moment = datetime.now(UTC) + timedelta(hours=1)
    cloud.fail_next(HISTORY, retry_after=format_datetime(moment, usegmt=True), times=50)

    history = client.get_call_history_data()

    assert history.status_code == 429
    assert history.retry_after is not None
    assert 3500 < history.retry_after <= 3600
    assert len(cloud.requests_to(HISTORY)) == 1


@pytest.mark.parametrize("text", ["nan", "1e3000", "-1", "soon", "rand(30),add(30)", ""])
def test_malformed_retry_after_counts_as_none(
    cloud: Sandbox, client: CallHistoryClient, text: str
) -> None:
    """What cannot be read as a time neither ends the retries nor delays them."""
    cloud.fail_next(HISTORY, status=429, retry_after=text, times=4)

    assert client.get_call_history_data().ok
    cloud.fail_next(HISTORY, status=429, retry_after=text, times=50)
    assert client.get_call_history_data().retry_after is None


def test_retry_after_of_a_final_status_is_told(cloud: Sandbox, client: CallHistoryClient) -> None:
    """An answer that is not tried again says what Webex asked for all the same."""
    cloud.fail_next(HISTORY, status=500, retry_after=30)

    assert client.get_call_history_data().retry_after == 30


@pytest.mark.parametrize(("asked", "pause"), [("60", 60), ("61", None)])
def test_retry_after_of_a_minute_is_still_waited_for(asked: str, pause: float | None) -> None:
    """60 seconds are waited for, 61 are not."""
    assert POLICY.pause(canned(429, Retry_After=asked), 1) == pause


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (" 7 ", 7),
        ("999999999", 999999999),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        *(
            (text, None)
            for text in (
                "-5",
                "1.5",
                "1_000",
                "\N{ARABIC-INDIC DIGIT FIVE}",
                "9" * 400,
                "Thu, 99 Jan 1970 00:00:00 GMT",
                "Thu, 01 Jan 99999 00:00:00 GMT",
                "Thu, 01 Jan 1970 00:00:00 +999999999999",
                "Thu,",
            )
        ),
    ],
)
def test_retry_after_is_read_or_counts_as_none(text: str, seconds: float | None) -> None:
    """Seconds and dates are understood; anything else is as if it were not there."""
    assert retry_after({"Retry-After": text}) == seconds


# --- who waits ---


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}], ids=["status", "failure"])
def test_close_ends_a_wait(cloud: Sandbox, fault: dict[str, Any]) -> None:
    """close() from another thread ends the wait between two attempts; the last outcome counts."""
    attempted = threading.Event()

    class Adapter(HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            try:
                return super().send(*args, **kwargs)
            finally:
                attempted.set()

    with requests.Session() as session:
        session.mount("http://", Adapter())
        webex = cloud.webex(
            session=session, calling_backend="WEBEX_CALLING", _limits=Limits(first_backoff=60)
        )
        client = CallHistoryClient(webex)
        cloud.fail_next("/catalog", times=50, **fault)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.get_call_history_data)
            assert attempted.wait(10)
            client.close()
            error = call.exception(10)
            outcome = type(error.__cause__) if error else call.result().status_code

    assert outcome == fault.get("status", ConnectionResetError)
    assert len(cloud.requests) == 1


def test_threads_wait_for_themselves(cloud: Sandbox) -> None:
    """While one thread waits for its next attempt, the others go on."""
    with cloud.webex() as webex, CallHistoryClient(webex) as client:
        client.get_call_history_data()
        cloud.fail_next("/setReadState", retry_after=50)
        waiting = threading.Thread(target=client.update_missed_calls, args=([PAIR],), daemon=True)
        waiting.start()
        cloud.wait_for_requests("/setReadState")

        assert client.get_call_history_data().ok
        assert waiting.is_alive()

    assert wait_until(lambda: not waiting.is_alive())


# --- other adapters ---


def test_failure_that_does_not_pass_is_not_tried_again() -> None:
    """A request that cannot be made at all is given up at once."""
    adapter = CannedAdapter(requests.exceptions.InvalidURL("what is that"))
    webex = Webex(access_token=TOKEN, session=session_with(adapter))

    with pytest.raises(TransportError, match="InvalidURL"):
        CallHistoryClient(webex).get_call_history_data()

    assert adapter.outcomes == []


def test_adapter_without_http_is_read_and_tried_again() -> None:
    """An adapter whose answers do not come from urllib3 works as well, with the same retries."""
    adapter = CannedAdapter(
        canned(503, b"later"),
        requests.ConnectionError("not yet"),
        requests.ConnectTimeout("not yet"),
        canned(200, json.dumps({"serviceLinks": {"janus": "https://janus-a.wbx2.com"}}).encode()),
        canned(200, b'{"userSessions": []}'),
    )
    webex = Webex(
        access_token=TOKEN,
        session=session_with(adapter),
        calling_backend="BROADWORKS_CALLING",
        _limits=BRISK,
    )

    with CallHistoryClient(webex) as client:
        assert len(client.get_call_history_data()) == 0

    assert adapter.outcomes == []
