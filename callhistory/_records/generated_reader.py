"""The fast reader of a record: generated source text, compiled and called.

**Why.** A history may have ten thousand sessions of five objects each. What ``cattrs`` generates
for the same classes takes 1.4 to 1.9 times as long: it calls a function for every text, and fills
a frozen object with one ``object.__setattr__`` after another.

**What.** For the class ::

    @json_object
    @frozen(kw_only=True)
    class Line(Record):
        name: str | None = None
        direction: Direction | str | None = None
        joined_at: datetime

:func:`generate_reader` returns this function, whose arguments after ``raw`` only make lookups
fast ::

    def read(raw, new=twin.__new__, twin=twin, cls=cls, known=known, absent=absent):
        get = raw.get
        record = new(twin)
        record._absent = absent
        record.extra = NOTHING if known(raw) else unnamed(raw)
        value = get("name")
        if type(value) is not str and value is not None: raise Mismatch
        record.name = value
        value = get("direction")
        if type(value) is not str and value is not None: raise Mismatch
        record.direction = direction_members(value, value)
        record.joined_at = joined_at_hook(get("joinedAt"), joined_at_type)
        record.__class__ = cls
        return record

- ``twin`` is a class with the same slots that is not frozen. The record is filled as a twin and
  then becomes a ``Line``, so nobody ever sees a ``Line`` that changes.
- A value whose type is in :data:`INLINE` is checked in line, and so is one of an open enum, for
  which its member is taken if it has one. For any other type a hook is called, which takes the
  value and the type and returns the value for the record.
- The function accepts only JSON that is exactly as documented. For anything else it raises
  :class:`Mismatch`; the tolerant reader then reads the object again, and finds what is wrong.
- It knows no defaults: a missing field reads as ``None``. If that does not fit the type, as for
  ``UserSession.links``, whose default is an empty record, it is a :class:`Mismatch` as well.

**How to add a type.** Write a hook, add it to ``_hooks()`` in ``decode``, and describe the type in
``expected()`` of ``tolerant_reader``. If the JSON value is kept as it is, :data:`INLINE` is enough,
and for an open enum :data:`MEMBERS`.
The tests read every class in both ways and compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .base import NOTHING, Extra
from .enums import DISPOSITION_SPELLINGS, Direction, Disposition, SessionType
from .wire_names import RECORDS

# Reads a JSON value as a type; both are its arguments.
Hook = Callable[[Any, Any], Any]

# The types whose values need only a check, and are kept as they are: when not to accept one.
INLINE: dict[Any, str] = {
    int: "type(value) is not int",
    str: "type(value) is not str or not value.strip()",
    int | None: "type(value) is not int and value is not None",
    bool | None: "type(value) is not bool and value is not None",
    str | None: "type(value) is not str and value is not None",
}

# The members of the open enums, by their spellings; any other string is kept as it is.
MEMBERS: dict[Any, dict[str, Any]] = {
    Disposition | str | None: DISPOSITION_SPELLINGS,
    Direction | str | None: {member.value: member for member in Direction},
    SessionType | str | None: {member.value: member for member in SessionType},
}


class Mismatch(Exception):  # noqa: N818 - a signal between the readers, which no caller sees
    """A value has another type than documented. It has no details, so that nothing can leak."""


_SOURCE = """\
def read(raw, new=twin.__new__, twin=twin, cls=cls, known=known, absent=absent):
    get = raw.get
    record = new(twin)
    record._absent = absent
    record.extra = {usual_extra} if known(raw) else unnamed(raw)
{attributes}
    record.__class__ = cls
    return record
"""
_CHECKED_IN_LINE = """\
    value = get("{name}")
    if {mismatch}: raise Mismatch
    record.{attribute} = value"""
_OPEN = """\
    value = get("{name}")
    if type(value) is not str and value is not None: raise Mismatch
    record.{attribute} = {attribute}_members(value, value)"""
_READ_BY_A_HOOK = """\
    record.{attribute} = {attribute}_hook(get("{name}"), {attribute}_type)"""
_NOT_IN_THE_JSON = """\
    record.{attribute} = {attribute}_default"""
_HOOK = """\
def hook(value, wanted):
    if {mismatch}: raise Mismatch
    return value
"""


def hook_of(wanted: Any) -> Hook:
    """Return the hook for a type in :data:`INLINE`."""
    scope: dict[str, Any] = {"Mismatch": Mismatch}
    exec(_HOOK.format(mismatch=INLINE[wanted]), scope)  # noqa: S102 - only text of this module
    hook: Hook = scope["hook"]
    return hook


def generate_reader(
    cls: type[Any],
    hook_for: Callable[[Any], Hook],
    unnamed: Callable[[dict[str, Any]], Extra],
    familiar: Callable[[dict[str, Any]], Extra],
) -> Callable[[dict[str, Any]], Any]:
    """Return the function that reads a record whose JSON is as documented.

    Args:
        cls: the class of the record.
        hook_for: returns the hook for a type.
        unnamed: returns the fields of an object that the class does not name.
        familiar: returns those of an object that has no others than familiar ones.

    Returns:
        A function from the object, as the json module gives it, to the record. It raises
        :class:`Mismatch` where a value has another type than documented, and whatever a hook
        raises.
    """
    fields = RECORDS[cls]
    hooked = [field for field in fields if field.type not in INLINE and field.type not in MEMBERS]
    scope: dict[str, Any] = {
        "cls": cls,
        "twin": _twin(cls),
        "known": frozenset((*cls._familiar, *(field.name for field in fields))).issuperset,
        "familiar": familiar,
        "NOTHING": NOTHING,
        "absent": frozenset(),
        "unnamed": unnamed,
        "Mismatch": Mismatch,
        **{f"{field.attribute}_hook": hook_for(field.type) for field in hooked},
        **{f"{field.attribute}_type": field.type for field in hooked},
        **{f"{f.attribute}_members": MEMBERS[f.type].get for f in fields if f.type in MEMBERS},
        **{f"{attribute.name}_default": attribute.default for attribute in _others(cls)},
    }
    exec(source_of(cls), scope)  # noqa: S102 - it is built only from names in our classes
    read: Callable[[dict[str, Any]], Any] = scope["read"]
    return read


def source_of(cls: type[Any]) -> str:
    """Return the source text of the function that reads a record."""
    lines = []
    for field in RECORDS[cls]:
        names = {"attribute": field.attribute, "name": field.name}
        if field.type in INLINE:
            lines.append(_CHECKED_IN_LINE.format(**names, mismatch=INLINE[field.type]))
        elif field.type in MEMBERS:
            lines.append(_OPEN.format(**names))
        else:
            lines.append(_READ_BY_A_HOOK.format(**names))
    lines += [_NOT_IN_THE_JSON.format(attribute=attribute.name) for attribute in _others(cls)]
    usual_extra = "familiar(raw)" if cls._familiar else "NOTHING"
    return _SOURCE.format(usual_extra=usual_extra, attributes="\n".join(lines))


def _others(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    """Return the attributes that are not in the JSON, except those that every record has."""
    done = {"extra", "_absent", *(field.attribute for field in RECORDS[cls])}
    return [attribute for attribute in attrs.fields(cls) if attribute.name not in done]


def _twin(cls: type[Any]) -> type[Any]:
    """Return a class that has the same slots and is not frozen."""
    attributes = {attribute.name: attrs.field() for attribute in attrs.fields(cls)}
    return attrs.make_class(cls.__name__, attributes, bases=cls.__bases__, slots=True)
