"""The outcome of each call for each fault of the wire: the table that test_faults.py asserts.

    python -m tests.robustness.fault_table

prints the table as measured, in Markdown.
"""

from __future__ import annotations

import functools
import gzip
import struct
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from attrs import field, frozen

from callhistory import CallHistoryClient, CallHistoryError, DecodeError, TransportError
from callhistory.sandbox import Sandbox

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


@frozen(kw_only=True)
class Measured:
    """The outcome of a call."""

    outcome: int | type[CallHistoryError]
    requests: int
    seconds: float
    retry_after: float | None = field(default=None)
    error: CallHistoryError | None = field(default=None, eq=False)


def every_time(**fault: Any) -> Callable[[Sandbox, str], None]:
    """Return a script of a fault that all requests of a call meet."""
    return lambda cloud, path: cloud.fail_next(path, times=10, **fault)


def once(**fault: Any) -> Callable[[Sandbox, str], None]:
    """Return a script of a fault that the first request meets."""
    return lambda cloud, path: cloud.fail_next(path, **fault)


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
    script = every_time(status=status, **fault)
    return Case(name=str(status), script=script, outcome=status, requests=requests)


def no_answer(name: str, **fault: Any) -> Case:
    """Return the case of a fault that is retried, and in the end a TransportError."""
    return Case(name=name, script=every_time(**fault), outcome=TransportError, requests=_ALL)


def unreadable(name: str, **fault: Any) -> Case:
    """Return the case of an answer that is a DecodeError at once."""
    return Case(name=name, script=every_time(**fault), outcome=DecodeError)


CASES = [
    *map(refused, (400, 401, 403, 404, 408, 500, 501)),
    *(refused(status, _ALL) for status in (502, 503, 504)),
    Case(name="429, no Retry-After", script=every_time(status=429), outcome=429, requests=_ALL),
    Case(
        name="429, Retry-After: 1, once",
        script=once(status=429, retry_after=1),
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
        script=every_time(status=429, retry_after=3600),
        outcome=429,
        retry_after=3600.0,
    ),
    Case(
        name="429, Retry-After: rand(30),add(30)",
        script=every_time(status=429, retry_after="rand(30),add(30)"),
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
        script=every_time(delay=30),
        outcome=TransportError,
        requests=2,
        seconds=(0.6, 4.0),
        read=0.3,
        calls=READ_AND_WRITE,
    ),
    Case(
        name="dripping, a byte a tenth of the read timeout",
        script=every_time(drip=0.02),
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
        script=every_time(body=b"{", endless=True),
        outcome=DecodeError,
        seconds=(0.0, 20.0),
        calls=READ_AND_WRITE,
    ),
    unreadable("not JSON", body=b"<html>"),
    Case(name="empty", script=every_time(body=b""), outcome=DecodeError, writes=OK),
    unreadable("NaN", body=b'{"userSessions": NaN}'),
    unreadable("nested 100,000 deep", body=b"[" * 100_000),
    unreadable("BOM", body=b'\xef\xbb\xbf{"userSessions": []}'),
    Case(
        name="200 that says 500",
        script=every_time(body=b'{"statusCode": 500, "userSessions": []}'),
        outcome=500,
    ),
    refused(302, headers={"Location": "http://localhost:9/x"}),
    refused(307, headers={"Location": "http://localhost:9/x"}),
    Case(name="lost reply, once", script=once(lose=True), outcome=OK, requests=2),
    Case(
        name="lost reply by a reset, once",
        script=once(lose=True, reset=True),
        outcome=OK,
        requests=2,
    ),
]


def measure(cloud: Sandbox, case: Case, name: str) -> Measured:
    """Make a call that meets a fault, and return its outcome."""
    webex = cloud.webex(timeout=(5, case.read), max_retries=RETRIES)
    with CallHistoryClient(webex) as client:
        client.get_call_history_data(limit=1)  # registers the device
        cloud.forget_requests()
        path = PATHS[name]
        case.script(cloud, path)
        began = time.monotonic()
        try:
            answer = call(client, name)
        except CallHistoryError as error:
            outcome: int | type[CallHistoryError] = type(error)
            problem: CallHistoryError | None = error
            retry_after = None
        else:
            problem, outcome, retry_after = None, answer.status_code, answer.retry_after
        seconds = time.monotonic() - began
        cloud.clear_faults()
        return Measured(
            outcome=outcome,
            requests=len(cloud.requests_to(path)),
            seconds=seconds,
            retry_after=retry_after,
            error=problem,
        )


def main() -> None:
    """Print the table."""
    print("| fault | call | outcome | requests | seconds |")
    print("|---|---|---|---|---|")
    with Sandbox() as cloud:
        for case in CASES:
            for name in case.calls:
                found = measure(cloud, case, name)
                outcome = (
                    found.outcome if isinstance(found.outcome, int) else found.outcome.__name__
                )
                print(
                    f"| {case.name} | {name} | {outcome} | {found.requests} | {found.seconds:.2f} |"
                )


if __name__ == "__main__":
    main()
