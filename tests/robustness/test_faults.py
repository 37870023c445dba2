"""Every fault of the wire, at each of the three calls: outcome, requests, time and memory."""

from __future__ import annotations

import functools
import gzip
import struct
import sys
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from attrs import frozen

from callhistory import CallHistoryClient, CallHistoryError, DecodeError, TransportError
from callhistory.sandbox import Sandbox
from tests.support.error_contents import chain
from tests.support.programs import run
from tests.support.wire_samples import a_session

FETCH, MARK, DELETE = "fetch", "mark", "delete"
READ_AND_WRITE = (FETCH, DELETE)
PATHS = {FETCH: "/history/userSessions", MARK: "/setReadState", DELETE: "/markAsDeleted"}
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "nobodys-session"}
RETRIES = 2
OK = 200

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def call(client: CallHistoryClient, name: str) -> Any:
    """Make one of the three calls."""
    if name == FETCH:
        return client.get_call_history_data()
    if name == MARK:
        return client.update_missed_calls([PAIR])
    return client.delete_call_history_records([PAIR])


@frozen(kw_only=True)
class Case:
    """A fault, and the expected outcome of a call that meets it.

    Attributes:
        name: what goes wrong.
        script: makes a sandbox do it at a path.
        outcome: the status of the answer, or the error.
        requests: how many requests the server gets.
        seconds: the least and the most that the call may take.
        read: the read timeout, in seconds.
        writes: the outcome of the two writes, where it differs.
        retry_after: the seconds that the response says Webex asked to wait.
        calls: which calls meet it; not all of them, where a fault takes long.
    """

    name: str
    script: Callable[[Sandbox, str], None]
    outcome: int | type[CallHistoryError]
    requests: int = 1
    seconds: tuple[float, float] = (0.0, 5.0)
    read: float = 5.0
    writes: int | type[CallHistoryError] | None = None
    retry_after: float | None = None
    calls: tuple[str, ...] = tuple(PATHS)

    def outcome_of(self, name: str) -> int | type[CallHistoryError]:
        """Return the expected outcome of a call."""
        return self.outcome if name == FETCH or self.writes is None else self.writes


def scripted(**fault: Any) -> Callable[[Sandbox, str], None]:
    """Return a script of a fault that all requests of a call meet, unless ``times`` says less."""
    return lambda cloud, path: cloud.fail_next(path, **({"times": 10} | fault))


