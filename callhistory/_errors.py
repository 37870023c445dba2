"""What can go wrong.

::

    CallHistoryError
    ├── ApiError                  Webex answered, and said no
    │   └── AuthenticationError   401 after the token was asked for anew, or no token to try
    ├── TransportError            nobody answered
    ├── DecodeError               the answer is not what Webex sends
    └── ListenError               live events cannot be had
        └── TokenRefusedError     ... because of the token; an AuthenticationError as well

A wrong argument is none of these: it is a ``ValueError`` or ``TypeError``, raised before a byte
is sent. No error holds a token, a request, a person's name or number, or a session id.
"""

from __future__ import annotations

from typing import Any


class CallHistoryError(Exception):
    """The base of every error that this library raises by its own judgement."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception pickles by its message alone, which is not what the subclasses are made from.
        return (_restore, (type(self), self.args, self.__dict__.copy()))


def _restore(
    cls: type[CallHistoryError], args: tuple[Any, ...], state: dict[str, Any]
) -> CallHistoryError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ApiError(CallHistoryError):
    """Webex answered, and said no.

    Attributes:
        status_code: the HTTP status of the answer, or the ``statusCode`` in its body.
        error: the words for that status, the same as in ``response.data.error``.
        tracking_id: what Webex support asks for; ``None`` when no request was made.
        retry_after: how many seconds Webex asked to wait, or ``None``.
        reason: why the token was not refreshed, in Webex's own words where it refused; ``None``
            when there was nothing to refresh it with.
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


class AuthenticationError(ApiError):
    """Webex refused the token also after it was asked for anew, or there is no token to try."""


class TransportError(CallHistoryError):
    """Nobody answered: name, TLS, refused, reset or timed out, after the retries.

    ``__cause__`` is the ``OSError`` that ended the last attempt.

    Attributes:
        method: the request's method, such as ``"GET"``.
        host: the host that did not answer, with its port where it is not the usual one.
        tracking_id: the id that the request carried, for Webex support.
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


class DecodeError(CallHistoryError):
    """What came is not what Webex sends.

    Attributes:
        path: where, such as ``userSessions[3].startTime``; ``$`` is the whole of it.
        expected: what was wanted there.
        found: the type of what stood there, never the value.
    """

    def __init__(self, path: str, expected: str, found: str) -> None:
        self.path = path
        self.expected = expected
        self.found = found
        super().__init__(f"{path}: expected {expected}, found {found}")


class ListenError(CallHistoryError):
    """Live events cannot be had.

    Attributes:
        code: the close code or HTTP status that said so, or ``None``.
        reason: why, in words.
    """

    def __init__(self, code: int | None, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason if code is None else f"{code}: {reason}")


class TokenRefusedError(AuthenticationError, ListenError):
    """Live events cannot be had: Webex refused the token, also after it was asked for anew.

    Attributes:
        code: the close code or HTTP status that said so.
        reason: why, in words.
        status_code: 401.
        error: the same words as ``reason``.
    """

    reason: str

    def __init__(self, code: int | None, reason: str) -> None:
        AuthenticationError.__init__(self, 401, reason)
        self.code = code
        self.reason = reason


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
    """Return the words of the Webex documentation for a status that is not a success."""
    return _WORDS.get(status_code, f"{status_code} Exception has occurred")


def refusal(
    status_code: int,
    error: str | None = None,
    *,
    tracking_id: str | None = None,
    retry_after: float | None = None,
    reason: str | None = None,
) -> ApiError:
    """Return the error for an answer that is not a success.

    Args:
        status_code: the status of the answer; for 401 it is an :class:`AuthenticationError`.
        error: the words for it; by default those of the Webex documentation.
        tracking_id: as for :class:`ApiError`.
        retry_after: as for :class:`ApiError`.
        reason: as for :class:`ApiError`.
    """
    kind = AuthenticationError if status_code == 401 else ApiError
    return kind(
        status_code,
        error or words_for(status_code),
        tracking_id=tracking_id,
        retry_after=retry_after,
        reason=reason,
    )
