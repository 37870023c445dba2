"""What an access token, a refresh token or a secret may look like."""

from __future__ import annotations

import re


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
