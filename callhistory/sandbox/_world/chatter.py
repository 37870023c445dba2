"""Calls that happen by themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from callhistory.sandbox._timer import Agenda

# One after the other, so that whoever waits for a kind of call does not wait for long.
_KINDS: tuple[dict[str, Any], ...] = (
    {"disposition": "MISSED"},
    {"disposition": "Answered"},
    {"disposition": "MISSED", "session_type": "SPARK"},
    {"disposition": "Initiated"},
    {"disposition": "MISSED", "private": True},
    {"disposition": "ANSWERED", "session_type": "SPARK"},
    {"disposition": "Canceled"},
)


class Chatter:
    """Lets a call happen every so many seconds, of all kinds, with one person or another.

    Args:
        place_call: lets a call happen.
        seconds: how often.
        agenda: where it is noted.
    """

    def __init__(self, place_call: Callable[..., object], seconds: float, agenda: Agenda) -> None:
        self._place_call = place_call
        self._seconds = seconds
        self._agenda = agenda
        self._kinds = itertools.cycle(_KINDS)

    def start(self) -> None:
        """Begin; the first call comes after the first so many seconds."""
        self._agenda.after(self._seconds, self._next)

    def _next(self) -> None:
        self.start()
        self._place_call(**next(self._kinds))
