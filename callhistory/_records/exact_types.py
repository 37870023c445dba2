"""The values in a record: one hook for each documented type, which takes that type and no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_origin

from .._errors import DecodeError
from .enums import Direction, Disposition, SessionType
from .timestamps import from_epoch_ms, read_time

Hook = Callable[[Any, Any], Any]


class Mismatch(Exception):  # noqa: N818 - it never leaves this module
    """A value has another type than documented. It holds nothing, so that nothing can leak."""


class Unreadable(Exception):  # noqa: N818 - it never leaves this module
    """Something essential is missing or has another type."""

    def __init__(self, expected: str, found: str, *path: str | int) -> None:
        self.expected = expected
        self.found = found
        self.path = path

    def below(self, part: str | int) -> Unreadable:
        """Say where it is, seen from one level further up."""
        return Unreadable(self.expected, self.found, part, *self.path)

    def as_decode_error(self) -> DecodeError:
        """Say it to the caller."""
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return DecodeError(path.removeprefix(".") or "$", self.expected, self.found)


def _exactly(types: tuple[type, ...]) -> Hook:
    def hook(value: Any, _type: Any) -> Any:
        if type(value) in types:
            return value
        raise Mismatch

    return hook


def _id(value: Any, _type: Any) -> str:
    if type(value) is str and value.strip():
        return value
    raise Mismatch


def _time(value: Any, _type: Any) -> datetime:
    if type(value) is str:
        try:
            return read_time(value)
        except ValueError:
            pass
    raise Mismatch


def _stamp(value: Any, _type: Any) -> datetime | None:
    if value is None:
        return None
    if type(value) is int:
        try:
            return from_epoch_ms(value)
        except OverflowError:
            pass
    raise Mismatch


def _open(enum: type[StrEnum], *spellings: Callable[[str], str]) -> Hook:
    known: dict[str, StrEnum] = {member.value: member for member in enum}
    for spell in spellings:
        known |= {spell(member.value): member for member in enum}
    get = known.get

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is str:
            return get(value, value)
        if value is None:
            return None
        raise Mismatch

    return hook


def _texts(value: Any, _type: Any) -> tuple[str, ...]:
    if type(value) is list:
        for item in value:
            if type(item) is not str:
                raise Mismatch
        return tuple(value)
    raise Mismatch


NONE = type(None)
# What needs no reading, only the right type.
PLAIN: dict[Any, tuple[type, ...]] = {
    int: (int,),
    int | None: (int, NONE),
    bool | None: (bool, NONE),
    str | None: (str, NONE),
}
LEAVES: dict[Any, Hook] = {wanted: _exactly(types) for wanted, types in PLAIN.items()} | {
    str: _id,
    datetime: _time,
    datetime | None: _stamp,
    Disposition | str | None: _open(Disposition, str.upper, str.capitalize),
    Direction | str | None: _open(Direction),
    SessionType | str | None: _open(SessionType),
    tuple[str, ...]: _texts,
}


def json_type(value: Any) -> str:
    """Name the type of a JSON value; never the value."""
    if isinstance(value, bool):
        return "a boolean"
    words = {str: "a string", int: "an integer", float: "a number", list: "an array"}
    words |= {dict: "an object", NONE: "null"}
    return words.get(type(value)) or type(value).__name__


def type_at(document: Any, name: str) -> str:
    """Name the type of what stands at a name; that of the whole if it has no names."""
    if not isinstance(document, dict):
        return json_type(document)
    return json_type(document[name]) if name in document else "nothing"


_WORDS: dict[Any, str] = {
    int: "an integer",
    bool: "a boolean",
    str: "a string that is not blank",
    datetime: "an ISO 8601 time with an offset",
    datetime | None: "an integer of milliseconds",
    tuple[str, ...]: "an array of strings",
}


def expected(wanted: Any) -> str:
    """Name what JSON must hold for an attribute of this type."""
    if wanted in _WORDS:
        return _WORDS[wanted]
    if isinstance(wanted, UnionType):
        options = get_args(wanted)
        return "a string" if str in options else expected(options[0])
    return "an array" if get_origin(wanted) is tuple else "an object"
