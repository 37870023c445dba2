"""An access token: what it looks like, and what a source of tokens has to do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from .response import Response


@frozen
class Token:
    """An access token. Its repr does not show it.

    Attributes:
        value: the token.
        number: counts up from 1 with each token that takes the place of another.
    """

    value: str = field(repr=False)
    number: int


@frozen
class Form:
    """A form to be sent without a token.

    Attributes:
        url: where to.
        fields: what it says.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)


class FormSender(Protocol):
    """What can send a form to Webex: a :class:`Session`."""

    def send_form(self, form: Form) -> Response:
        """Send a form, without a token, and return the answer."""


class TokenSource(ABC):
    """Where access tokens come from. Any thread may ask."""

    @abstractmethod
    def current(self, sender: FormSender) -> Token:
        """Return the token to use now.

        Args:
            sender: sends what it takes to get one.

        Raises:
            AuthenticationError: there is none.
            CallHistoryError: there is none yet, and Webex gave none.
        """

    @abstractmethod
    def renew(self, refused: Token, sender: FormSender) -> Token | None:
        """Return a token to use in place of one that Webex refused; ``None`` when there is none.

        Several threads may come with the same token: one of them asks for another.

        Raises:
            AuthenticationError: Webex refuses to give another.
            CallHistoryError: none can be had now.
        """


def clean_token(token: object, name: str = "access_token") -> str:
    """Return a token without the white space at its ends, which in a header would be an error.

    Args:
        token: what is meant as a token.
        name: what it is called in an error.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or holds what no token does. The error does not show it.
    """
    if not isinstance(token, str):
        raise TypeError(f"{name}: expected a text, not {type(token).__name__}")
    cleaned = token.strip()
    if not cleaned:
        raise ValueError(f"{name}: is empty")
    if not re.fullmatch(r"[!-~]+", cleaned):
        raise ValueError(
            f"{name}: holds white space or another character that no token has; "
            "pass the token alone, without 'Bearer'"
        )
    return cleaned
