"""Access tokens, as text and as what is sent."""

from __future__ import annotations

import re

from attrs import field, frozen


@frozen
class Token:
    """An access token, and the how-manieth it is. Its repr does not show it."""

    value: str = field(repr=False)
    number: int


def clean_token(token: object, none: Exception | None = None, *, name: str = "access_token") -> str:
    """Take the white space off a token's ends; in a header it would make it part of an error.

    Args:
        token: what is to be a token.
        none: what to raise when it is ``None`` or empty, if not what follows.
        name: what it is called in an error.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or holds what no token does. The error does not show it.
    """
    problem: Exception
    cleaned = token.strip() if isinstance(token, str) else None
    if none is not None and (token is None or cleaned == ""):
        problem = none
    elif cleaned is None:
        problem = TypeError(f"{name}: expected a text, not {type(token).__name__}")
    elif not cleaned:
        problem = ValueError(f"{name}: is empty")
    elif re.fullmatch(r"[!-~]+", cleaned):
        return cleaned
    else:
        problem = ValueError(
            f"{name}: holds white space or another character that no token has; "
            "pass the token alone, without 'Bearer'"
        )
    del token, cleaned  # what prints an error may print the variables of its frames too
    raise problem
