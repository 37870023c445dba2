"""What is sent to Webex to refresh an access token, and what it answers."""

from typing import Any

from attrs import field, frozen

from .._errors import AuthenticationError, DecodeError
from .._public import public
from .._records.strict_json import json_type, read_json, type_at
from .._redaction import public_words
from .response import Response
from .token import Form, clean_token
from .trusted_hosts import lack_of_protection

TOKEN_URL = "https://webexapis.com/v1/access_token"  # noqa: S105 - no password

_PASSING_STATUSES = frozenset({408, 429})


@frozen
class Integration:
    """What a program proves itself with when it asks for another access token.

    Attributes:
        client_id: the integration, as registered with Webex.
        client_secret: its secret.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


@public
@frozen(kw_only=True)
class TokenGrant:
    """What Webex gave for a refresh token. A program that stores it can go on where it was.

    Its repr shows no token.

    Attributes:
        access_token: the new access token.
        refresh_token: what the next one is to be asked for with; Webex may have replaced it.
        expires_in: for how many seconds the access token is valid; ``None`` if Webex did not say.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: float | None


def read_token_url(url: str | None, *, fedramp: bool) -> str | None:
    """Return the address that tokens are refreshed at, or ``None`` when it is not known.

    Args:
        url: what the user passed; any host may be named, as whose it is, is for them to judge.
        fedramp: whether the default is the government cloud's, which nobody has published.

    Raises:
        TypeError, ValueError: no secret must go to ``url``.
    """
    if url is None:
        return None if fedramp else TOKEN_URL
    if not isinstance(url, str):
        raise TypeError(f"token_url: expected a text, not {type(url).__name__}")
    problem = lack_of_protection(url)
    if problem is not None:
        raise ValueError(f"token_url: {problem}")  # without it: it may hold a secret
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


def read_grant(answer: Response, form: Form) -> TokenGrant:
    """Return what Webex granted for a form.

    Raises:
        AuthenticationError: it refused; the error's ``reason`` has its words.
        ApiError: it could not do it now.
        DecodeError: the answer is no grant.
    """
    status = answer.status_code
    if not answer.ok:
        passes = status >= 500 or status in _PASSING_STATUSES
        reason = f"{status} {_words(answer.body, form)}".strip()
        raise answer.refusal(status if passes else 401, reason=reason)
    document = read_json(answer.body)
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
    return value if is_number and 0 < value < 1e12 else None  # type: ignore[operator,return-value]


def _words(body: bytes, form: Form) -> str:
    """Return Webex's own words from a refusal, without what they must not show."""
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
