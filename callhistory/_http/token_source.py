"""Where the token of the user comes from, and how another one is had when Webex refuses it."""

from __future__ import annotations

import logging
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from .._concurrency import Alone, own_copy
from .._errors import AuthenticationError, CallHistoryError
from .response import Answer
from .token_refresh import TOKEN_URL, Form, Integration, TokenGrant, read_grant, refresh_form
from .tokens import Token, clean_token

TokenSource = Callable[[], str]
Submit = Callable[[Form], Answer]

log = logging.getLogger(__name__)

ACCESS_TOKEN = "WEBEX_ACCESS_TOKEN"  # noqa: S105 - no password
_REFRESHING = {
    "client_id": "WEBEX_CLIENT_ID",
    "client_secret": "WEBEX_CLIENT_SECRET",
    "refresh_token": "WEBEX_REFRESH_TOKEN",
}
_ALL_VARIABLES = ", ".join(_REFRESHING.values())
_ALL_OF_IT = f"{', '.join(_REFRESHING)} (or {_ALL_VARIABLES} in the environment)"

# A token is refreshed before it expires: by a tenth of its life, and by this much at most.
_LONGEST_MARGIN = 300.0
# When that fails, the token is used on, and this long passes before the next try.
_NEXT_TRY = 30.0


class Credentials(ABC):
    """Where access tokens come from. Any thread may ask."""

    @abstractmethod
    def current(self, submit: Submit) -> Token:
        """Give the token to use now.

        Args:
            submit: sends a form to Webex, if it takes one.

        Raises:
            AuthenticationError: there is none.
            CallHistoryError: there is none yet, and Webex gave none.
        """

    @abstractmethod
    def renew(self, refused: Token, submit: Submit) -> Token | None:
        """Give a token to use instead of one that Webex refused; ``None`` when there is none.

        Several threads may come with the same token: one of them asks for another.

        Raises:
            AuthenticationError: Webex refuses to give another.
            CallHistoryError: none can be had now.
        """


class StaticToken(Credentials):
    """A token that stays what it is."""

    def __init__(self, token: str) -> None:
        self._token = Token(clean_token(token), 1)

    def current(self, submit: Submit) -> Token:
        """Give the token."""
        return self._token

    def renew(self, refused: Token, submit: Submit) -> Token | None:
        """Give up: there is no other."""
        return None


