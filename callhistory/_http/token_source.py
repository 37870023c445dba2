"""Where tokens come from: a fixed token, a function that returns one, or a refresh at Webex."""

from __future__ import annotations

import os
from collections.abc import Callable

from .._concurrency import ErrorCheckingLock
from .._errors import AuthenticationError
from .._limits import USUAL, Limits
from .token import FormSender, Token, TokenSource, clean_token
from .token_refresh import (
    TOKEN_URL,
    Integration,
    RefreshedToken,
    TokenGrant,
)

TokenFunction = Callable[[], str]

ACCESS_TOKEN = "WEBEX_ACCESS_TOKEN"  # noqa: S105 - no password
_TO_REFRESH = {
    "client_id": "WEBEX_CLIENT_ID",
    "client_secret": "WEBEX_CLIENT_SECRET",
    "refresh_token": "WEBEX_REFRESH_TOKEN",
}
_ALL_VARIABLES = ", ".join(_TO_REFRESH.values())
_ALL_OF_IT = f"{', '.join(_TO_REFRESH)} (or {_ALL_VARIABLES} in the environment)"


class GivenToken(TokenSource):
    """A token that never changes."""

    def __init__(self, token: str) -> None:
        self._token = Token(clean_token(token), 1)

    def current(self, form_sender: FormSender) -> Token:
        """Return the token."""
        return self._token

    def renew(self, refused: Token, form_sender: FormSender) -> Token | None:
        """Return ``None``: there is no other token."""
        return None


class AskedToken(TokenSource):
    """A token from a function, which is called at first need and when Webex refuses the token."""

    def __init__(self, function: TokenFunction) -> None:
        self._function = function
        self._lock = ErrorCheckingLock("the function that returns the token")
        self._token: Token | None = None

    def current(self, form_sender: FormSender) -> Token:
        """Return the token; the first time, call the function for it."""
        with self._lock:
            if self._token is None:
                self._token = Token(self._ask(), 1)
            return self._token

    def renew(self, refused: Token, form_sender: FormSender) -> Token | None:
        """Call the function again, unless another thread has replaced the refused token."""
        with self._lock:
            if self._token is None or self._token.number == refused.number:
                try:
                    self._token = Token(self._ask(), refused.number + 1)
                except AuthenticationError:
                    return None
            return None if self._token.value == refused.value else self._token

    def _ask(self) -> str:
        token = self._function()
        if token is None or (isinstance(token, str) and not token.strip()):
            raise AuthenticationError(401, "no access token: the function for it returned none")
        return clean_token(token)


def token_source(
    access_token: str | TokenFunction | None,
    client_id: str | None = None,
    client_secret: str | None = None,
    refresh_token: str | None = None,
    *,
    url: str | None = TOKEN_URL,
    on_refresh: Callable[[TokenGrant], object] | None = None,
    limits: Limits = USUAL,
) -> TokenSource:
    """Return the source of tokens for the arguments that a user passed, or for the environment.

    An access token that is passed is never refreshed with values from the environment, nor the
    other way round: the two may belong to different people.

    Args:
        access_token: a token, or a function that returns one.
        client_id: the integration that refreshes tokens. If only some of these three are ``None``,
            those are read from the environment.
        client_secret: the secret of the integration.
        refresh_token: the token that is exchanged for access tokens.
        url: the address where tokens are refreshed; ``None`` when it is not known.
        on_refresh: is called with each new token.
        limits: the pause before a failed early refresh is tried again.

    Raises:
        AuthenticationError: no token is passed, and the environment has none.
        TypeError, ValueError: an argument makes no sense. The error does not show its value.
    """
    passed = (client_id, client_secret, refresh_token)
    if on_refresh is not None and not callable(on_refresh):
        raise TypeError(f"on_refresh: expected a function, not {type(on_refresh).__name__}")
    if passed == (None, None, None) and access_token is None:
        access_token = _variable(ACCESS_TOKEN) or None
        if access_token is not None:
            clean_token(access_token)
        if all(map(_variable, _TO_REFRESH.values())):
            passed = tuple(map(_variable, _TO_REFRESH.values()))  # type: ignore[assignment] # as long as the table
        elif access_token is None:
            raise AuthenticationError(
                401, f"no access token: pass one, or set {ACCESS_TOKEN}, or all of {_ALL_VARIABLES}"
            )
        else:
            access_token = _current_variable
    if passed != (None, None, None):
        if callable(access_token):
            raise TypeError(
                "access_token: a function renews its token itself; pass a string or None"
            )
        return _refreshed(passed, access_token, url, on_refresh, limits)
    if on_refresh is not None:
        raise ValueError("on_refresh: would never be called, as there is no refresh_token")
    if callable(access_token):
        return AskedToken(access_token)
    return GivenToken("" if access_token is None else access_token)


def _refreshed(
    passed: tuple[str | None, str | None, str | None],
    access_token: str | None,
    url: str | None,
    on_refresh: Callable[[TokenGrant], object] | None,
    limits: Limits,
) -> TokenSource:
    if url is None:
        raise ValueError("token_url: is needed for the government cloud; only Webex's own is known")
    values = []
    for (name, variable), value in zip(_TO_REFRESH.items(), passed, strict=True):
        if value is None and not (value := _variable(variable)):
            raise ValueError(f"{name}: is missing; a token is refreshed with all of " + _ALL_OF_IT)
        values.append(clean_token(value, name))
    if access_token is not None:
        access_token = clean_token(access_token)
    integration = Integration(values[0], values[1])
    return RefreshedToken(
        integration,
        values[2],
        access_token=access_token,
        url=url,
        on_refresh=on_refresh,
        limits=limits,
    )


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _current_variable() -> str:
    return _variable(ACCESS_TOKEN)
