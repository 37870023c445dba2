"""The wire name of an attribute and the type of its JSON, as declared in the field of the class.

The wire name is the camelCase of the attribute's name, unless the field has another one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from attrs import NOTHING, fields

C = TypeVar("C", bound=type)


class EpochMs:
    """The notation of a time as milliseconds since 1970; other times are ISO 8601 strings."""


# The metadata of an attribute that is not in the JSON.
OFF_WIRE: Mapping[str, Any] = {"off_wire": True}


def wire(
    name: str | None = None, *, notation: type | None = None, stand_in: str | None = None
) -> Mapping[str, Any]:
    """Return the metadata of an attribute whose name and type do not fully determine its JSON.

    Args:
        name: the wire name, if it is not the camelCase of the attribute's name.
        notation: the type of the JSON, if the attribute's type does not imply it.
        stand_in: the wire name of the field to use if this one cannot be read.
    """
    return {"name": name, "notation": notation, "stand_in": stand_in}


class WireField(NamedTuple):
    """A field of a JSON object, and the attribute that it is read into.

    Attributes:
        name: the wire name.
        attribute: the name of the attribute.
        type: the type of the JSON: the attribute's type, or :class:`EpochMs`.
        required: whether the record cannot be read without it.
        stand_in: the wire name of the field to use if this one cannot be read.
    """

    name: str
    attribute: str
    type: Any
    required: bool
    stand_in: str | None


# The classes that from_wire() reads and to_wire() writes, each with the fields of its JSON.
RECORDS: dict[type, tuple[WireField, ...]] = {}


def json_object(cls: C) -> C:
    """Add an attrs class to :data:`RECORDS`, and return it."""
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
