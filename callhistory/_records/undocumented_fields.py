"""Undocumented fields and values that Webex sends: kept in ``extra``, and logged once.

A surprise is a field that a class does not name, or a value of another type than documented. The
log has its path in the response and the type that was found, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._logging import Log, log
from .base import NOTHING, Extra, Record
from .json_types import json_type
from .wire_names import RECORDS

_MOST = 1000


class Surprises:
    """The surprises that were logged already, so that each is logged only once.

    Args:
        log: the logger for them.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._paths: set[str] = set()
        self._names: set[tuple[str, str]] = set()

    def note(self, path: str, surprise: str) -> None:
        """Log the surprise at a path, unless one was logged for that path before."""
        if path not in self._paths and len(self._paths) < _MOST:
            self._paths.add(path)
            self._log.warning("%s: %s; it is kept in extra", path, surprise)

    def note_unnamed(self, place: str, name: str, value: Any) -> None:
        """Log a wire name that has no attribute, and the type of its value."""
        if (place, name) in self._names:
            return
        if len(self._names) < _MOST:
            self._names.add((place, name))
        # A name in another style than Webex's may be a person's name or an id.
        shown = name if re.fullmatch(r"[a-z][A-Za-z]{0,40}", name) else "?"
        self.note(f"{place}.{shown}", f"unknown to this version, found {json_type(value)}")

    def forget(self) -> None:
        """Forget what was logged, as in a new process."""
        self._paths.clear()
        self._names.clear()


surprises = Surprises(log)
note_unnamed = surprises.note_unnamed


def familiar_to(cls: type[Any]) -> Callable[[dict[str, Any]], Extra]:
    """Return the function that takes those fields of an object that are familiar to its class.

    They have no attribute, but are known to occur. The function is for an object whose other fields
    all have one.
    """
    # In a fixed order, not a set, so that to_wire() writes the same text in every process.
    names = cls._familiar if issubclass(cls, Record) else ()
    if not names:
        return lambda _raw: NOTHING
    first, *others = names
    # Most sessions have nothing but a flag beyond their attributes: they share its two values.
    flags = {flag: Extra({first: flag}) for flag in (True, False)}

    def familiar(raw: dict[str, Any]) -> Extra:
        value = raw.get(first)
        if type(value) is bool and not others:
            return flags[value]
        return Extra({name: raw[name] for name in names if name in raw}) or NOTHING

    return familiar


def unnamed_by(cls: type[Any], place: str | None) -> Callable[[dict[str, Any]], Extra]:
    """Return the function that finds the fields of an object that a class does not name.

    Args:
        cls: the class.
        place: the object's place in the response, for the log; ``None`` to log nothing.
    """
    names = frozenset(field.name for field in RECORDS[cls])
    familiar_names = cls._familiar if issubclass(cls, Record) else ()
    known = names.union(familiar_names)
    familiar = familiar_to(cls)

    def unnamed(raw: dict[str, Any]) -> Extra:
        if known.issuperset(raw):
            return familiar(raw)
        extra = Extra({name: raw[name] for name in raw if name not in names})
        if place is not None:
            for name in extra:
                if name not in familiar_names:
                    surprises.note_unnamed(place, name, extra[name])
        return extra

    return unnamed
