"""The types of JSON: their names, and values that consist of no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPE_NAMES: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def json_type(value: Any) -> str:
    """Return the name of a JSON value's type, such as ``"a string"``; never the value."""
    return _TYPE_NAMES.get(type(value)) or type(value).__name__


def type_at(document: Any, name: str) -> str:
    """Return the name of the type at a name, or of the document's type if it is not an object."""
    if not isinstance(document, dict):
        return json_type(document)
    return json_type(document[name]) if name in document else "nothing"


def as_json(value: Any) -> Any:
    """Return a copy that consists of the json module's types; values outside JSON are kept.

    Raises:
        RecursionError: the value is nested too deep.
    """
    if isinstance(value, str):
        return str.__str__(value)  # also for a member of an enum
    if isinstance(value, Mapping):
        return {as_json(name): as_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(inner) for inner in value]
    return value
