"""Where tokens come from: one that was given, a function that is asked, a refresh at Webex."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from .._clock import steady
from .._concurrency import ErrorCheckingLock, copy_for_this_thread
from .._errors import AuthenticationError, CallHistoryError
from .._limits import USUAL, Limits
from .._logging import log
from .token import FormSender, Token, TokenSource, clean_token
from .token_refresh import TOKEN_URL, Integration, TokenGrant, read_grant, refresh_form

TokenFunction = Callable[[], str]

ACCESS_TOKEN = "WEBEX_ACCESS_TOKEN"  # noqa: S105 - no password
_TO_REFRESH = {
    "client_id": "WEBEX_CLIENT_ID",
    "client_secret": "WEBEX_CLIENT_SECRET",
    "refresh_token": "WEBEX_REFRESH_TOKEN",
}
_ALL_VARIABLES = ", ".join(_TO_REFRESH.values())
_ALL_OF_IT = f"{', '.join(_TO_REFRESH)} (or {_ALL_VARIABLES} in the environment)"

# A token is refreshed before it expires: by a tenth of its life, and by this much at most.
_LONGEST_MARGIN = 300.0  # seconds


class GivenToken(TokenSource):
    """A token that stays what it is."""

    def __init__(self, token: str) -> None:
        self._token = Token(clean_token(token), 1)

    def current(self, sender: FormSender) -> Token:
        """Return the token."""
        return self._token

    def renew(self, refused: Token, sender: FormSender) -> Token | None:
        """Return ``None``: there is no other."""
        return None


class AskedToken(TokenSource):
    """A token that a function returns: asked at first need, and anew when Webex refuses it."""

    def __init__(self, function: TokenFunction) -> None:
        self._function = function
        self._lock = ErrorCheckingLock("the function that gives the token")
        self._token: Token | None = None

    def current(self, sender: FormSender) -> Token:
        """Return the token; ask for it the first time."""
        with self._lock:
            if self._token is None:
                self._token = Token(self._ask(), 1)
            return self._token

    def renew(self, refused: Token, sender: FormSender) -> Token | None:
        """Ask again, unless another thread did since that token was in use."""
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
            raise AuthenticationError(401, "no access token: the function for it gave none")
        return clean_token(token)


class RefreshedToken(TokenSource):
    """A token that Webex replaces: when it refuses it, and before it expires.

    Args:
        integration: what the program proves itself with.
        refresh_token: what the next token is asked for with. Webex may replace it, too.
        access_token: the token to begin with, if there is one.
        url: where tokens are refreshed.
        on_refresh: is called with each new token, so that it can be stored.
        limits: how soon an early refresh that failed is tried again.
    """

    def __init__(
        self,
        integration: Integration,
        refresh_token: str,
        *,
        access_token: str | None,
        url: str,
        on_refresh: Callable[[TokenGrant], object] | None,
        limits: Limits,
    ) -> None:
        self._integration = integration
        self._refresh_token = refresh_token
        self._url = url
        self._on_refresh = on_refresh
        self._limits = limits
        self._token = None if access_token is None else Token(access_token, 1)
        self._refresh_at = math.inf  # by the steady clock
        self._lock = ErrorCheckingLock("on_refresh")
        self._tries = 0
        self._failure: CallHistoryError | None = None

    def current(self, sender: FormSender) -> Token:
        """Return the token; refresh it if there is none yet or it is about to expire."""
        self._lock.check()
        token = self._token
        if token is None:
            return self._refresh_once(None, sender)
        if steady() < self._refresh_at:
            return token
        if not self._lock.acquire(wait=False):
            return token  # it is still valid, and another thread is about to replace it
        try:
            if self._token is token:
                self._refresh_early(sender)
            return self._token or token
        finally:
            self._lock.release()

    def renew(self, refused: Token, sender: FormSender) -> Token | None:
        """Refresh the token, unless another thread did since it was in use."""
        return self._refresh_once(refused, sender)

    def _refresh_once(self, known: Token | None, sender: FormSender) -> Token:
        """Refresh a token; threads that wait for it meanwhile share the outcome."""
        tries = self._tries
        with self._lock:
            token = self._token
            if token is not None and (known is None or token.number != known.number):
                return token
            if self._tries != tries and self._failure is not None:
                raise copy_for_this_thread(self._failure)
            return self._refresh(sender)

    def _refresh_early(self, sender: FormSender) -> None:
        try:
            self._refresh(sender)
        except CallHistoryError as error:
            self._refresh_at = steady() + self._limits.early_refresh_retry
            log.warning("the token was not refreshed ahead of its expiry, trying again: %s", error)

    def _refresh(self, sender: FormSender) -> Token:
        self._failure = None
        try:
            form = refresh_form(self._url, self._integration, self._refresh_token)
            grant = read_grant(sender.send_form(form), form)
        except CallHistoryError as error:
            self._failure = error
            raise
        finally:
            self._tries += 1
        number = 1 if self._token is None else self._token.number + 1
        self._refresh_token = grant.refresh_token
        self._token = Token(grant.access_token, number)
        self._refresh_at = _when_to_refresh(grant)
        self._report(grant)
        return self._token

    def _report(self, grant: TokenGrant) -> None:
        if self._on_refresh is None:
            return
        try:
            self._on_refresh(grant)
        except Exception as error:  # noqa: BLE001 - the token is good, whoever could not store it
            # Its text may show the token.
            name = type(error).__name__
            log.error("on_refresh failed with %s; the new token is used on", name)


def _when_to_refresh(grant: TokenGrant) -> float:
    if grant.expires_in is None:
        return math.inf
    return steady() + grant.expires_in - min(_LONGEST_MARGIN, grant.expires_in / 10)


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
    """Return the source of tokens for what a user passed, or else for what the environment has.

    An access token that is passed is not refreshed with what the environment has, nor the other
    way round: the two may be different people's.

    Args:
        access_token: a token, or a function that returns one.
        client_id: the integration that refreshes tokens; what is ``None`` of these three, if not
            all are, is taken from the environment.
        client_secret: its secret.
        refresh_token: what a token is asked for with.
        url: where tokens are refreshed; ``None`` when that is not known.
        on_refresh: is called with each new token.
        limits: how soon an early refresh that failed is tried again.

    Raises:
        AuthenticationError: nothing is passed, and the environment has no token.
        TypeError, ValueError: what is passed makes no sense. The error does not show it.
    """
    passed = (client_id, client_secret, refresh_token)
    if on_refresh is not None and not callable(on_refresh):
        raise TypeError(f"on_refresh: expected a function, not {type(on_refresh).__name__}")
    if passed == (None, None, None) and access_token is None:
        access_token = _variable(ACCESS_TOKEN) or None
        if access_token is not None:
            clean_token(access_token)
        if all(map(_variable, _TO_REFRESH.values())):
            passed = tuple(map(_variable, _TO_REFRESH.values()))  # type: ignore[assignment]
        elif access_token is None:
            raise AuthenticationError(
                401, f"no access token: pass one, or set {ACCESS_TOKEN}, or all of {_ALL_VARIABLES}"
            )
        else:
            access_token = _current_variable
    if passed != (None, None, None):
        if callable(access_token):
            raise TypeError("access_token: a function renews its token itself; pass a text or None")
        return _refreshed(passed, access_token, url, on_refresh, limits)
    if on_refresh is not None:
        raise ValueError("on_refresh: would never be called, as there is no refresh_token")
    if callable(access_token):
        return AskedToken(access_token)
    return GivenToken(access_token or "")


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
