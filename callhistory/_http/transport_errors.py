"""The error for a request that nobody answered, with a cause that shows nothing private."""

from __future__ import annotations

from collections.abc import Iterator

import requests
import urllib3

from .._errors import TransportError


def no_answer(
    method: str, host: str, error: BaseException, tracking_id: str | None, *, attempts: int = 1
) -> TransportError:
    """Return the error for a request that nobody answered, with a cause that holds no request.

    Args:
        method: the request's method.
        host: the host that was asked.
        error: what the HTTP library raised.
        tracking_id: the id that the request carried.
        attempts: how often it was sent.
    """
    cause = _clean_cause(error)
    tries = "" if attempts == 1 else f" after {attempts} attempts"
    reason = f"no answer{tries}: {cause.strerror or cause} ({type(cause).__name__})"
    problem = TransportError(method, host, reason, tracking_id=tracking_id)
    problem.__cause__ = cause
    return problem


def _clean_cause(error: BaseException) -> OSError:
    """Return a copy of the operating system's error at the root, chained to nothing."""
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


def causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error and all it came from, through each way that libraries have to say so."""
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


def without_context(error: Exception, handled: BaseException | None) -> Exception:
    """Return an error without what the program was handling: Python made that its context.

    Args:
        error: what was raised.
        handled: what ``sys.exception()`` was before.
    """
    for cause in causes(error):
        if cause.__context__ is handled:
            cause.__context__ = None
    return error
