"""Words of others, such as a reason that Webex gives, made fit for a log and an error."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST_CHARACTERS = 200
# What may tell of a person, or be a secret: addresses, numbers, and words of no language.
_PRIVATE = re.compile(r"\S*@\S*|\+?\d[\d ().-]{4,}\d|\S{20,}")


def public_words(text: str, secrets: Iterable[str] = ()) -> str:
    """Leave of a text what may be shown: no secret, address or number, and printable.

    Args:
        text: what somebody else wrote.
        secrets: what it must not show, besides what looks like it.
    """
    for secret in secrets:
        text = text.replace(secret, "…")
    text = _PRIVATE.sub("…", " ".join(text.split()))
    return "".join(letter for letter in text if letter.isprintable())[:_MOST_CHARACTERS]
