"""The shape of a record: how one is read, fast when it is as documented, tolerantly when not."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Container
from typing import Any, get_args

import attrs
from cattrs import Converter

from . import events
from . import sessions as models
from .base import Extra, Record
from .exact_types import NONE, PLAIN, Hook, Mismatch, Unreadable, expected, json_type, type_at

log = logging.getLogger(__name__)

# What the wire calls an attribute where the camelCase of its name would be wrong.
_WIRE_NAMES = {"self_": "self", "is_pmr": "isPMR", "cucm_dn": "cucmDN"}
# One id may stand for the other.
STAND_INS = {"id": "sessionId", "sessionId": "id"}
# Where a record stands in an answer, for what is said of its surprises.
_PLACES: dict[type, str] = {
    models.UserSession: "userSessions[]",
    models.CallRecordLink: "userSessions[].links",
    models.CallRecordSelf: "userSessions[].self",
    models.CallRecordListOther: "userSessions[].other",
    models.CallingSpecifics: "userSessions[].callingSpecifics",
    models.RedirectionDetails: "userSessions[].callingSpecifics.redirectionDetails",
}
# Seen on the wire, not documented: no news, so not worth a warning.
_FAMILIAR: dict[type, tuple[str, ...]] = {
    models.UserSession: ("isTest",),
    models.CallRecordSelf: ("incomingCallProtocols", "callbackInfo", "lookUpInfo"),
}


def wire_name(attribute: str) -> str:
    """Give the wire's name for an attribute: the camelCase of it, with few exceptions."""
    first, *rest = attribute.split("_")
    return _WIRE_NAMES.get(attribute) or first + "".join(word.capitalize() for word in rest)


