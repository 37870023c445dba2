"""The error for a request that got no response, with a cause that shows nothing private."""

from __future__ import annotations

from collections.abc import Iterator

import requests
import urllib3

from .._errors import TransportError


def no_answer(
    method: str, host: str, error: BaseException, tracking_id: str | None, *, attempts: int = 1
) -> TransportError:
    """Return the error for a request that got no response; its cause does not hold the request.

    Args:
        method: the request's method.
        host: the host that the request went to.
        error: what the HTTP library raised.
        tracking_id: the request's tracking id.
        attempts: how often the request was sent.
    """
    cause = _clean_cause(error)
    tries = "" if attempts == 1 else f" after {attempts} attempts"
    reason = f"no answer{tries}: {cause.strerror or cause} ({type(cause).__name__})"
    problem = TransportError(method, host, reason, tracking_id=tracking_id)
    problem.__cause__ = cause
    return problem


def _clean_cause(error: BaseException) -> OSError:
    """Return an unchained copy of the operating system's error at the root."""
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
    except Exception:  # noqa: BLE001 - a class from elsewhere, such as an adapter's
        return OSError(type(root).__name__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, in every way that libraries record them."""
    seen: set[int] = set()
    found: list[BaseException] = [error]
    while found:
        error = found.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        # Not getattr(): in other libraries, ``reason`` is a property that warns of its deprecation.
        reason = vars(error).get("reason")
        links = (error.__cause__, error.__context__, reason, *error.args)
        found.extend(link for link in links if isinstance(link, BaseException))


def without_context(error: Exception, handled: BaseException | None) -> Exception:
    """Return an error, unchained from one that the program was already handling.

    Args:
        error: what was raised.
        handled: the value of ``sys.exception()`` beforehand.
    """
    for cause in causes(error):
        if cause.__context__ is handled:
            cause.__context__ = None
    return error
