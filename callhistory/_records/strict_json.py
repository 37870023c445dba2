"""A strict reader of JSON.

Where msgspec is installed (the extra ``fast``), it reads first. Whatever it refuses is read once
more with :mod:`json`, which decides: it accepts a lone surrogate, and its errors are the library's.
The tests compare the two. They differ in one thing: of a field of a page that comes twice, msgspec
only counts the brackets and quotes of the first value.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from .._errors import DecodeError


def read_json(body: bytes | str) -> Any:
    """Return the value of a JSON text: strict UTF-8 without a byte order mark, finite numbers.

    Raises:
        DecodeError: the text is anything else; the error names the problem, never the text.
    """
    msgspec = _msgspec()
    if msgspec is not None:
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    try:
        return _DECODER.decode(body if isinstance(body, str) else body.decode("utf-8"))
    except UnicodeDecodeError:
        found = "bytes that are not UTF-8"
    except RecursionError:
        found = "values nested too deep"
    except ValueError:
        found = "something else" if body.strip() else "nothing"
    # Not inside an except clause, as the caught error holds the text.
    raise DecodeError("$", "JSON", found)


def read_json_with(
    body: bytes, name: str, read: Callable[[Any, dict[str, Any]], object]
) -> tuple[Any, list[Any] | None]:
    """Return the value of a JSON text, and apart from it what is read from one array of its object.

    Each item is read as soon as it is parsed, and then freed: a list of ten thousand dicts would
    take three times the memory of the text, and the garbage collector goes through all of them.
    A text may be parsed more than once; only what was returned for the last time counts.

    Args:
        body: the text.
        name: the name of the array in the object.
        read: returns what to keep of an item; its second argument has the fields of the object that
            are known by then. It raises nothing.

    Returns:
        The value, in which the array is missing, and what is kept of its items; ``None`` if there
        is no such array.

    Raises:
        DecodeError: as :func:`read_json`.
    """
    msgspec = _msgspec()
    if msgspec is not None:
        try:
            return _parse_with_msgspec(msgspec, body, name, read)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    if len(body) > _SMALL:
        try:
            return _parse_in_pieces(body, name, read)
        except (ValueError, RecursionError):
            pass
    document = read_json(body)
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, list):
        return document, None
    del document[name]
    return document, [read(item, document) for item in found]


@functools.cache
def _msgspec() -> ModuleType | None:
    """Return msgspec if it is installed. It is imported at first use, as that takes a while."""
    try:
        import msgspec
    except ImportError:
        return None
    return msgspec


# The length of a text, of a hundred sessions, that is faster parsed as a whole.
_SMALL = 128 * 1024


class _Item:
    """The type of an item for msgspec, which asks how to make one from what it has parsed."""


_READ = _Item()


def _parse_with_msgspec(
    msgspec: ModuleType, body: bytes, name: str, read: Callable[[Any, dict[str, Any]], object]
) -> tuple[Any, list[Any]]:
    decode = msgspec.json.decode
    raw: Any = msgspec.Raw
    fields = decode(body, type=dict[str, raw])  # each is a part of the body, not a copy
    array = fields.pop(name, b"null")
    document = {field: decode(value) for field, value in fields.items()}
    kept: list[Any] = []

    def keep(_type: Any, item: Any) -> _Item:
        kept.append(read(item, document))
        return _READ

    decode(array, type=list[_Item], dec_hook=keep)
    return document, kept


def _parse_in_pieces(
    body: bytes, name: str, read: Callable[[Any, dict[str, Any]], object]
) -> tuple[Any, list[Any]]:
    from .json_text import JsonText  # at first use, like msgspec

    # Not raw_decode(), which calls this: that takes 3 % of the time.
    text = JsonText(body, _DECODER.scan_once)  # type: ignore[attr-defined] # missing in the stubs
    kept: list[Any] | None = None
    document: dict[str, Any] = {}
    for field in text.fields():
        if field == name:
            kept = [read(item, document) for item in text.items()]
        else:
            document[field] = text.value()
    text.end()
    if kept is None:
        raise ValueError("there is no array")
    return document, kept


def _refuse(_text: str) -> NoReturn:
    raise ValueError("JSON has only finite numbers")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
