"""Access tokens, and the interface of what supplies them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from .response import Response


@frozen(repr=False, eq=False)
class Token:
    """An access token. Its repr does not show it.

    Attributes:
        value: the token.
        number: 1 for the first token, and one more with each replacement.
    """

    value: str
    number: int


@frozen(repr=False, eq=False)
class Form:
    """A form that is sent without a token.

    Attributes:
        url: the address to send it to.
        fields: its names and values.
    """

    url: str
    fields: Mapping[str, str]


class FormSender(Protocol):
    """An object that can send a form to Webex: a :class:`.Session`."""

    def send_form(self, form: Form) -> Response:
        """Send a form, without a token, and return the response."""


class TokenSource(ABC):
    """The source of access tokens. Any thread may use it."""

    @abstractmethod
    def current(self, form_sender: FormSender) -> Token:
        """Return the token to use now.

        Args:
            form_sender: sends the form for a new token, if one is needed.

        Raises:
            AuthenticationError: there is no token.
            CallHistoryError: there is no token yet, and Webex granted none.
        """

    @abstractmethod
    def renew(self, refused: Token, form_sender: FormSender) -> Token | None:
        """Return a token to use in place of one that Webex refused; ``None`` when there is none.

        When several threads pass the same token, only one of them requests another.

        Raises:
            AuthenticationError: Webex refused to grant another token.
            CallHistoryError: Webex could not grant a token now.
        """


def clean_token(token: object, name: str = "access_token") -> str:
    """Return a token without the white space at its ends, which is not allowed in a header.

    Args:
        token: the value to use as a token.
        name: the name of the value in an error.

    Raises:
        TypeError: the value is not a string.
        ValueError: it is empty, or has a character that no token has. The error does not show it.
    """
    if not isinstance(token, str):
        raise TypeError(f"{name}: expected a string, not {type(token).__name__}")
    cleaned = token.strip()
    if not cleaned:
        raise ValueError(f"{name}: is empty")
    if not re.fullmatch(r"[!-~]+", cleaned):
        raise ValueError(
            f"{name}: holds white space or another character that no token has; "
            "pass the token alone, without 'Bearer'"
        )
    return cleaned
