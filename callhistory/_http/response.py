"""What Webex answered, or that nobody did."""

from __future__ import annotations

import requests
import urllib3
from attrs import field, frozen

from .._errors import ApiError, TransportError, refusal
from .._errors import words_for as words_for
from .retry import causes


@frozen(kw_only=True)
class Answer:
    """What Webex answered, read to its end.

    Attributes:
        status_code: the HTTP status.
        body: the body, decompressed.
        tracking_id: what Webex support asks for.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        etag: the version of what was answered.
        location: where it says to go instead.
        reason: why the token that it refuses was not refreshed.
    """

    status_code: int
    body: bytes = field(repr=False)
    tracking_id: str | None
    retry_after: float | None = None
    etag: str | None = None
    location: str | None = field(default=None, repr=False)
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the HTTP status is a success."""
        return 200 <= self.status_code < 300

    def refusal(self, status_code: int | None = None, *, reason: str | None = None) -> ApiError:
        """Make the error for an answer that is no success.

        Args:
            status_code: what it comes to, if not its own status.
            reason: why the token was not refreshed, if not its own reason.
        """
        status = self.status_code if status_code is None else status_code
        return refusal(
            status,
            tracking_id=self.tracking_id,
            retry_after=self.retry_after,
            reason=reason or self.reason,
        )


class Refused(Exception):  # noqa: N818 - the client makes an answer of it, the listener an error
    """Webex answered the catalog or the device registration with no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def no_answer(
    method: str, host: str, error: BaseException, tracking_id: str | None, *, attempts: int = 1
) -> TransportError:
    """Make the error for a request that nobody answered, with a cause that holds no request."""
    cause = _clean_cause(error)
    tries = "" if attempts == 1 else f" after {attempts} attempts"
    reason = f"no answer{tries}: {cause.strerror or cause} ({type(cause).__name__})"
    problem = TransportError(method, host, reason, tracking_id=tracking_id)
    problem.__cause__ = cause
    return problem


def _clean_cause(error: BaseException) -> OSError:
    """Copy the operating system's error that is at the root, without what it was raised from."""
    root: OSError | None = None
    timed_out = False
    for cause in causes(error):
        timed_out |= isinstance(cause, (requests.Timeout, urllib3.exceptions.TimeoutError))
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
            root = cause
    if root is None:
        name = type(cause).__name__
        return TimeoutError("timed out") if timed_out else ConnectionError(name)
    try:
        return type(root)(*(part for part in root.args if isinstance(part, (int, str))))
    except Exception:  # noqa: BLE001 - of somebody else's class, such as an adapter's
        return OSError(type(root).__name__)
