"""The writer of records as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._public import public
from .base import Record
from .json_types import as_json
from .timestamps import epoch_ms, write_time
from .wire_names import RECORDS, EpochMs


@public
def to_wire(obj: Any) -> dict[str, Any]:
    """Return a record as Webex writes it: a dict for ``json.dumps``.

    It equals the JSON that the record was read from, except for the spelling of a disposition, the
    notation of a time, and nulls, which are left out.

    Args:
        obj: a record, a response or an event of this library.

    Raises:
        TypeError: ``obj`` is none of these.
        ValueError: the record was created with a time without an offset, or its ``extra`` is nested
            hundreds of levels deep.
    """
    if type(obj) not in RECORDS:
        raise TypeError(f"to_wire: expected a record of callhistory, not {type(obj).__name__}")
    try:
        return _object(obj)
    except RecursionError:
        problem = ValueError("to_wire: what the record holds beyond its fields is nested too deep")
    raise problem


def _object(record: Any) -> dict[str, Any]:
    fields = RECORDS[type(record)]
    written = {
        field.name: _value(value, field.type)
        for field in fields
        if (value := getattr(record, field.attribute)) is not None
    }
    if not isinstance(record, Record):
        return written
    for field in fields:
        if field.name in record._absent or field.name in record.extra:
            # A field that Webex did not send has its default, unless attrs.evolve() changed it.
            default: tuple[Any, ...] = ([], {}, written.get(field.stand_in or ""))
            if written.get(field.name) in default:
                written.pop(field.name, None)
    return written | {n: as_json(v) for n, v in record.extra.items() if n not in written}


def _value(value: Any, wanted: Any) -> Any:
    if isinstance(value, datetime):
        return epoch_ms(value) if wanted is EpochMs else write_time(value)
    if isinstance(value, tuple):
        return [_value(item, None) for item in value]
    return _object(value) if type(value) in RECORDS else as_json(value)
