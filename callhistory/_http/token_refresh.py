"""A token that is refreshed: the request, the response, and when it is time."""

import math
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from .._clock import steady
from .._concurrency import ErrorCheckingLock, copy_for_this_thread
from .._errors import AuthenticationError, CallHistoryError, DecodeError
from .._limits import Limits
from .._logging import log
from .._public import public
from .._records.json_types import json_type, type_at
from .._records.strict_json import read_json
from .._redaction import public_words
from .response import Response
from .token import Form, FormSender, Token, TokenSource, clean_token
from .trusted_hosts import lack_of_protection

TOKEN_URL = "https://webexapis.com/v1/access_token"  # noqa: S105 - no password

_PASSING_STATUSES = frozenset({408, 429})
# A token is refreshed a tenth of its lifetime before it expires, but at most this long before.
_LONGEST_MARGIN = 300.0  # seconds


@frozen(repr=False, eq=False)
class Integration:
    """The credentials of a program that asks for another access token.

    Attributes:
        client_id: the id of the integration, as registered with Webex.
        client_secret: the secret of the integration.
    """

    client_id: str
    client_secret: str


@public
@frozen(kw_only=True)
class TokenGrant:
    """The tokens that Webex granted for a refresh token. A program that stores them can restart.

    The repr shows no token.

    Attributes:
        access_token: the new access token.
        refresh_token: the refresh token to use next; Webex may have replaced it.
        expires_in: the seconds for which the access token is valid; ``None`` if Webex did not say.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: float | None


def read_token_url(url: str | None, *, fedramp: bool) -> str | None:
    """Return the address where tokens are refreshed; ``None`` when it is not known.

    Args:
        url: the address that the user passed; any host is accepted, as the user chose it.
        fedramp: whether the default is the government cloud's address, which is not public.

    Raises:
        TypeError, ValueError: ``url`` is not an address that a secret may be sent to.
    """
    if url is None:
        return None if fedramp else TOKEN_URL
    if not isinstance(url, str):
        raise TypeError(f"token_url: expected a string, not {type(url).__name__}")
    problem = lack_of_protection(url)
    if problem is not None:
        raise ValueError(f"token_url: {problem}")  # without the address, which may hold a secret
    return url


def refresh_form(url: str, integration: Integration, refresh_token: str) -> Form:
    """Return the form that asks for another access token."""
    return Form(
        url,
        {
            "grant_type": "refresh_token",
            "client_id": integration.client_id,
            "client_secret": integration.client_secret,
            "refresh_token": refresh_token,
        },
    )


def read_grant(response: Response, form: Form) -> TokenGrant:
    """Return the tokens that Webex granted for a form.

    Raises:
        AuthenticationError: Webex refused; the error's ``reason`` has its words.
        ApiError: Webex could not grant a token now.
        DecodeError: the response is not a grant.
    """
    status = response.status_code
    if not response.ok:
        passes = status >= 500 or status in _PASSING_STATUSES
        reason = f"{status} {_words(response.body, form)}".strip()
        raise response.refusal(status if passes else 401, reason=reason)
    document = read_json(response.body)
    if not isinstance(document, dict):
        raise DecodeError("$", "an object", json_type(document))
    return TokenGrant(
        access_token=_token_at(document, "access_token"),
        refresh_token=(
            _token_at(document, "refresh_token")
            if document.get("refresh_token") is not None
            else form.fields["refresh_token"]
        ),
        expires_in=_seconds(document.get("expires_in")),
    )


def _token_at(document: dict[str, Any], name: str) -> str:
    try:
        return clean_token(document.get(name))
    except (AuthenticationError, TypeError, ValueError):
        problem = DecodeError(name, "a token", type_at(document, name))
    raise problem


def _seconds(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and 0 < value < 1e12 else None  # type: ignore[operator,return-value] # it is a number


def _words(body: bytes, form: Form) -> str:
    """Return Webex's own words from a refusal, without anything private."""
    try:
        document = read_json(body)
    except DecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    first = [entry for entry in _list(document.get("errors")) if isinstance(entry, dict)][:1]
    said = [document.get(name) for name in ("error", "error_description", "message")]
    said += [entry.get("description") for entry in first]
    texts = dict.fromkeys(text.strip() for text in said if isinstance(text, str))
    secrets = [form.fields[name] for name in ("client_id", "client_secret", "refresh_token")]
    return public_words(": ".join(text for text in texts if text), secrets)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class RefreshedToken(TokenSource):
    """A token that is refreshed when Webex refuses it, and before it expires.

    Args:
        integration: the credentials of the program.
        refresh_token: the first refresh token; Webex may replace it.
        access_token: the first access token, if there is one.
        url: the address where tokens are refreshed.
        on_refresh: is called with each new grant, so that it can be stored.
        limits: the pause before a failed early refresh is tried again.
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

    def current(self, form_sender: FormSender) -> Token:
        """Return the token, after a refresh if there is none yet or it is about to expire."""
        self._lock.check()
        token = self._token
        if token is None:
            return self._refresh_once(None, form_sender)
        if steady() < self._refresh_at:
            return token
        if not self._lock.acquire(wait=False):
            return token  # it is still valid, and another thread is refreshing it
        try:
            if self._token is token:
                self._refresh_early(form_sender)
            return self._token or token
        finally:
            self._lock.release()

    def renew(self, refused: Token, form_sender: FormSender) -> Token | None:
        """Refresh the token, unless another thread has done so since it was in use."""
        return self._refresh_once(refused, form_sender)

    def _refresh_once(self, known: Token | None, form_sender: FormSender) -> Token:
        """Refresh a token; threads that wait for it meanwhile share the result."""
        tries = self._tries
        with self._lock:
            token = self._token
            if token is not None and (known is None or token.number != known.number):
                return token
            if self._tries != tries and self._failure is not None:
                raise copy_for_this_thread(self._failure)
            return self._refresh(form_sender)

    def _refresh_early(self, form_sender: FormSender) -> None:
        try:
            self._refresh(form_sender)
        except CallHistoryError as error:
            self._refresh_at = steady() + self._limits.early_refresh_retry
            log.warning("the token was not refreshed ahead of its expiry, trying again: %s", error)

    def _refresh(self, form_sender: FormSender) -> Token:
        self._failure = None
        try:
            form = refresh_form(self._url, self._integration, self._refresh_token)
            grant = read_grant(form_sender.send_form(form), form)
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
        except Exception as error:  # noqa: BLE001 - the token is good even if it was not stored
            # Its text may show the token.
            name = type(error).__name__
            log.error("on_refresh failed with %s; the new token is used anyway", name)


def _when_to_refresh(grant: TokenGrant) -> float:
    if grant.expires_in is None:
        return math.inf
    return steady() + grant.expires_in - min(_LONGEST_MARGIN, grant.expires_in / 10)