class AskedToken(Credentials):
    """A token that a function gives: at first need, and anew when Webex refuses it."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = Alone("the function that gives the token")
        self._token: Token | None = None

    def current(self, submit: Submit) -> Token:
        """Give the token, and ask for it the first time."""
        with self._lock:
            if self._token is None:
                self._token = Token(self._ask(), 1)
            return self._token

    def renew(self, refused: Token, submit: Submit) -> Token | None:
        """Ask again, unless another thread did since that token was taken."""
        with self._lock:
            if self._token is None or self._token.number == refused.number:
                try:
                    self._token = Token(self._ask(), refused.number + 1)
                except AuthenticationError:
                    return None
            return None if self._token.value == refused.value else self._token

    def _ask(self) -> str:
        none = AuthenticationError(401, "no access token: the function for it gave none")
        return clean_token(self._source(), none)


class RefreshedToken(Credentials):
    """A token that Webex replaces: when it refuses it, and before it expires.

    Args:
        integration: what the program proves itself with.
        refresh_token: what the next token is asked for with. Webex may replace it, too.
        access_token: the token to begin with, if there is one.
        url: where tokens are refreshed.
        on_refresh: is told of each new token, so that it can be stored.
    """

    def __init__(
        self,
        integration: Integration,
        refresh_token: str,
        *,
        access_token: str | None,
        url: str,
        on_refresh: Callable[[TokenGrant], object] | None,
    ) -> None:
        self._integration = integration
        self._refresh_token = refresh_token
        self._url = url
        self._on_refresh = on_refresh
        self._token = None if access_token is None else Token(access_token, 1)
        self._refresh_at = math.inf
        self._lock = Alone("on_refresh")
        self._tries = 0
        self._failure: CallHistoryError | None = None

    def current(self, submit: Submit) -> Token:
        """Give the token, and refresh it if there is none yet or it is about to expire."""
        self._lock.check()
        token = self._token
        if token is None:
            return self._refresh_once(None, submit)
        if time.monotonic() < self._refresh_at:
            return token
        if not self._lock.acquire(wait=False):
            return token  # it is still valid, and another thread is about to replace it
        try:
            if self._token is token:
                self._refresh_early(submit)
            return self._token or token
        finally:
            self._lock.release()

    def renew(self, refused: Token, submit: Submit) -> Token | None:
        """Refresh the token, unless another thread did since it was taken."""
        return self._refresh_once(refused, submit)

    def _refresh_once(self, known: Token | None, submit: Submit) -> Token:
        """Refresh a token; those who wait for it meanwhile share what comes of it."""
        tries = self._tries
        with self._lock:
            token = self._token
            if token is not None and (known is None or token.number != known.number):
                return token
            if self._tries != tries and self._failure is not None:
                raise own_copy(self._failure)
            return self._refresh(submit)

    def _refresh_early(self, submit: Submit) -> None:
        try:
            self._refresh(submit)
        except CallHistoryError as error:
            self._refresh_at = time.monotonic() + _NEXT_TRY
            log.warning("the token was not refreshed ahead of its expiry, trying again: %s", error)

    def _refresh(self, submit: Submit) -> Token:
        self._failure = None
        try:
            form = refresh_form(self._url, self._integration, self._refresh_token)
            grant = read_grant(submit(form), form)
            number = 1 if self._token is None else self._token.number + 1
            self._refresh_token = grant.refresh_token
            self._token = Token(grant.access_token, number)
            self._refresh_at = _when_to_refresh(grant)
            self._tell(grant)
        except CallHistoryError as error:
            self._failure = error
            raise
        finally:
            self._tries += 1
        return self._token

    def _tell(self, grant: TokenGrant) -> None:
        if self._on_refresh is None:
            return
        try:
            self._on_refresh(grant)
        except Exception as error:  # noqa: BLE001 - the token is good, whoever could not store it
            # Its text may show the token.
            name = type(error).__name__
            log.error("on_refresh failed with %s; the new token is used on", name)  # noqa: TRY400


def _when_to_refresh(grant: TokenGrant) -> float:
    if grant.expires_in is None:
        return math.inf
    return time.monotonic() + grant.expires_in - min(_LONGEST_MARGIN, grant.expires_in / 10)


def make_credentials(
    access_token: str | TokenSource | None,
    client_id: str | None = None,
    client_secret: str | None = None,
    refresh_token: str | None = None,
    *,
    url: str | None = TOKEN_URL,
    on_refresh: Callable[[TokenGrant], object] | None = None,
) -> Credentials:
    """Make the credentials for what a user passed, or else for what the environment has.

    An access token that is passed is not refreshed with what the environment has, nor the other
    way round: the two may be different people's.

    Raises:
        AuthenticationError: nothing is passed, and the environment has no token.
        TypeError, ValueError: what is passed makes no sense. The error does not show it.
    """
    passed = (client_id, client_secret, refresh_token)
    if on_refresh is not None and not callable(on_refresh):
        raise TypeError(f"on_refresh: expected a function, not {type(on_refresh).__name__}")
    found: Credentials | None
    if passed != (None, None, None):
        if callable(access_token):
            raise TypeError("access_token: a function renews its token itself; pass a text or None")
        found = _refreshed(passed, access_token, url, on_refresh)
    elif access_token is not None:
        found = AskedToken(access_token) if callable(access_token) else StaticToken(access_token)
    else:
        found = _of_environment(url, on_refresh)
    if on_refresh is not None and not isinstance(found, RefreshedToken):
        raise ValueError("on_refresh: would never be called, as there is no refresh_token")
    return found


def _refreshed(
    passed: tuple[str | None, str | None, str | None],
    access_token: str | None,
    url: str | None,
    on_refresh: Callable[[TokenGrant], object] | None,
) -> Credentials:
    if url is None:
        raise ValueError("token_url: is needed for the government cloud; only Webex's own is known")
    values = []
    for (name, variable), value in zip(_REFRESHING.items(), passed, strict=True):
        if value is None and not (value := _environment(variable)):
            raise ValueError(f"{name}: is missing; a token is refreshed with all of " + _ALL_OF_IT)
        values.append(clean_token(value, name=name))
    if access_token is not None:
        access_token = clean_token(access_token)
    integration = Integration(values[0], values[1])
    return RefreshedToken(
        integration, values[2], access_token=access_token, url=url, on_refresh=on_refresh
    )


def _of_environment(
    url: str | None, on_refresh: Callable[[TokenGrant], object] | None
) -> Credentials:
    first = _environment(ACCESS_TOKEN)
    if first:
        clean_token(first)
    if all(_environment(variable) for variable in _REFRESHING.values()):
        return _refreshed((None, None, None), first or None, url, on_refresh)
    if first:
        return AskedToken(lambda: _environment(ACCESS_TOKEN))
    raise AuthenticationError(
        401, f"no access token: pass one, or set {ACCESS_TOKEN}, or all of {_ALL_VARIABLES}"
    )


def _environment(variable: str) -> str:
    return os.environ.get(variable, "").strip()
