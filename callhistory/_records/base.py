"""What all records share, and how their classes say what their JSON looks like."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar

from attrs import NOTHING, define, field, fields

C = TypeVar("C", bound=type)


class EpochMs:
    """The notation of a time as milliseconds since 1970; other times are ISO 8601 texts."""


# The metadata of an attribute that has no place in the JSON.
OFF_WIRE: Mapping[str, Any] = {"off_wire": True}


def wire(
    name: str | None = None, *, notation: type | None = None, stand_in: str | None = None
) -> Mapping[str, Any]:
    """Return the metadata of an attribute whose name and type do not say all about its JSON.

    Args:
        name: the wire name, where the camelCase of the attribute's name would be wrong.
        notation: what the JSON holds, where the attribute's type does not imply it.
        stand_in: the wire name of the field that stands for this one where it cannot be read.
    """
    return {"name": name, "notation": notation, "stand_in": stand_in}


class WireField(NamedTuple):
    """A field of a JSON object, and the attribute that it is read into.

    Attributes:
        name: the wire name.
        attribute: the name of the attribute.
        type: what the JSON must hold: the attribute's type, or :class:`EpochMs`.
        required: whether the record cannot do without it.
        stand_in: the wire name of the field that may stand for it.
    """

    name: str
    attribute: str
    type: Any
    required: bool
    stand_in: str | None


# The classes that from_wire() reads and to_wire() writes, each with the fields of its JSON.
RECORDS: dict[type, tuple[WireField, ...]] = {}


def json_object(cls: C) -> C:
    """Enter an attrs class in :data:`RECORDS`."""
    RECORDS[cls] = tuple(
        WireField(
            name=attribute.metadata.get("name") or _camel_case(attribute.name),
            attribute=attribute.name,
            type=attribute.metadata.get("notation") or attribute.type,
            required=attribute.default is NOTHING,
            stand_in=attribute.metadata.get("stand_in"),
        )
        for attribute in fields(cls)
        if "off_wire" not in attribute.metadata
    )
    return cls


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class Extra(dict[str, Any]):
    """A dict that cannot be changed: what a record has beyond its attributes."""

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("a record's extra cannot be changed; copy it with dict(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> "tuple[type[Extra], tuple[dict[str, Any]]]":
        return type(self), (dict(self),)


def _as_extra(values: Mapping[str, Any]) -> Extra:
    return Extra(values)


@define(kw_only=True, repr=False)
class Record:
    """The base of all records. The classes derived from it are frozen.

    It is not frozen itself, as the generated reader fills a class that has the same bases.
    """

    # Wire names that are seen in its JSON although nobody documents them: no reason for a warning.
    _familiar: ClassVar[tuple[str, ...]] = ()

    extra: Mapping[str, Any] = field(
        default=Extra(), converter=_as_extra, hash=False, metadata=OFF_WIRE
    )
    # Wire names that were not sent although their attribute has a value (an empty list, an empty
    # record, the id that stands for the other): to_wire() leaves them out again.
    _absent: frozenset[str] = field(default=frozenset(), eq=False, metadata=OFF_WIRE)

    def __repr__(self) -> str:
        """Return what Webex sent; what it left out would only hide it."""
        shown = [
            f"{attribute.name}={value!r}"
            for attribute in fields(type(self))
            if attribute.name not in ("extra", "_absent")
            and (value := getattr(self, attribute.name)) not in (None, ())
        ]
        if self.extra:
            shown.append(f"extra={dict(self.extra)!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
