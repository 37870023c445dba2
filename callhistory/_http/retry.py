"""The retry policy, and the adapter that follows it."""

from __future__ import annotations

import http.client
import itertools
import random
import re
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3
from attrs import frozen
from requests.adapters import BaseAdapter

from .._limits import USUAL, Limits
from .body import read_body
from .transport_errors import causes, without_context
from .trusted_hosts import is_on_this_machine

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_MOST_DOUBLINGS = 7

# Failures that the next attempt may not meet; urllib3's own occur while a body is read.
_PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.SSLError,
)


@frozen(kw_only=True, repr=False, eq=False)
class RetryPolicy:
    """How long a request may take, and how often it is sent.

    Attributes:
        connect: seconds to connect.
        read: seconds for each read of the response.
        retries: the most times that the request is sent again.
        limits: the longest time and largest size of a response, and the pauses between attempts.
    """

    connect: float
    read: float
    retries: int
    limits: Limits = USUAL

    def pause(self, outcome: requests.Response | Exception, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; ``None`` if there is to be none.

        Args:
            outcome: the response or error of the last attempt.
            attempt: the number of attempts so far.
        """
        if attempt > self.retries:
            return None
        doublings = min(attempt - 1, _MOST_DOUBLINGS)
        longest = self.limits.first_backoff * 2.0**doublings
        backoff = longest * random.uniform(0.5, 1)  # noqa: S311 - jitter
        if not isinstance(outcome, requests.Response):
            return backoff if _may_pass(outcome) else None
        if outcome.status_code not in RETRIED_STATUSES:
            return None
        asked = retry_after(outcome.headers)
        if asked is None:
            return backoff
        return asked if asked <= self.limits.longest_retry_after else None


class GaveUp(Exception):  # noqa: N818 - an outcome, which the session turns into an error
    """No attempt got a response.

    Attributes:
        attempts: the number of attempts.
        error: why the last one failed.
    """

    def __init__(self, attempts: int, error: Exception) -> None:
        super().__init__(attempts)
        self.attempts = attempts
        self.error = error


class RetryAdapter(BaseAdapter):
    """An adapter of requests that sends through another one, and retries as its policy says.

    Connection failures and temporary statuses are retried after an exponential backoff with
    jitter, or after the time in ``Retry-After``. A read timeout is retried once.

    Args:
        inner: the adapter that sends.
        policy: when to retry, and the timeouts of each attempt.
        stop: when set, ends the pause between two attempts, and the retries with it.
    """

    def __init__(self, inner: BaseAdapter, policy: RetryPolicy, stop: threading.Event) -> None:
        super().__init__()
        self._inner = inner
        self._policy = policy
        self._stop = stop

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request, with retries, and return the response, read to its end.

        Args:
            request: the request.
            stream: ignored: a response is always read to its end, within its limits.
            timeout: ignored: the timeouts are the policy's, whatever the caller's session sets.
            verify: as for :class:`requests.adapters.HTTPAdapter`.
            cert: likewise.
            proxies: likewise; a request to this machine uses no proxy.

        Raises:
            GaveUp: no attempt got a response.
            DecodeError: the response is too large, or not compressed as its headers say.
        """
        if is_on_this_machine(request.url or ""):
            proxies = {}
        timeouts = 0
        for attempt in itertools.count(1):
            began = time.monotonic()
            outcome = self._attempt(request, verify=verify, cert=cert, proxies=proxies)
            timeouts += (timed_out := _is_read_timeout(outcome))
            took = time.monotonic() - began
            # A timeout is retried if the server was silent, not if it was too slow.
            is_last = timeouts > 1 or (timed_out and took > 2 * self._policy.read)
            wait = None if is_last else self._policy.pause(outcome, attempt)
            if wait is None or self._stop.wait(wait):
                break
        if isinstance(outcome, requests.Response):
            return outcome
        raise GaveUp(attempt, outcome)

    def _attempt(
        self, request: requests.PreparedRequest, **settings: Any
    ) -> requests.Response | Exception:
        policy, limits = self._policy, self._policy.limits
        handled = sys.exception()
        try:
            timeout = (policy.connect, policy.read)
            response = self._inner.send(request, stream=True, timeout=timeout, **settings)
            deadline = time.monotonic() + limits.read_timeouts_per_response * policy.read
            read_body(response, largest=limits.largest_response, deadline=deadline)
        except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
            return without_context(error, handled)
        return response

    def close(self) -> None:
        """Leave the connections open: they belong to the inner adapter, which others may use."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds from now in ``Retry-After``, which is a number or a date.

    Webex has been seen to send neither: the result is then ``None``, as without the header.
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


def _may_pass(error: Exception) -> bool:
    """Return whether the next attempt may succeed."""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return False
    return isinstance(error, _PASSING)


def _is_read_timeout(outcome: requests.Response | Exception) -> bool:
    if isinstance(outcome, requests.Response):
        return False
    timeouts = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
    return any(isinstance(cause, timeouts) for cause in causes(outcome))
