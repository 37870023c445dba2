"""The reader of records from JSON.

An object is read in one of two ways. The generated reader accepts only objects that are exactly as
documented. Any other goes to the tolerant reader, which moves undocumented values to ``extra``, and
fails only where a required value cannot be read. Both call the same hooks, one for each documented
type; a cattrs converter finds the hook for a type.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from .._errors import DecodeError
from .base import Record
from .generated_reader import INLINE, MEMBERS, Hook, Mismatch, generate_reader, hook_of
from .json_path import Unreadable
from .json_types import json_type
from .sessions import UserSession
from .timestamps import from_epoch_ms, read_time
from .tolerant_reader import expected, make_tolerant_reader
from .undocumented_fields import familiar_to, unnamed_by
from .wire_names import RECORDS, EpochMs

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

Reader = Callable[[dict[str, Any]], Any]


def read_record(cls: type[T], document: Any) -> T:
    """Return the record of a value that :func:`.read_json` returned.

    The record may share values with the document, which must not be changed from now on.

    Raises:
        DecodeError: a required value is missing or has another type; the error names its path.
    """
    wanted: Any = cls
    read: Callable[[Any, type[T]], T] = hook_for(wanted)
    try:
        return read(document, cls)
    except RecursionError:
        problem = DecodeError("$", "JSON", "values nested too deep")
    except Mismatch:
        problem = DecodeError("$", expected(cls), json_type(document))
    except Unreadable as error:
        problem = error.as_decode_error()
    # Not inside an except clause, as the frames of the caught error hold the values.
    raise problem


# --- the hooks: each accepts only the documented type ---


def _time(value: Any, _type: Any) -> datetime:
    try:
        return read_time(value)
    except (ValueError, TypeError):
        pass
    raise Mismatch


def _epoch_ms(value: Any, _type: Any) -> datetime | None:
    if value is None:
        return None
    if type(value) is int:
        try:
            return from_epoch_ms(value)
        except OverflowError:
            pass
    raise Mismatch


def _texts(value: Any, _type: Any) -> tuple[str, ...]:
    if type(value) is list:
        for item in value:
            if type(item) is not str:
                raise Mismatch
        return tuple(value)
    raise Mismatch


def _open(members: dict[str, Any]) -> Hook:
    """Return the hook of an enum, which keeps a string that is not the value of a member."""
    get = members.get

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is str:
            return get(value, value)
        if value is None:
            return None
        raise Mismatch

    return hook


@functools.cache
def _hooks() -> dict[Any, Hook]:
    return {
        **{wanted: hook_of(wanted) for wanted in INLINE},
        **{wanted: _open(members) for wanted, members in MEMBERS.items()},
        datetime: _time,
        EpochMs: _epoch_ms,
        tuple[str, ...]: _texts,
    }


def _read_items(items: list[Any], hook: Hook, wanted: Any) -> tuple[Any, ...]:
    """Read a list's items in place: each dict is freed at once, which halves the time."""
    number = 0
    try:
        for number, item in enumerate(items):
            items[number] = hook(item, wanted)
        return tuple(items)
    except Mismatch:
        problem = Unreadable(expected(wanted), json_type(item), number)
    except Unreadable as error:
        problem = error.below(number)
    raise problem


def _array_hook(wanted: Any, converter: Converter) -> Hook:
    item_type = get_args(wanted)[0]
    read_item = converter.get_structure_hook(item_type)

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is not list:
            raise Mismatch
        return _read_items(value.copy(), read_item, item_type)

    return hook


def _optional_hook(wanted: Any, converter: Converter) -> Hook:
    (inner,) = (option for option in get_args(wanted) if option is not type(None))
    read_inner = converter.get_structure_hook(inner)
    return lambda value, _: None if value is None else read_inner(value, inner)


def _object_hook(cls: type[Any], converter: Converter) -> Hook:
    tolerant = tolerant_reader(cls, converter)
    first = generated_reader(cls, converter) if issubclass(cls, Record) else tolerant

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is not dict:
            if type(value) is cls:
                return value  # a page's own sides are read before its sessions
            raise Mismatch
        try:
            return first(value)
        except (Mismatch, Unreadable):
            pass  # the tolerant reader finds out what is wrong, and whether it matters
        return tolerant(value)

    return hook


def _places(cls: type[Any], place: str) -> dict[type, str]:
    """Return the places in a response of a record and of those within it."""
    places = {cls: place}
    for field in RECORDS[cls]:
        for option in (field.type, *get_args(field.type)):
            if option in RECORDS:
                places |= _places(option, f"{place}.{field.name}")
    return places


_PLACES = _places(UserSession, "userSessions[]")


def generated_reader(cls: type[Any], converter: Converter) -> Reader:
    """Return the reader of a class that raises Mismatch for anything not as documented."""
    return generate_reader(
        cls, converter.get_structure_hook, unnamed_by(cls, _PLACES.get(cls)), familiar_to(cls)
    )


def tolerant_reader(cls: type[Any], converter: Converter) -> Reader:
    """Return the reader of a class that moves undocumented values to ``extra``."""
    return make_tolerant_reader(cls, converter.get_structure_hook, _PLACES.get(cls))


def _is_array(wanted: Any) -> bool:
    origin: object = get_origin(wanted)
    return origin is tuple


def _is_optional(wanted: Any) -> bool:
    return isinstance(wanted, UnionType)


def make_converter(object_hook: Callable[[type[Any], Converter], Hook] = _object_hook) -> Converter:
    """Return a converter that knows the hook of each documented type.

    Args:
        object_hook: returns the hook of a class; by default one that reads with both readers.
    """
    from cattrs import Converter  # at first use, like what is generated: it takes a while

    converter = Converter(detailed_validation=False)
    # Of the factories that match a type, cattrs uses the one registered last.
    converter.register_structure_hook_factory(RECORDS.__contains__)(object_hook)
    converter.register_structure_hook_factory(_is_array)(_array_hook)
    converter.register_structure_hook_factory(_is_optional)(_optional_hook)
    hooks = _hooks()
    converter.register_structure_hook_factory(hooks.__contains__)(lambda wanted: hooks[wanted])
    for wanted in (int, str):  # cattrs' own hooks for these would take precedence, and coerce
        converter.register_structure_hook(wanted, hooks[wanted])
    return converter


_converter = functools.cache(make_converter)


@functools.cache
def hook_for(wanted: Any) -> Hook:
    """Return the hook for a type. Threads that ask at the same time may get two that are alike."""
    hook: Hook = _converter().get_structure_hook(wanted)
    return hook
