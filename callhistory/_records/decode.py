"""JSON to records and back: the cattrs converter.

Reading has two paths. The fast one is a function that cattrs generates once for each class, with
hooks that take the documented type and no other. A record that it cannot take goes down the
tolerant one, which puts aside what surprises it and gives up only on what is essential.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from types import UnionType
from typing import Any, NoReturn, TypeVar, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from .._errors import DecodeError
from .._logging import Log
from . import events
from . import responses as results
from . import sessions as models
from .base import Record
from .exact_types import LEAVES, Hook, Mismatch, Unreadable, expected, json_type
from .generated_reader import (
    STAND_INS,
    in_place,
    list_hook,
    on_wire,
    optional_hook,
    record_hook,
    wire_name,
)
from .sessions import UserSession
from .timestamps import epoch_ms, write_time

T = TypeVar("T")

_BASES = (Record, events.CallEvent, results._Response)
_RECORDS: frozenset[type] = frozenset(
    value
    for value in (*vars(models).values(), *vars(events).values(), *vars(results).values())
    if isinstance(value, type) and attrs.has(value) and value not in _BASES
)


def to_wire(obj: Any) -> dict[str, Any]:
    """Give a record as Webex writes it: a dict that ``json.dumps`` takes.

    It equals what the record was read from, but for a disposition's spelling, a time's notation,
    and nulls, which are left out.

    Args:
        obj: a record, a response or an event of this library.

    Raises:
        TypeError: it is none of these.
        ValueError: it was made with a time that has no offset, or what Webex sent beyond the
            documentation is nested hundreds of levels deep.
    """
    if type(obj) not in _RECORDS:
        raise TypeError(f"to_wire: expected a record of callhistory, not {type(obj).__name__}")
    try:
        written: dict[str, Any] = _plain(_CONVERTER.unstructure(obj))
    except RecursionError:
        problem = ValueError("to_wire: what the record holds beyond its fields is nested too deep")
    else:
        return written
    raise problem


def from_wire(cls: type[T], data: Any) -> T:
    """Read a record from the dict that ``json.loads`` gives. The dict is not changed.

    Args:
        cls: the class of the record, the response or the event.
        data: what Webex sent for it.

    Raises:
        DecodeError: something essential is missing or of another type; it names where.
        TypeError: ``cls`` is no class of this library's records.
    """
    if cls not in _RECORDS:
        raise TypeError(f"from_wire: expected a class of callhistory's records, not {cls!r}")
    try:
        return _CONVERTER.structure(_plain(data), cls)
    except RecursionError:
        problem = DecodeError("$", "JSON", "values nested too deep")
    except Mismatch:
        problem = DecodeError("$", expected(cls), json_type(data))
    except Unreadable as error:
        problem = error.as_decode_error()
    raise problem


def _plain(value: Any) -> Any:
    """Copy what JSON knows into the types that the json module gives; anything else stays."""
    if isinstance(value, str):
        return str.__str__(value)  # also of an enum
    if isinstance(value, Mapping):
        return {_plain(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def read_sessions(found: list[Any]) -> tuple[UserSession, ...]:
    """Read the sessions of an answer; the list is used up.

    Raises:
        DecodeError: one of them cannot be read; it names which, and where.
    """
    try:
        return in_place(found, _read_session, UserSession)
    except Unreadable as error:
        problem = error.below("userSessions").as_decode_error()
    raise problem


def read_readable_sessions(found: list[Any], log: Log) -> tuple[UserSession, ...]:
    """Read those sessions of an answer that can be read; of the others the log says where."""
    sessions = []
    for index, session in enumerate(found):
        try:
            sessions.append(_read_session(session, UserSession))
        except Unreadable as error:
            problem = error.below(index).below("userSessions").as_decode_error()
            log.warning("a session cannot be read, and is left out: %s", problem)
        except Mismatch:
            kind = json_type(session)
            log.warning(
                "a session cannot be read, and is left out: userSessions[%d] is %s", index, kind
            )
    return tuple(sessions)


def read_json(body: bytes) -> Any:
    """Read a JSON text as Webex sends them: strict UTF-8, finite numbers.

    Raises:
        DecodeError: it is none.
    """
    try:
        return _JSON.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        found = "bytes that are no UTF-8"
    except RecursionError:
        found = "values nested too deep"
    except ValueError:
        found = "something else" if body.strip() else "nothing"
    raise DecodeError("$", "JSON", found)


def _no_number(_text: str) -> NoReturn:
    raise ValueError("JSON knows finite numbers only")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


_JSON = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def _writer_hook(cls: type[Any], converter: Converter) -> Callable[[Any], dict[str, Any]]:
    overrides: dict[str, Any] = {a.name: override(omit=True) for a in attrs.fields(cls)}
    for attribute in on_wire(cls):
        hook = _write_stamp if attribute.name == "timestamp" else None
        overrides[attribute.name] = override(rename=wire_name(attribute.name), unstruct_hook=hook)
    generated = make_dict_unstructure_fn(cls, converter, **overrides)
    if not issubclass(cls, Record):
        return lambda record: {k: v for k, v in generated(record).items() if v is not None}

    def write(record: Record) -> dict[str, Any]:
        written = {name: value for name, value in generated(record).items() if value is not None}
        for name in (*record._absent, *record.extra):
            implied: tuple[Any, ...] = ([], {}, written.get(STAND_INS.get(name, "")))
            if written.get(name) in implied:  # or else it was given a value by attrs.evolve()
                written.pop(name, None)
        return {**written, **{k: v for k, v in record.extra.items() if k not in written}}

    return write


def _write_stamp(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment)


def _leaf_hook(wanted: Any, _converter: Converter) -> Hook:
    return LEAVES[wanted]


def _is_tuple(wanted: Any) -> bool:
    origin: object = get_origin(wanted)
    return origin is tuple


def _is_optional(wanted: Any) -> bool:
    return isinstance(wanted, UnionType) and wanted not in LEAVES


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False, unstruct_collection_overrides={tuple: list})
    structure = converter.register_structure_hook_factory
    structure(_RECORDS.__contains__)(record_hook)
    structure(_is_tuple)(list_hook)
    structure(_is_optional)(optional_hook)
    structure(LEAVES.__contains__)(_leaf_hook)
    for wanted in (int, str):  # cattrs has hooks of its own for these, which outrank and coerce
        converter.register_structure_hook(wanted, LEAVES[wanted])
    converter.register_unstructure_hook_factory(_RECORDS.__contains__, _writer_hook)
    converter.register_unstructure_hook(datetime, write_time)
    return converter


_CONVERTER = _make_converter()
_read_session = _CONVERTER.get_structure_hook(UserSession)
