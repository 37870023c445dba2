"""A strict reader of JSON, and the names of JSON types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from .._errors import DecodeError

_TYPE_NAMES: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text: strict UTF-8 without a byte order mark, finite numbers.

    Raises:
        DecodeError: the text is anything else; the error names the problem, never the text.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        found = "bytes that are not UTF-8"
    except RecursionError:
        found = "values nested too deep"
    except ValueError:
        found = "something else" if body.strip() else "nothing"
    # Not inside an except clause, as the caught error holds the text.
    raise DecodeError("$", "JSON", found)


def _refuse(_text: str) -> NoReturn:
    raise ValueError("JSON has only finite numbers")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


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
