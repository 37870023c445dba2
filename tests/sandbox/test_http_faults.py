"""Scripted faults of HTTP requests."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import CATALOG, DEVICE_BODY, Http


def test_status_is_answered_so_many_times(cloud: Sandbox, http: Http) -> None:
    """A fault applies to as many requests as it was scripted for."""
    cloud.fail_next("/catalog", status=503, times=2)

    assert [http.status() for _ in range(3)] == [503, 503, 200]


def test_faults_happen_in_order(cloud: Sandbox, http: Http) -> None:
    """Several faults of the same path happen one after the other."""
    for code in (500, 502, 429):
        cloud.fail_next("/catalog", status=code)

    assert [http.status() for _ in range(4)] == [500, 502, 429, 200]


def test_fault_is_for_its_path_and_method(cloud: Sandbox, http: Http) -> None:
    """A fault does not apply to other requests."""
    cloud.fail_next("/devices", method="POST", status=500)

    assert http.status() == 200
    assert http.status("GET", http.devices) == 200
    assert http.status("POST", http.devices) == 500


def test_cleared_faults_do_not_happen(cloud: Sandbox, http: Http) -> None:
    """Faults that were cleared do not happen."""
    cloud.fail_next("/catalog", status=500, times=9)

    cloud.clear_faults()

    assert http.status() == 200


def test_faulty_request_is_not_carried_out(cloud: Sandbox, http: Http) -> None:
    """A request that is answered with a status has no effect."""
    cloud.fail_next("/devices", status=500)

    http("POST", http.devices, json={})

    assert cloud.devices == ()


def test_status_comes_with_a_message(cloud: Sandbox, http: Http) -> None:
    """A scripted status has a JSON body and echoes the tracking id."""
    cloud.fail_next("/catalog", status=501)

    answer = http("GET", CATALOG, headers={"trackingid": "probe_1"})

    assert answer.json()["message"]
    assert answer.headers["trackingid"] == "probe_1"


MALFORMED = "rand(30),add(30)"


@pytest.mark.parametrize(
    ("script", "status", "expected"),
    [
        ({"body": b"\xff\x00"}, 200, b"\xff\x00"),
        ({"body": "é"}, 200, "é".encode()),
        ({"body": {"a": [1]}}, 200, b'{"a": [1]}'),
        ({"body": "x", "status": 418}, 418, b"x"),
        ({"status": 204}, 204, b""),
        ({"retry_after": 3}, 429, {"Retry-After": "3"}),
        ({"retry_after": 0.5}, 429, {"Retry-After": "0.5"}),
        ({"retry_after": MALFORMED}, 429, {"Retry-After": MALFORMED}),
        ({"retry_after": 3, "status": 503}, 503, {"Retry-After": "3"}),
        ({"status": 302, "headers": {"Location": "http://a.b/"}}, 302, {"Location": "http://a.b/"}),
    ],
    ids=str,
)
def test_reply_is_as_scripted(
    cloud: Sandbox,
    http: Http,
    script: dict[str, Any],
    status: int,
    expected: bytes | dict[str, str],
) -> None:
    """A body is sent as it is, with status 200; a Retry-After alone implies status 429."""
    cloud.fail_next("/catalog", **script)

    answer = http("GET", CATALOG, allow_redirects=False)

    assert answer.status_code == status
    if isinstance(expected, bytes):
        assert answer.content == expected
    else:
        assert expected.items() <= answer.headers.items()


def test_headers_are_set_on_the_real_answer(cloud: Sandbox, http: Http) -> None:
    """With headers alone, the request is carried out and its answer gets them."""
    cloud.fail_next("/catalog", headers={"Content-Type": "text/html", "X-Probe": "1"})

    answer = http("GET", CATALOG)

    assert "serviceLinks" in answer.json()
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["X-Probe"] == "1"


def test_delay_is_before_the_answer(cloud: Sandbox, http: Http) -> None:
    """A delayed request is seen at once, and not answered within the timeout."""
    cloud.fail_next("/catalog", delay=60)

    with pytest.raises(requests.ReadTimeout):
        http("GET", CATALOG, timeout=0.1)

    assert len(cloud.requests_to("/catalog")) == 1


def test_short_delay_ends_in_the_answer(cloud: Sandbox, http: Http) -> None:
    """After a short delay, the request is answered."""
    cloud.fail_next("/catalog", delay=0.05)

    began = time.monotonic()

    assert http.status() == 200
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reset_is_a_reset(cloud: Sandbox, http: Http, method: str) -> None:
    """The connection is reset, not closed, and the request is not carried out."""
    cloud.fail_next("/devices", reset=True)

    with pytest.raises(requests.ConnectionError, match=r"reset by peer|10054"):
        http(method, http.devices, json={"name": "probe"})

    assert cloud.devices == ()
    assert http.status("GET", http.devices) == 200


def test_truncated_answer_is_shorter_than_announced(cloud: Sandbox, http: Http) -> None:
    """The real answer ends early, after the request was carried out."""
    session = http.sessions()[0]
    cloud.fail_next("/userSessions", truncate=True)

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        http.sessions()

    assert http.sessions()[0] == session


@pytest.mark.parametrize("hard", [False, True])
def test_lost_answer_is_carried_out(cloud: Sandbox, http: Http, hard: bool) -> None:
    """The request takes effect, and the connection ends without an answer."""
    cloud.fail_next("/devices", lose=True, reset=hard)

    with pytest.raises(requests.ConnectionError):
        http("POST", http.devices, json=DEVICE_BODY)

    assert len(cloud.devices) == 1


def test_raw_bytes_are_sent_as_they_are(cloud: Sandbox, http: Http) -> None:
    """Raw bytes replace the answer, and the request is not carried out."""
    cloud.fail_next("/devices", raw=b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok")
    cloud.fail_next("/devices", raw=b"")

    answer = http("POST", http.devices, json=DEVICE_BODY)

    assert (answer.status_code, answer.reason, answer.text) == (299, "Odd", "ok")
    with pytest.raises(requests.ConnectionError, match="without response"):
        http("POST", http.devices, json=DEVICE_BODY)
    assert cloud.devices == ()


def test_endless_answer_never_ends(cloud: Sandbox, http: Http) -> None:
    """The body is followed by spaces for as long as they are read."""
    cloud.fail_next("/catalog", body=b"{}", endless=True)

    with http("GET", CATALOG, stream=True) as answer:
        received = answer.raw.read(10_000_000)

    assert received.startswith(b"{} ")
    assert len(received) == 10_000_000


def test_empty_answer_can_be_truncated(cloud: Sandbox, http: Http) -> None:
    """An answer with an empty body announces at least one byte."""
    cloud.fail_next("/catalog", body=b"", truncate=True)

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        http("GET", CATALOG)


def test_dripping_answer_never_ends(cloud: Sandbox, http: Http) -> None:
    """The body is sent byte by byte, followed by spaces without end."""
    cloud.fail_next("/catalog", body={}, drip=0.001)

    with http("GET", CATALOG, stream=True) as answer:
        received = b"".join(
            byte for byte, _ in zip(answer.iter_content(1), range(20), strict=False)
        )

    assert received == b"{}" + b" " * 18


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 199},
        {"status": 600},
        {"status": 500, "times": 0},
        {"status": 500, "times": 1.5},
        {"status": 500, "times": None},
        {"retry_after": "a\r\nb"},
        {"status": 500, "headers": {"a": "b\nc"}},
        {"status": 500, "headers": {"a\nb": "c"}},
        {"delay": -1},
        {"delay": float("nan")},
        {"drip": -1},
        {"reset": True, "truncate": True},
        {"truncate": True, "drip": 1},
        {"truncate": True, "endless": True},
        {"raw": b"", "truncate": True},
        {"raw": b"", "lose": True},
        {"raw": b"", "status": 500},
        {"lose": True, "body": "x"},
        {"reset": True, "status": 500},
    ],
)
def test_wrong_fault_is_refused(cloud: Sandbox, http: Http, wrong: dict[str, Any]) -> None:
    """A fault that makes no sense is refused when it is scripted."""
    with pytest.raises(ValueError, match=r"must be|cannot be combined"):
        cloud.fail_next("/catalog", **wrong)

    assert http.status() == 200


@pytest.mark.parametrize("delay", [60, math.inf])
def test_close_does_not_wait_for_a_delay(cloud: Sandbox, http: Http, delay: float) -> None:
    """While a reply is being delayed, closing ends its connection at once."""
    cloud.fail_next("/catalog", delay=delay)

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(http, "GET", CATALOG, timeout=30)
        cloud.wait_for_requests("/catalog")
        assert seconds_to_close(cloud) < 2
        with pytest.raises(requests.ConnectionError):
            pending.result(5)


def test_close_does_not_wait_for_a_drip(cloud: Sandbox, http: Http) -> None:
    """While a reply is dripping, closing ends it at once, and visibly too early."""
    cloud.fail_next("/catalog", body={}, drip=60)

    with http("GET", CATALOG, stream=True) as answer:
        body = answer.iter_content(1)
        assert next(body) == b"{"
        assert seconds_to_close(cloud) < 2
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(body)


def seconds_to_close(cloud: Sandbox) -> float:
    began = time.monotonic()
    cloud.close()
    took = time.monotonic() - began
    assert not [t for t in threading.enumerate() if t.name.startswith("callhistory-sandbox")]
    return took
