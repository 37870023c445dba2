"""The UCM phones of a user, and their lines."""

from __future__ import annotations

from typing import Any

# 5502 is a line of both phones: where a number is listed twice, the last entry counts.
_DESK_PHONE = (("5501", 1, "Robin"), ("5502", 2, "Front desk"))
_SOFT_PHONE = (("5503", 1, None), ("5502", 3, "Front desk"))

DIRECTORY_NUMBERS = ("5501", "5502", "5503")
UNLISTED_NUMBER = "5599"


def ucm_phones() -> list[dict[str, Any]]:
    """Return a user's phones and their lines in wire form."""
    return [
        {"name": "SEP00005E0053AF", "model": 503, "lines": _lines(_DESK_PHONE)},
        {"name": "CSFROBIN", "model": 503, "lines": _lines(_SOFT_PHONE)},
    ]


def _lines(lines: tuple[tuple[str, int, str | None], ...]) -> list[dict[str, Any]]:
    return [
        {"dnorpattern": number, "index": index, "label": label} for number, index, label in lines
    ]
