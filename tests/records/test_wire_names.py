"""The names of the fields in JSON, and the attributes that they are read into."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import attrs
import pytest

from callhistory import to_wire
from callhistory._records.timestamps import epoch_ms, write_time
from tests.records.samples import sample
from tests.support.wire_samples import CLASSES, wire_form

every_class = pytest.mark.parametrize("cls", CLASSES)


def attribute_of(name: str) -> str:
    """Return the attribute that the documentation promises for a wire name."""
    return {"self": "self_"}.get(name) or re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


def as_wire(attribute: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [as_wire(attribute, item) for item in value]
    if isinstance(value, datetime):
        return epoch_ms(value) if attribute == "timestamp" else write_time(value)
    return to_wire(value) if isinstance(value, CLASSES) else value


@every_class
def test_every_field_has_the_attribute_that_the_documentation_names(cls: type[Any]) -> None:
    """Each documented wire field of a class is read into its own snake_case attribute."""
    record = sample(cls)

    for name, value in wire_form(cls).items():
        attribute = attribute_of(name)
        assert value is not None
        assert as_wire(attribute, getattr(record, attribute)) == value, attribute


@every_class
def test_no_attribute_is_undocumented(cls: type[Any]) -> None:
    """A class has the attributes of the documentation, and those that are not on the wire."""
    off_wire = {"extra", "_absent", "recovered"}
    if cls.__name__.endswith("Response") or cls.__name__ == "JanusResponseEvent":
        off_wire |= {"tracking_id", "retry_after", "reason"}

    assert set(attrs.fields_dict(cls)) - off_wire == set(map(attribute_of, wire_form(cls)))
