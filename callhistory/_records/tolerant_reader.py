"""The tolerant reader of a record, for JSON that is not as documented.

It reads what the generated reader refuses, attribute by attribute, and keeps a value of another
type than documented in ``extra``. It fails only where a required value cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import UnionType
from typing import Any, get_args, get_origin

from .base import Record
from .generated_reader import Hook, Mismatch
from .json_path import Unreadable
from .json_types import type_at
from .undocumented_fields import surprises, unnamed_by
from .wire_names import RECORDS, EpochMs

_EXPECTED: dict[Any, str] = {
    int: "an integer",
    bool: "a boolean",
    str: "a string that is not blank",
    datetime: "an ISO 8601 time with an offset",
    EpochMs: "an integer of milliseconds",
    tuple[str, ...]: "an array of strings",
}


def expected(wanted: Any) -> str:
    """Return, in words, the JSON that an attribute of this type needs."""
    if wanted in _EXPECTED:
        return _EXPECTED[wanted]
    if isinstance(wanted, UnionType):
        options = get_args(wanted)
        return "a string" if str in options else expected(options[0])
    return "an array" if get_origin(wanted) is tuple else "an object"


def make_tolerant_reader(
    cls: type[Any], hook_for: Callable[[Any], Hook], place: str | None
) -> Callable[[dict[str, Any]], Any]:
    """Return the function that reads an object of a class attribute by attribute.

    Args:
        cls: the class of the record.
        hook_for: returns the hook for a type.
        place: the object's place in a response, for the log.

    Returns:
        A function from the object, as the json module gives it, to the record. It raises
        :class:`Unreadable` if a required field cannot be read and has no stand-in.
    """
    fields = RECORDS[cls]
    unnamed = unnamed_by(cls, place)
    shown = place or cls.__name__

    def read(raw: dict[str, Any]) -> Any:
        values: dict[str, Any] = {}
        aside: dict[str, Any] = {}
        absent = set()
        for name, attribute, wanted, required, stand_in in fields:
            found = type_at(raw, name)
            if raw.get(name) is not None:
                try:
                    values[attribute] = _read_at(name, raw[name], wanted, hook_for(wanted))
                    continue
                except Mismatch:
                    aside[name] = raw[name]
            if required:
                other = raw.get(stand_in) if stand_in else None
                if not isinstance(other, str) or not other.strip():
                    raise Unreadable(expected(wanted), found, name)
                values[attribute] = other
            if name in aside:
                surprises.note(f"{shown}.{name}", f"expected {expected(wanted)}, found {found}")
            else:
                absent.add(name)
        if issubclass(cls, Record):
            values |= {"extra": {**unnamed(raw), **aside}, "absent": frozenset(absent)}
        return cls(**values)

    return read


def _read_at(name: str, value: Any, wanted: Any, hook: Hook) -> Any:
    try:
        return hook(value, wanted)
    except Unreadable as error:
        problem = error.below(name)
    raise problem
