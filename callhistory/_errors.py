"""What can go wrong.

::

    CallHistoryError
    ├── ApiError                  Webex refused the request
    │   └── AuthenticationError   401 even with a new token, or no token to send
    ├── TransportError            there was no response
    ├── DecodeError               the response is not what Webex sends
    └── ListenError               live events are not available
        └── TokenRefusedError     ... because of the token; an AuthenticationError as well

A wrong argument raises a ``ValueError`` or ``TypeError`` instead, before anything
is sent. No error holds a token, a request, a person's name or number, or a session id.
"""

from typing import Any

from ._public import public

_WORDS = {
    400: "400 Bad request",
    401: "User is unauthorised, possible token expiry",
    403: "User request is forbidden",
    404: "User info not found",
    408: "Request to the server timedout",
    500: "Internal server error occurred",
    501: "Method is not implemented at the backend",
    503: "Unable to establish a connection with the server",
}


def words_for(status_code: int) -> str:
    """Return the words of the Webex documentation for the status of a failure."""
    return _WORDS.get(status_code, f"{status_code} Exception has occurred")


@public
class CallHistoryError(Exception):
    """The base class of every error that this library defines."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception pickles its message alone, but the subclasses take other arguments.
        return (_restore, (type(self), self.args, self.__dict__.copy()))


def _restore(
    cls: type[CallHistoryError], args: tuple[Any, ...], state: dict[str, Any]
) -> CallHistoryError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@public
class ApiError(CallHistoryError):
    """Webex refused the request.

    Attributes:
        status_code: the HTTP status of the response, or the ``statusCode`` in its body.
        error: the words for that status, the same as in ``response.data.error``.
        tracking_id: the id that Webex support asks for; ``None`` when no request was sent.
        retry_after: the seconds that Webex asked to wait, or ``None``.
        reason: why the token was not refreshed, in Webex's own words if it refused; ``None``
            if there was nothing to refresh it with.
    """

    def __init__(
        self,
        status_code: int,
        error: str,
        *,
        tracking_id: str | None = None,
        retry_after: float | None = None,
        reason: str | None = None,
    ) -> None:
        self.status_code = status_code
        self.error = error
        self.tracking_id = tracking_id
        self.retry_after = retry_after
        self.reason = reason
        text = f"{status_code}: {error}"
        if reason is not None:
            text += f"; the token was not refreshed: {reason}"
        if retry_after is not None:
            text += f", retry after {retry_after:g} s"
        if tracking_id is not None:
            text += f" (tracking id {tracking_id})"
        Exception.__init__(self, text)  # super() is a ListenError where this is both


@public
class AuthenticationError(ApiError):
    """Webex refused the token, and a new one if there was one; or there is no token to send."""


def refusal(
    status_code: int,
    error: str | None = None,
    *,
    tracking_id: str | None = None,
    retry_after: float | None = None,
    reason: str | None = None,
) -> ApiError:
    """Return the error for a status that is not a success; its class is chosen only here.

    Args:
        status_code: the status; for a 401 the error is an :class:`AuthenticationError`.
        error: the words for the status, if not those of the documentation.
        tracking_id: the id that Webex support asks for.
        retry_after: the seconds that Webex asked to wait.
        reason: why the token was not refreshed.
    """
    kind = AuthenticationError if status_code == 401 else ApiError
    return kind(
        status_code,
        words_for(status_code) if error is None else error,
        tracking_id=tracking_id,
        retry_after=retry_after,
        reason=reason,
    )


@public
class TransportError(CallHistoryError):
    """There was no response, after the retries: name lookup, TLS, refusal, reset or timeout.

    ``__cause__`` is the ``OSError`` that ended the last attempt.

    Attributes:
        method: the request's method, such as ``"GET"``.
        host: the host of the request, with its port unless it is the usual one.
        tracking_id: the request's id, for Webex support.
    """

    def __init__(
        self, method: str, host: str, reason: str, *, tracking_id: str | None = None
    ) -> None:
        self.method = method
        self.host = host
        self.tracking_id = tracking_id
        text = f"{method} {host}: {reason}"
        if tracking_id is not None:
            text += f" (tracking id {tracking_id})"
        super().__init__(text)


@public
class DecodeError(CallHistoryError):
    """The response is not what Webex sends.

    Attributes:
        path: the place, such as ``userSessions[3].startTime``; ``$`` is the whole response.
        expected: what should be there.
        found: the type of the value there, never the value.
    """

    def __init__(self, path: str, expected: str, found: str) -> None:
        self.path = path
        self.expected = expected
        self.found = found
        super().__init__(f"{path}: expected {expected}, found {found}")


@public
class ListenError(CallHistoryError):
    """Live events are not available.

    Attributes:
        code: the close code or HTTP status, or ``None`` if there was neither.
        reason: why, in words.
    """

    def __init__(self, code: int | None, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason if code is None else f"{code}: {reason}")


@public
class TokenRefusedError(AuthenticationError, ListenError):
    """Live events are not available: Webex refused the token, and a new one if there was one.

    Attributes:
        code: the close code or HTTP status.
        reason: why, in words.
        status_code: 401.
        error: the same words as ``reason``.
    """

    reason: str

    def __init__(self, code: int | None, reason: str) -> None:
        AuthenticationError.__init__(self, 401, reason)
        self.code = code
        self.reason = reason
