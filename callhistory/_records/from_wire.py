"""The reader of records for users of the library: any dict that ``json.loads`` returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from .._errors import DecodeError
from .._public import public
from .json_types import as_json, json_type
from .wire_names import RECORDS

T = TypeVar("T")


@public
def from_wire(cls: type[T], data: Any) -> T:
    """Read a record from a dict that ``json.loads`` returned. The dict is not changed.

    Args:
        cls: the class of the record, response or event.
        data: the JSON that Webex sent for it.

    Raises:
        DecodeError: a required value is missing or has another type; the error names its path.
        TypeError: ``cls`` is not a class of this library's records.
    """
    # At first use: the readers take a while to import.
    from .decode import read_record
    from .tolerant_reader import expected

    if cls not in RECORDS:
        raise TypeError(f"from_wire: expected a class of callhistory's records, not {cls!r}")
    if not isinstance(data, Mapping):
        raise DecodeError("$", expected(cls), json_type(data))
    try:
        document = as_json(data)
    except RecursionError:
        problem = DecodeError("$", "JSON", "values nested too deep")
    else:
        return read_record(cls, document)
    raise problem
