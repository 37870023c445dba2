"""Asking again: when, how long to wait, and when to give up."""

from __future__ import annotations

import http.client
import itertools
import random
import re
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3
from attrs import field, frozen
from requests.adapters import BaseAdapter, HTTPAdapter

from .._errors import DecodeError
from .deadline import READ_TIMEOUTS_AN_ANSWER, PatientAdapter
from .trusted_hosts import host_of, is_loopback

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
LONGEST_RETRY_AFTER = 60.0
LARGEST_ANSWER = 64 * 1024 * 1024
_PART = 64 * 1024
_FIRST_BACKOFF = 0.5
_MOST_DOUBLINGS = 7


# Failures that may be gone at the next attempt; urllib3's own are those of a body.
_PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.SSLError,
)


@frozen
class Effort:
    """How hard to try one request. It travels through requests as the request's timeout.

    Attributes:
        connect: seconds for a connection to come about.
        read: seconds for each read of the answer; the whole answer takes at most four times that.
        retries: how often to ask again.
        stop: ends a wait between two attempts.
    """

    connect: float
    read: float
    retries: int
    stop: threading.Event = field(factory=threading.Event, eq=False, repr=False)


class GaveUp(Exception):  # noqa: N818 - the transport says it to the caller
    """No attempt brought an answer."""

    def __init__(self, attempts: int, error: Exception) -> None:
        super().__init__(attempts)
        self.attempts = attempts
        self.error = error


class RetryAdapter(BaseAdapter):
    """Sends a request through another adapter until there is an answer to keep, and reads it.

    Connection failures and statuses that pass are tried again, after an exponential backoff with
    jitter or as long as ``Retry-After`` says. A read timeout is tried again once.
    """

    def __init__(self, inner: BaseAdapter, effort: Effort) -> None:
        super().__init__()
        self._effort = effort
        # One with nothing of the user's own in it has no deadline either: ours takes its place.
        self._borrowed = type(inner) is not HTTPAdapter
        self._inner = PatientAdapter(inner) if type(inner) is HTTPAdapter else inner

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request; ``timeout`` is an :class:`Effort`, or else the usual one is made.

        Raises:
            GaveUp: no attempt brought an answer.
            DecodeError: the answer is too large, or not compressed as it says.
        """
        # A session of the user's may have put its own timeout in the place of ours.
        effort = timeout if isinstance(timeout, Effort) else self._effort
        if is_loopback(host_of(request.url or "")):
            proxies = {}  # what is meant for this machine passes no other
        timeouts = 0
        for attempt in itertools.count(1):
            began = time.monotonic()
            outcome = self._attempt(request, effort, verify=verify, cert=cert, proxies=proxies)
            timeouts += (timed_out := _is_read_timeout(outcome))
            # A second try after a timeout is for a server that was silent, not for one that drips.
            last = timeouts > 1 or (timed_out and time.monotonic() - began > 2 * effort.read)
            wait = None if last or attempt > effort.retries else pause(outcome, attempt)
            if wait is None or effort.stop.wait(wait):
                break
        if isinstance(outcome, requests.Response):
            return outcome
        raise GaveUp(attempt, outcome)

    def _attempt(
        self, request: requests.PreparedRequest, effort: Effort, **settings: Any
    ) -> requests.Response | Exception:
        handled = sys.exception()
        try:
            timeout = (effort.connect, effort.read)
            response = self._inner.send(request, stream=True, timeout=timeout, **settings)
            _read_body(response, time.monotonic() + READ_TIMEOUTS_AN_ANSWER * effort.read)
        except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
            return own(error, handled)
        return response

    def interrupt(self) -> None:
        """End the answers that are under way."""
        if isinstance(self._inner, PatientAdapter):
            self._inner.interrupt()

    def close(self) -> None:
        """Close the connections, if they are ours."""
        if not self._borrowed:
            self._inner.close()


def _read_body(response: requests.Response, deadline: float) -> None:
    """Read an answer's body into the response, where requests would put it."""
    parts, size, problem = [], 0, ""
    try:
        for part in _parts(response):
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER:
                problem = f"more than {LARGEST_ANSWER // 1024**2} MiB"
                break
            if time.monotonic() > deadline:
                response.close()
                raise requests.ReadTimeout("the answer took too long")
    except (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
        problem = "something else"
    if problem:
        response.close()
        raise DecodeError("$", "an answer of at most 64 MiB, compressed as it says", problem)
    response._content = b"".join(parts)
    response._content_consumed = True  # type: ignore[attr-defined] # missing in the stubs


def _parts(response: requests.Response) -> Iterator[bytes]:
    """Give a body as it comes: requests would wait until a part is full, however long it takes."""
    raw = response.raw
    if isinstance(raw, urllib3.HTTPResponse):
        while part := raw.read1(_PART, decode_content=True):
            yield part
    else:  # of an adapter that speaks something else
        yield from response.iter_content(_PART)


def pause(outcome: requests.Response | Exception, attempt: int) -> float | None:
    """Say how many seconds to wait before the next attempt; ``None`` when none is worth it."""
    doublings = min(attempt - 1, _MOST_DOUBLINGS)
    backoff = _FIRST_BACKOFF * 2.0**doublings * random.uniform(0.5, 1)  # noqa: S311 - jitter
    if not isinstance(outcome, requests.Response):
        return backoff if _passes(outcome) else None
    if outcome.status_code not in RETRIED_STATUSES:
        return None
    asked = retry_after(outcome.headers)
    if asked is None:
        return backoff
    return asked if asked <= LONGEST_RETRY_AFTER else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``, in seconds or as a date, into seconds from now.

    Webex has been seen to send neither; that counts as none.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _passes(error: Exception) -> bool:
    """Tell whether a failure may be gone at the next attempt."""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return False
    return isinstance(error, _PASSING)


def _is_read_timeout(outcome: requests.Response | Exception) -> bool:
    if isinstance(outcome, requests.Response):
        return False
    timeouts = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
    return any(isinstance(cause, timeouts) for cause in causes(outcome))


def own(error: Exception, handled: BaseException | None) -> Exception:
    """Cut off what the program was handling as it made the request: Python calls it the context."""
    for cause in causes(error):
        if cause.__context__ is handled:
            cause.__context__ = None
    return error


def causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what it came from, through all the ways libraries have to say so."""
    seen: set[int] = set()
    found: list[BaseException] = [error]
    while found:
        error = found.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        # Not the attribute: other libraries have one that warns that it is deprecated.
        reason = vars(error).get("reason")
        links = (error.__cause__, error.__context__, reason, *error.args)
        found.extend(link for link in links if isinstance(link, BaseException))