def on_wire(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    """List the attributes that have a place in a record's JSON."""
    aside = {"extra", "_absent", "recovered", "tracking_id", "retry_after"}
    if issubclass(cls, events.CallEvent):
        aside.remove("tracking_id")
    if not issubclass(cls, Record):
        aside.add("reason")  # of an answer; a redirection's is on the wire
    attrs.resolve_types(cls)
    return [attribute for attribute in attrs.fields(cls) if attribute.name not in aside]


def record_hook(cls: type[Any], converter: Converter) -> Hook:
    """Make the function that reads one class, for the converter to keep."""
    tolerant = _tolerant_hook(cls, converter)
    fast = _fast_hook(cls, converter) if issubclass(cls, Record) else tolerant

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch
        try:
            return fast(value)
        except (Mismatch, Unreadable):
            pass  # the tolerant one finds out what it was, and whether it matters
        return tolerant(value)

    return hook


_SOURCE = """\
def read(raw, new=twin.__new__, twin=twin, cls=cls, known=known, extra=extra, absent=absent):
    get = raw.get
    record = new(twin)
    record._absent = absent
    record.extra = extra if known(raw) else unnamed(raw)
{attributes}
    record.__class__ = cls
    return record
"""
_PLAIN_SOURCE = """\
    value = get({name!r})
    if type(value) is not {kind}{or_none}: raise Mismatch
    record.{attribute} = value"""
_HOOK_SOURCE = """\
    record.{attribute} = {attribute}_hook(get({name!r}), {attribute}_type)"""


def _fast_hook(cls: type[Any], converter: Converter) -> Callable[[dict[str, Any]], Any]:
    """Make the function that reads a record as documented, and raises Mismatch for any other.

    Its source is written here, as attrs and cattrs write theirs. What cattrs would write takes
    twice as long: it calls a hook for each text, and fills a frozen object.
    """
    names = frozenset(wire_name(attribute.name) for attribute in on_wire(cls))
    place = _PLACES.get(cls)

    familiar = _FAMILIAR.get(cls, ())
    expected_names = names.union(familiar)

    def unnamed(raw: dict[str, Any]) -> Extra:
        if expected_names.issuperset(raw):
            return Extra({name: raw[name] for name in familiar if name in raw})
        extra = Extra({name: raw[name] for name in raw if name not in names})
        if place is not None:
            for name in extra.keys() - familiar:
                note_unnamed(place, name, raw[name])
        return extra

    scope: dict[str, Any] = {
        "cls": cls,
        "twin": _twin(cls),
        "known": names.issuperset,
        "extra": Extra(),
        "absent": frozenset(),
        "unnamed": unnamed,
        "Mismatch": Mismatch,
    }
    lines = []
    for attribute in attrs.fields(cls):
        words = {"attribute": attribute.name, "name": wire_name(attribute.name)}
        if attribute.name == "recovered":  # an event off the wire is a live one
            lines.append("    record.recovered = False")
        elif attribute.type in PLAIN:
            kind, *or_none = PLAIN[attribute.type]
            words |= {"kind": kind.__name__, "or_none": " and value is not None" * len(or_none)}
            lines.append(_PLAIN_SOURCE.format(**words))
        elif attribute in on_wire(cls):
            scope[f"{attribute.name}_hook"] = converter.get_structure_hook(attribute.type)
            scope[f"{attribute.name}_type"] = attribute.type
            lines.append(_HOOK_SOURCE.format(**words))
    exec(_SOURCE.format(attributes="\n".join(lines)), scope)  # noqa: S102 - of our own names only
    read: Callable[[dict[str, Any]], Any] = scope["read"]
    return read


def _twin(cls: type[Any]) -> type[Any]:
    """Make a class of the same slots that is not frozen, to be filled before it takes its name."""
    attributes = {attribute.name: attrs.field() for attribute in attrs.fields(cls)}
    return attrs.make_class(cls.__name__, attributes, bases=cls.__bases__, slots=True)


def _tolerant_hook(cls: type[Any], converter: Converter) -> Callable[[dict[str, Any]], Any]:
    """Make the function that reads what the fast one could not, attribute by attribute."""
    named = {wire_name(attribute.name): attribute for attribute in on_wire(cls)}
    place = _PLACES.get(cls, cls.__name__)

    def read(value: Any, wanted: Any, name: str) -> Any:
        try:
            return converter.get_structure_hook(wanted)(value, wanted)
        except Unreadable as error:
            problem = error.below(name)
        raise problem

    def tolerant(raw: dict[str, Any]) -> Any:
        values: dict[str, Any] = {}
        extra = {name: raw[name] for name in raw if name not in named}
        absent = set()
        for name, attribute in named.items():
            alias = attribute.alias or attribute.name
            found = type_at(raw, name)
            if raw.get(name) is not None:
                try:
                    values[alias] = read(raw[name], attribute.type, name)
                    continue
                except Mismatch:
                    extra[name] = raw[name]
            if attribute.default is attrs.NOTHING:
                if (stand_in := _stand_in(raw, name, named)) is None:
                    raise Unreadable(expected(attribute.type), found, name)
                values[alias] = stand_in
            if name in extra:
                _note(f"{place}.{name}", f"expected {expected(attribute.type)}, found {found}")
            else:
                absent.add(name)
        if issubclass(cls, Record):
            values |= {"extra": Extra(extra), "absent": frozenset(absent)}
        return cls(**values)

    return tolerant


def _stand_in(raw: dict[str, Any], name: str, named: Container[str]) -> str | None:
    """Find the id that stands for one that cannot be read: a session has two."""
    stand_in = STAND_INS.get(name, "")
    other = raw.get(stand_in) if stand_in in named else None
    return other if isinstance(other, str) and other.strip() else None


def in_place(items: list[Any], hook: Hook, wanted: Any) -> tuple[Any, ...]:
    """Read a list's items where they stand: each dict is freed at once, which halves the time."""
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


def list_hook(wanted: Any, converter: Converter) -> Hook:
    """Make the function that reads an array of records."""
    item_type = get_args(wanted)[0]
    read_item = converter.get_structure_hook(item_type)

    def hook(value: Any, _type: Any) -> Any:
        if type(value) is not list:
            raise Mismatch
        return in_place(value.copy(), read_item, item_type)

    return hook


def optional_hook(wanted: Any, converter: Converter) -> Hook:
    """Make the function that reads a record or an array that may be null."""
    (inner,) = (option for option in get_args(wanted) if option is not NONE)
    read_inner = converter.get_structure_hook(inner)
    return lambda value, _: None if value is None else read_inner(value, inner)


_noted: set[str] = set()


def _note(path: str, surprise: str) -> None:
    """Warn of a surprise once; it must not cost a user their page, nor fill their log."""
    if path not in _noted and len(_noted) < 1000:
        _noted.add(path)
        log.warning("%s: %s; it is kept in extra", path, surprise)


def note_unnamed(place: str, name: str, value: Any) -> None:
    """Warn once of a wire name that no attribute stands for."""
    # What is not written as Webex writes names may be somebody's own, or an id.
    shown = name if re.fullmatch(r"[a-z][A-Za-z]{0,40}", name) else "?"
    _note(f"{place}.{shown}", f"not named by this version, found {json_type(value)}")
