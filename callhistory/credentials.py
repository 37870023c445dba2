"""The token of the user, and how another one is had when Webex refuses it."""

from __future__ import annotations

import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from attrs import field, frozen

from .errors import AuthenticationError

TokenSource = Callable[[], str]

ENVIRONMENT_VARIABLE = "WEBEX_ACCESS_TOKEN"


@frozen
class Token:
    """An access token, and the how-manieth it is. Its repr does not show it."""

    value: str = field(repr=False)
    number: int


class Credentials(ABC):
    """Where access tokens come from."""

    @abstractmethod
    def current(self) -> Token:
        """Give the token to use now.

        Raises:
            AuthenticationError: there is none.
        """

    @abstractmethod
    def renew(self, refused: Token) -> Token | None:
        """Give a token to use instead of one that Webex refused; ``None`` when there is none.

        Several threads may come with the same token: one of them asks for another.
        """


class StaticToken(Credentials):
    """A token that stays what it is."""

    def __init__(self, token: str) -> None:
        self._token = Token(clean_token(token), 1)

    def current(self) -> Token:
        """Give the token."""
        return self._token

    def renew(self, refused: Token) -> Token | None:
        """Give up: there is no other."""
        return None


class AskedToken(Credentials):
    """A token that a function gives: at first need, and anew when Webex refuses it."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        """Give the token, and ask for it the first time."""
        with self._lock:
            if self._token is None:
                self._token = Token(self._ask(), 1)
            return self._token

    def renew(self, refused: Token) -> Token | None:
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


def clean_token(token: object, none: Exception | None = None) -> str:
    """Take the white space off a token's ends; in a header it would make it part of an error.

    Args:
        token: what is to be a token.
        none: what to raise when it is ``None`` or empty, if not what follows.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or holds what no token does. The error does not show it.
    """
    problem: Exception
    cleaned = token.strip() if isinstance(token, str) else None
    if none is not None and (token is None or cleaned == ""):
        problem = none
    elif cleaned is None:
        problem = TypeError(f"access_token: expected a text, not {type(token).__name__}")
    elif not cleaned:
        problem = ValueError("access_token: is empty")
    elif re.fullmatch(r"[!-~]+", cleaned):
        return cleaned
    else:
        problem = ValueError(
            "access_token: holds white space or another character that no token has; "
            "pass the token alone, without 'Bearer'"
        )
    del token, cleaned  # what prints an error may print the variables of its frames too
    raise problem


def make_credentials(access_token: str | TokenSource | None) -> Credentials:
    """Make the credentials for what a user passed.

    Args:
        access_token: a token, a function without arguments that gives one, or ``None`` for
            ``WEBEX_ACCESS_TOKEN`` from the environment.

    Raises:
        AuthenticationError: ``None``, and the environment has no token.
        TypeError, ValueError: it is none of these.
    """
    if access_token is None:
        if not os.environ.get(ENVIRONMENT_VARIABLE, "").strip():
            raise AuthenticationError(
                401, f"no access token: pass one, or set {ENVIRONMENT_VARIABLE}"
            )
        clean_token(os.environ[ENVIRONMENT_VARIABLE])
        return AskedToken(lambda: os.environ.get(ENVIRONMENT_VARIABLE, ""))
    if callable(access_token):
        return AskedToken(access_token)
    return StaticToken(access_token)
