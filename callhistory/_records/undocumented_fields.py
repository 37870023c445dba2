"""What Webex sends beyond its documentation: it is kept in ``extra``, and logged once.

A surprise is a field that a class does not name, or a value of another type than documented. The
log says at which path of an answer it is and which type was found, never the value.
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
    """The surprises that are logged already, so that none fills a log.

    Args:
        log: where each surprise is logged once.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._paths: set[str] = set()

    def note(self, path: str, surprise: str) -> None:
        """Log what was found at a path, if nothing is logged of the path yet."""
        if path not in self._paths and len(self._paths) < 1000:
            self._paths.add(path)
            self._log.warning("%s: %s; it is kept in extra", path, surprise)

    def note_unnamed(self, place: str, name: str, value: Any) -> None:
        """Log a wire name that no attribute stands for, and the type of its value."""
        # What is not written as Webex writes names may be a person's name, or an id.
        shown = name if re.fullmatch(r"[a-z][A-Za-z]{0,40}", name) else "?"
        self.note(f"{place}.{shown}", f"unknown to this version, found {json_type(value)}")

    def forget(self) -> None:
        """Log every surprise anew, as a new process would."""
        self._paths.clear()


surprises = Surprises(log)
note_unnamed = surprises.note_unnamed


def unnamed_by(cls: type[Any], place: str | None) -> Callable[[dict[str, Any]], Extra]:
    """Return the function that finds what a class does not name in an object.

    Args:
        cls: the class.
        place: where the object stands in an answer, for the log; without one nothing is logged.
    """
    names = frozenset(field.name for field in RECORDS[cls])
    # In an order, and not a set: to_wire() writes the same text in every process.
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