def at_a_date(cloud: Sandbox, path: str) -> None:
    """Script a Retry-After with a date, one to two seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=2)
    cloud.fail_next(path, status=429, retry_after=format_datetime(moment, usegmt=True))


@functools.cache
def bomb() -> bytes:
    """Return a GiB of blanks, compressed: the same MiB over and over."""
    blanks, times = b" " * (1 << 20), 1 << 10
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    part = deflate.compress(blanks) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = functools.reduce(lambda crc, _: zlib.crc32(blanks, crc), range(times), 0)
    head = gzip.compress(b"", mtime=0)[:10]
    return head + part * times + deflate.flush() + struct.pack("<LL", checksum, len(blanks) * times)


_GZIP = {"Content-Encoding": "gzip"}
_BROKEN = bytearray(gzip.compress(b'{"userSessions": []}', mtime=0))
_BROKEN[12] ^= 0xFF
_ALL = 1 + RETRIES


def refused(status: int, requests: int = 1, **fault: Any) -> Case:
    """Return the case of a status that is the answer to the call; a redirect is to another host."""
    script = scripted(status=status, **fault)
    return Case(name=str(status), script=script, outcome=status, requests=requests)


def no_answer(name: str, **fault: Any) -> Case:
    """Return the case of a fault that is retried, and in the end a TransportError."""
    return Case(name=name, script=scripted(**fault), outcome=TransportError, requests=_ALL)


def unreadable(name: str, **fault: Any) -> Case:
    """Return the case of an answer that is a DecodeError at once."""
    return Case(name=name, script=scripted(**fault), outcome=DecodeError)


CASES = [
    *map(refused, (400, 401, 404, 500)),
    *(refused(status, _ALL) for status in (502, 503, 504)),
    Case(name="429, no Retry-After", script=scripted(status=429), outcome=429, requests=_ALL),
    Case(
        name="429, Retry-After: 1, once",
        script=scripted(times=1, status=429, retry_after=1),
        outcome=OK,
        requests=2,
        seconds=(1.0, 5.0),
        calls=(DELETE,),
    ),
    Case(
        name="429, Retry-After: a date, once",
        script=at_a_date,
        outcome=OK,
        requests=2,
        seconds=(0.9, 6.0),
        calls=(FETCH,),
    ),
    Case(
        name="429, Retry-After: 3600",
        script=scripted(status=429, retry_after=3600),
        outcome=429,
        retry_after=3600.0,
    ),
    Case(
        name="429, Retry-After: rand(30),add(30)",
        script=scripted(status=429, retry_after="rand(30),add(30)"),
        outcome=429,
        requests=_ALL,
    ),
    no_answer("reset before the headers", reset=True),
    no_answer("reset in the headers", raw=_HEAD[:30], reset=True),
    no_answer(
        "reset after the headers", raw=_HEAD + b'Content-Length: 90\r\n\r\n{"userS', reset=True
    ),
    no_answer("closed without an answer", raw=b""),
    Case(
        name="hung",
        script=scripted(delay=30),
        outcome=TransportError,
        requests=2,
        seconds=(0.6, 4.0),
        read=0.3,
        calls=READ_AND_WRITE,
    ),
    Case(
        name="dripping, a byte a tenth of the read timeout",
        script=scripted(drip=0.02),
        outcome=TransportError,
        seconds=(0.79, 4.0),
        read=0.2,
        calls=READ_AND_WRITE,
    ),
    no_answer("truncated", truncate=True),
    unreadable(
        "longer than its Content-Length",
        raw=_HEAD + b'Content-Length: 9\r\n\r\n{"userSessions": []}',
    ),
    no_answer(
        "shorter than its Content-Length",
        raw=_HEAD + b'Content-Length: 99\r\n\r\n{"userSessions": []}',
    ),
    unreadable("bad gzip", body=bytes(_BROKEN), headers=_GZIP),
    Case(
        name="gzip bomb of 1 GiB",
        script=lambda cloud, path: cloud.fail_next(path, body=bomb(), headers=_GZIP),
        outcome=DecodeError,
        seconds=(0.0, 20.0),
        calls=READ_AND_WRITE,
    ),
    Case(
        name="endless body",
        script=scripted(body=b"{", endless=True),
        outcome=DecodeError,
        seconds=(0.0, 20.0),
        calls=READ_AND_WRITE,
    ),
    unreadable("not JSON", body=b"<html>"),
    Case(name="empty", script=scripted(body=b""), outcome=DecodeError, writes=OK),
    unreadable("NaN", body=b'{"userSessions": NaN}'),
    unreadable("nested 100,000 deep", body=b"[" * 100_000),
    unreadable("BOM", body=b'\xef\xbb\xbf{"userSessions": []}'),
    Case(
        name="200 that says 500",
        script=scripted(body=b'{"statusCode": 500, "userSessions": []}'),
        outcome=500,
    ),
    refused(302, headers={"Location": "http://localhost:9/x"}),
    refused(307, headers={"Location": "http://localhost:9/x"}),
]


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
    outcome: int | type[CallHistoryError]
    retry_after, links = None, list[BaseException]()
    with CallHistoryClient(cloud.webex(timeout=(5, case.read), max_retries=RETRIES)) as client:
        client.get_call_history_data(limit=1)  # registers the device
        cloud.forget_requests()
        case.script(cloud, PATHS[name])
        began = time.monotonic()
        try:
            answer = call(client, name)
            outcome, retry_after = answer.status_code, answer.retry_after
        except CallHistoryError as error:
            outcome, links = type(error), list(chain(error))
        seconds = time.monotonic() - began

    assert outcome == case.outcome_of(name)
    assert len(cloud.requests_to(PATHS[name])) == case.requests
    assert case.seconds[0] <= seconds <= case.seconds[1]
    assert retry_after == case.retry_after
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
