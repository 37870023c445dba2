"""What the wire calls an attribute, and what its JSON holds: said beside the field of the class.

The wire name is the camelCase of the attribute's name, unless the field says another one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from attrs import NOTHING, fields

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
