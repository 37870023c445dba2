"""The decision after a connection for live events ended or failed, without sockets."""

from __future__ import annotations

import random
import re

from attrs import frozen

from .._errors import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from .._limits import USUAL, Limits

_MOST_DOUBLINGS = 10  # the longest backoff is reached by then
_TOKEN_REFUSED = 4401
_DEVICE_GONE = 4404
_REPLACED = 4000
_PERMANENT = frozenset({_REPLACED, 4400, 4403, 1003, 1007, 1009, 1010})
_PASSING_REFUSALS = frozenset({408, 429})


@frozen(kw_only=True)
class Ended:
    """How a connection, or an attempt to connect, ended.

    Attributes:
        code: the close code that the server sent; ``None`` without one.
        status: the HTTP status of the response to the upgrade, if the server refused it.
        reason: why, in words.
        accepted_for: the seconds since Webex accepted it; ``None`` if it never did.
        error: the error before the websocket was reached.
        retry_after: the seconds that the server asked to wait.
        going_away: whether the server asked for another connection, while this one is still read.
        closed: whether the :class:`.Webex` is closed, so that nothing can follow.
    """

    code: int | None = None
    status: int | None = None
    reason: str = ""
    accepted_for: float | None = None
    error: CallHistoryError | None = None
    retry_after: float | None = None
    going_away: bool = False
    closed: bool = False


@frozen(kw_only=True)
class Again:
    """Connect again.

    Attributes:
        delay: seconds to wait first.
        renew_token: whether to get another token first.
        refresh_device: whether to refresh the device first, for another address.
    """

    delay: float = 0.0
    renew_token: bool = False
    refresh_device: bool = False


@frozen(kw_only=True)
class Never:
    """Do not connect again.

    Attributes:
        error: the error that says why.
    """

    error: CallHistoryError


class Reconnection:
    """Decides what follows an attempt, from how it and earlier ones ended.

    Args:
        limits: the pauses between two attempts.
    """

    def __init__(self, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._attempts = 0  # since a good connection
        self._unaccepted = 0  # in a row
        self._token_renewed = False  # since a connection was accepted
        self._ever_accepted = False

    def after(self, ended: Ended) -> Again | Never:
        """Return what to do after a connection or an attempt has ended."""
        if ended.accepted_for is not None:
            self._ever_accepted = True
            self._unaccepted = 0
            self._token_renewed = False
            if ended.accepted_for >= self._limits.good_connection:
                self._attempts = 0
        elif not ended.going_away:
            self._unaccepted += 1
        refused_token = _refuses_token(ended)
        error = self._permanent(ended, refused_token=refused_token)
        if error is not None:
            return Never(error=error)
        self._token_renewed |= refused_token
        gone = 404 in (ended.status, _status(ended.error)) or ended.code == _DEVICE_GONE
        stale = self._unaccepted > 0 and self._unaccepted % 2 == 0
        stale |= isinstance(ended.error, ListenError)  # the address itself is unusable
        return Again(
            delay=self._delay(ended), renew_token=refused_token, refresh_device=gone or stale
        )

    def _permanent(self, ended: Ended, *, refused_token: bool) -> CallHistoryError | None:
        if refused_token and self._token_renewed:
            return token_refused(ended)
        if ended.code in _PERMANENT:
            words = "replaced" if ended.code == _REPLACED else "Webex closed the connection"
            return ListenError(ended.code, ended.reason or words)
        error = ended.error
        if ended.closed:
            return ListenError(None, "closed")
        if isinstance(error, AuthenticationError):
            return error
        if self._ever_accepted or error is None:
            return None
        if isinstance(error, ListenError):
            return error
        # Before the first connection, listen() can still raise this to the program.
        if isinstance(error, DecodeError):
            return ListenError(None, f"Webex's response cannot be read: {error}")
        status = _status(error)
        refused = status is not None and 400 <= status < 500 and status not in _PASSING_REFUSALS
        return error if refused else None

    def _delay(self, ended: Ended) -> float:
        limits, first = self._limits, self._limits.first_reconnect_backoff
        was_good = (ended.accepted_for or 0.0) >= limits.good_connection
        longest = min(2.0 ** min(self._attempts, _MOST_DOUBLINGS) * first, limits.longest_backoff)
        if self._attempts == 0 and (ended.going_away or was_good):
            longest = 0.0
        self._attempts += 1
        asked = min(ended.retry_after or 0.0, limits.longest_live_retry_after)
        return max(asked, random.uniform(0.0, longest))  # noqa: S311 - jitter


def token_refused(ended: Ended) -> TokenRefusedError:
    """Return the error for a refused token when there is no other."""
    return TokenRefusedError(ended.code or ended.status, ended.reason or "Webex refused the token")


def error_of(ended: Ended) -> CallHistoryError:
    """Return the error for an attempt that was not repeated only because time ran out."""
    if isinstance(ended.error, (ApiError, TransportError, ListenError)):
        return ended.error
    code = ended.status if ended.code is None else ended.code
    return ListenError(code, ended.reason or str(ended.error or "the connection was lost"))


def _refuses_token(ended: Ended) -> bool:
    if ended.code == 1008:
        return re.search(r"auth|token|credential", ended.reason, re.IGNORECASE) is not None
    return ended.code == _TOKEN_REFUSED or ended.status == 401


def _status(error: CallHistoryError | None) -> int | None:
    return error.status_code if isinstance(error, ApiError) else None
