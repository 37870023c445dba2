"""The base of all records: ``extra``, and a repr that shows only what Webex sent."""

import functools
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, NoReturn

from attrs import define, field, fields

from .wire_names import OFF_WIRE


class Extra(dict[str, Any]):
    """An immutable dict of the values that a record has beyond its attributes."""

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("a record's extra cannot be changed; copy it with dict(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> "tuple[type[Extra], tuple[dict[str, Any]]]":
        return type(self), (dict(self),)


NOTHING = Extra()  # of most records, which share it


def _as_extra(values: Mapping[str, Any]) -> Extra:
    return Extra(values) if values else NOTHING


@functools.cache
def _compared(cls: type[Any]) -> Callable[[Any], Any]:
    """Return the function that returns the values that count when records are compared."""
    return attrgetter(*(attribute.name for attribute in fields(cls) if attribute.eq))


@functools.cache
def _hashed(cls: type[Any]) -> Callable[[Any], Any]:
    """Return the same without ``extra``, which has no hash."""
    compared = (attribute for attribute in fields(cls) if attribute.eq)
    return attrgetter(*(attribute.name for attribute in compared if attribute.hash is not False))


@define(kw_only=True, repr=False)
class Record:
    """The base class of all records, which are frozen.

    It is not frozen itself, as the generated reader fills a class with the same bases. The classes
    of records have ``eq=False`` and are compared here: to import the library would otherwise take
    longer, as attrs compiles two functions for each class.
    """

    # Undocumented wire names that are known to occur, and cause no warning.
    _familiar: ClassVar[tuple[str, ...]] = ()

    extra: Mapping[str, Any] = field(
        default=NOTHING,
        converter=_as_extra,
        hash=False,
        metadata=OFF_WIRE,
    )
    # Wire names that were not sent although their attribute has a value (an empty list, an empty
    # record, an id copied from the other one): to_wire() leaves them out again.
    _absent: frozenset[str] = field(default=frozenset(), eq=False, metadata=OFF_WIRE)

    def __eq__(self, other: object) -> bool:
        cls: Any = self.__class__
        if self.__class__ is not other.__class__:
            return NotImplemented
        values = _compared(cls)
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        cls: Any = self.__class__
        return hash(_hashed(cls)(self))

    def __repr__(self) -> str:
        """Return only the attributes that Webex sent, so that the others do not clutter it."""
        shown = [
            f"{attribute.name}={value!r}"
            for attribute in fields(type(self))
            if attribute.name not in ("extra", "_absent")
            and (value := getattr(self, attribute.name)) not in (None, ())
        ]
        if self.extra:
            shown.append(f"extra={dict(self.extra)!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
