"""Undocumented fields and values that Webex sends: kept in ``extra``, and logged once.

A surprise is a field that a class does not name, or a value of another type than documented. The
log has its path in the response and the type that was found, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._logging import Log, log
from .base import Extra, Record
from .strict_json import json_type
from .wire_names import RECORDS


class Surprises:
    """The surprises that were logged already, so that each is logged only once.

    Args:
        log: the logger for them.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._paths: set[str] = set()

    def note(self, path: str, surprise: str) -> None:
        """Log the surprise at a path, unless one was logged for that path before."""
        if path not in self._paths and len(self._paths) < 1000:
            self._paths.add(path)
            self._log.warning("%s: %s; it is kept in extra", path, surprise)

    def note_unnamed(self, place: str, name: str, value: Any) -> None:
        """Log a wire name that has no attribute, and the type of its value."""
        # A name in another style than Webex's may be a person's name or an id.
        shown = name if re.fullmatch(r"[a-z][A-Za-z]{0,40}", name) else "?"
        self.note(f"{place}.{shown}", f"unknown to this version, found {json_type(value)}")

    def forget(self) -> None:
        """Forget what was logged, as in a new process."""
        self._paths.clear()


surprises = Surprises(log)
note_unnamed = surprises.note_unnamed


def unnamed_by(cls: type[Any], place: str | None) -> Callable[[dict[str, Any]], Extra]:
    """Return the function that finds the fields of an object that a class does not name.

    Args:
        cls: the class.
        place: the object's place in the response, for the log; ``None`` to log nothing.
    """
    names = frozenset(field.name for field in RECORDS[cls])
    # In a fixed order, not a set, so that to_wire() writes the same text in every process.
    familiar = cls._familiar if issubclass(cls, Record) else ()
    known = names.union(familiar)

    def unnamed(raw: dict[str, Any]) -> Extra:
        if known.issuperset(raw):
            return Extra({name: raw[name] for name in familiar if name in raw})
        extra = Extra({name: raw[name] for name in raw if name not in names})
        if place is not None:
            for name in extra.keys() - familiar:
                surprises.note_unnamed(place, name, raw[name])
        return extra

    return unnamed
